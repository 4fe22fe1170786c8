package commerce

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/samepage/samepage/hub"
)

// States of a cart. Ordered and merged are for ever.
const (
	CartActive  = "active"
	CartFrozen  = "frozen"
	CartOrdered = "ordered"
	CartMerged  = "merged"
)

// Cart is "cart/ID" of a context. Its total is always the sum of its lines.
type Cart struct {
	State       string              `json:"state"`
	Currency    string              `json:"currency"`
	Store       string              `json:"store,omitempty"` // whose stock the lines are held against
	Lines       map[string]CartLine `json:"lines"`
	Total       Money               `json:"total"`
	Codes       map[string]CartCode `json:"codes,omitempty"`
	Lock        *Lock               `json:"lock,omitempty"`
	FrozenUntil hub.Time            `json:"frozen_until,omitzero"`
	Reservation string              `json:"reservation,omitempty"` // of a frozen cart with a store
	Order       string              `json:"order,omitempty"`       // what became of it
	MergedInto  string              `json:"merged_into,omitempty"`
	TouchedAt   hub.Time            `json:"touched_at,omitzero"`   // by a person or bot
	AbandonedAt hub.Time            `json:"abandoned_at,omitzero"` // left behind, last
	RecoveredAt hub.Time            `json:"recovered_at,omitzero"` // and ordered after all
	OpenedAt    hub.Time            `json:"opened_at"`
	OpenedBy    hub.Actor           `json:"opened_by"`
}

// CartLine is one sku of a cart, at the price the catalogue gave.
type CartLine struct {
	Sku         string                 `json:"sku"`
	Name        string                 `json:"name"`
	Quantity    int64                  `json:"quantity"`
	Price       Money                  `json:"price"`
	Total       Money                  `json:"total"`               // less what codes take off
	Discounts   map[string]Money       `json:"discounts,omitempty"` // by code
	Order       int                    `json:"order"`               // lines are shown in this order
	AddedBy     hub.Actor              `json:"added_by"`
	AddedAt     hub.Time               `json:"added_at"`
	PriceChange *PriceChange           `json:"price_change,omitempty"`
	Problems    map[string]LineProblem `json:"problems,omitempty"` // by the code that ordering it would answer
}

// LineProblem says since when a line cannot be ordered as it is.
type LineProblem struct {
	At hub.Time `json:"at"`
}

// PriceChange tells that a price is no longer what it was when the line was added.
type PriceChange struct {
	Old Money    `json:"old"`
	New Money    `json:"new"`
	At  hub.Time `json:"at"`
}

func (s *shop) newCart(tx *hub.Tx, store string) *Cart {
	if caller := tx.Command.Caller; store == "" && caller.Role == hub.RolePOS {
		store = caller.Store
	}
	return &Cart{
		State: CartActive, Currency: s.Currency, Store: store, Lines: map[string]CartLine{},
		Total: Money{0, s.Currency}, OpenedAt: hub.At(tx.Now), OpenedBy: tx.By(),
	}
}

// lineIDs are the ids of the lines in the order they are shown.
func (c *Cart) lineIDs() []string {
	return slices.SortedFunc(maps.Keys(c.Lines), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Lines[a].Order, c.Lines[b].Order), cmp.Compare(a, b))
	})
}

// lineOf is the id of the line that holds a sku, "" if none does.
func (c *Cart) lineOf(sku string) string {
	for _, id := range c.lineIDs() {
		if c.Lines[id].Sku == sku {
			return id
		}
	}
	return ""
}

// set puts n of an item on a line, at the item's price, and counts the cart anew.
func (c *Cart) set(id string, line CartLine, item Item, n int64, now hub.Time) *hub.Problem {
	if line.Quantity > 0 && line.Price != item.Price {
		old := line.Price
		if line.PriceChange != nil {
			old = line.PriceChange.Old
		}
		line.PriceChange = &PriceChange{Old: old, New: item.Price, At: now}
		if old == item.Price {
			line.PriceChange = nil
		}
	}
	line.Name, line.Price, line.Quantity = item.Name, item.Price, n
	if p := line.settle(); p != nil {
		return p
	}
	delete(line.Problems, CodeUnknownSku)
	c.Lines[id] = line
	return c.count()
}

// count makes the total the sum of the lines, and each code's amount that of its parts.
func (c *Cart) count() *hub.Problem {
	sum := Money{0, c.Currency}
	taken := map[string]int64{}
	for _, id := range c.lineIDs() {
		line := c.Lines[id]
		if len(c.Lines) == 1 {
			sum.Currency, c.Currency = line.Price.Currency, line.Price.Currency
		}
		var p *hub.Problem
		if sum, p = sum.Add(line.Total); p != nil {
			return p
		}
		for code, part := range line.Discounts {
			taken[code] += part.Amount
		}
	}
	for id, code := range c.Codes {
		code.Amount = Money{taken[id], c.Currency}
		c.Codes[id] = code
	}
	c.Total = sum
	return nil
}

// cart finds the cart a command means: the one it names, else the context's
// only open one. Where there is none the cart is nil, and the key is for a new one.
func (s *shop) cart(tx *hub.Tx, id string, states ...string) (string, *Cart, *hub.Problem) {
	if id != "" {
		cart := &Cart{}
		if !tx.Get("cart/"+id, cart) {
			return "cart/" + id, nil, nil
		}
		return "cart/" + id, cart, nil
	}
	var key string
	var found *Cart
	for k := range tx.Keys("cart/") {
		cart := &Cart{}
		if !tx.Get(k, cart) || !slices.Contains(states, cart.State) {
			continue
		}
		if found != nil {
			return "", nil, hub.Faults{"/cart": "required: there is more than one active cart"}.Problem()
		}
		key, found = k, cart
	}
	if found == nil {
		return "cart/" + tx.NewID("cart"), nil, nil
	}
	return key, found, nil
}

// usableCart is cart for what needs one that is there, in one of the states,
// and that nobody else works on.
func (s *shop) usableCart(tx *hub.Tx, id string, states ...string) (string, *Cart, *hub.Problem) {
	key, cart, p := s.cart(tx, id, states...)
	switch {
	case p != nil:
	case id == "" && cart == nil:
		p = hub.Problemf(hub.CodeNotFound, "there is no cart that is %s", strings.Join(states, " or "))
	default:
		p = s.usable(tx, key, cart, states...)
	}
	return key, cart, p
}

// usable refuses a cart that is not in one of the states or that somebody else works on.
func (s *shop) usable(tx *hub.Tx, key string, c *Cart, states ...string) *hub.Problem {
	id := key[len("cart/"):]
	if c == nil {
		return notFound("cart", id)
	}
	if !slices.Contains(states, c.State) {
		details := map[string]any{"cart": id, "state": c.State}
		if c.Order != "" {
			details["order"] = c.Order
		}
		if c.MergedInto != "" {
			details["merged_into"] = c.MergedInto
		}
		return hub.Problemf(CodeCartNotActive, "the cart is %s", c.State).With(details)
	}
	if c.Lock.keepsOut(tx) {
		return hub.Problemf(CodeCartLocked, "an agent works on the cart").
			With(map[string]any{"by": known(tx, c.Lock.By), "at": c.Lock.At})
	}
	return nil
}

// putChanged writes a cart whose lines somebody changed.
func (s *shop) putChanged(tx *hub.Tx, key string, cart *Cart) *hub.Problem {
	if p := s.rediscount(tx, key, cart); p != nil {
		return p
	}
	s.touch(tx, key, cart)
	tx.Put(key, cart)
	return nil
}

// room refuses one more open entry in a context that is full of them.
func (s *shop) room(tx *hub.Tx) *hub.Problem {
	var keys []string
	for _, prefix := range []string{"cart/", "order/", "conversation/"} {
		keys = slices.AppendSeq(keys, tx.Keys(prefix))
	}
	if len(keys) < MaxOpen {
		return nil
	}
	open := 0
	for _, key := range keys {
		var e struct {
			State      string `json:"state"`
			OrderState string `json:"order_state"`
			Status     string `json:"status"`
		}
		tx.Get(key, &e)
		switch cmp.Or(e.OrderState, e.Status, e.State) {
		case CartOrdered, CartMerged, OrderComplete, OrderCancelled, "resolved":
		default:
			open++
		}
	}
	if open >= MaxOpen {
		return tooLarge("open entries of a context", MaxOpen)
	}
	return nil
}
