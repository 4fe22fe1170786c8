package flow

import (
	"encoding/json"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// carts is what open carts hold, as far as the log was read: which contexts
// hold a sku, and at what price. It is for one goroutine.
//
// A line takes some 300 bytes, and no more than limit lines are kept: beyond
// that it is partial, and whoever wants to know has to ask the store.
type carts struct {
	limit    int
	lines    int
	partial  bool
	contexts map[hub.Channel]*holdings
	holders  map[string]map[hub.Channel]int // sku -> context -> lines
}

// holdings are the open carts of one context that hold anything.
type holdings struct {
	at    hub.Position // as loaded; events up to here are known
	carts map[string]*basket
}

// basket is one cart.
type basket struct {
	State string
	Lines map[string]held
}

// held is a line of a cart.
type held struct {
	Sku      string         `json:"sku"`
	Price    commerce.Money `json:"price"`
	Problems map[string]any `json:"problems"`
}

// marked reports whether the line says that it is no longer sold.
func (l held) marked() bool { return l.Problems[commerce.CodeUnknownSku] != nil }

func newCarts(limit int) *carts {
	return &carts{limit: limit, contexts: map[hub.Channel]*holdings{}, holders: map[string]map[hub.Channel]int{}}
}

// load puts what a context holds in the place of what was known of it.
func (c *carts) load(s hub.Snapshot) {
	c.forget(s.Channel)
	h := &holdings{at: s.Position, carts: map[string]*basket{}}
	c.contexts[s.Channel] = h
	for key, e := range s.Entries {
		if hub.EntryKind(key) == "cart" {
			c.change(s.Channel, h, hub.Change{Key: key, Doc: e.Doc})
		}
	}
	c.tidy(s.Channel, h)
}

// apply moves a context along one of its events, and reports whether that
// touched an open cart. Events come in their order; those that a load knew
// already may come again.
func (c *carts) apply(m *hub.Message) (touched bool) {
	h := c.contexts[m.Channel]
	if h != nil && h.at.Epoch == m.Position.Epoch && m.Position.Offset <= h.at.Offset {
		return false
	}
	for _, change := range m.Event.Changes {
		if hub.EntryKind(change.Key) != "cart" {
			continue
		}
		if h == nil {
			h = &holdings{carts: map[string]*basket{}}
			c.contexts[m.Channel] = h
		}
		touched = c.change(m.Channel, h, change) || touched
	}
	if h != nil {
		c.tidy(m.Channel, h)
	}
	return touched
}

// change applies one change of a cart; true if it is open afterwards.
func (c *carts) change(name hub.Channel, h *holdings, change hub.Change) bool {
	var patch struct {
		State *string                    `json:"state"`
		Lines map[string]json.RawMessage `json:"lines"`
	}
	raw := change.Patch
	if change.Doc != nil || change.Gone {
		c.drop(name, h, change.Key)
		raw = change.Doc
	}
	if change.Gone || json.Unmarshal(raw, &patch) != nil {
		return false
	}
	b := h.carts[change.Key]
	if b == nil {
		// One that held nothing is not kept: what a patch does not say of it is that it is active.
		b = &basket{State: commerce.CartActive, Lines: map[string]held{}}
		h.carts[change.Key] = b
	}
	if patch.State != nil {
		b.State = *patch.State
	}
	if b.State != commerce.CartActive && b.State != commerce.CartFrozen {
		c.drop(name, h, change.Key) // for ever
		return false
	}
	for id, raw := range patch.Lines {
		line, was := b.Lines[id]
		if was {
			c.hold(name, line.Sku, -1)
			delete(b.Lines, id)
		}
		if string(raw) == "null" || json.Unmarshal(raw, &line) != nil || line.Sku == "" {
			continue
		}
		if c.lines >= c.limit {
			c.partial = true
			continue
		}
		line.Sku = strings.Clone(line.Sku) // not the whole event
		b.Lines[strings.Clone(id)] = line
		c.hold(name, line.Sku, 1)
	}
	return true
}

// hold counts a line of a context.
func (c *carts) hold(name hub.Channel, sku string, n int) {
	c.lines += n
	all := c.holders[sku]
	if all == nil {
		all = map[hub.Channel]int{}
		c.holders[sku] = all
	}
	if all[name] += n; all[name] == 0 {
		delete(all, name)
	}
	if len(all) == 0 {
		delete(c.holders, sku)
	}
}

// drop forgets one cart.
func (c *carts) drop(name hub.Channel, h *holdings, key string) {
	if b := h.carts[key]; b != nil {
		for _, line := range b.Lines {
			c.hold(name, line.Sku, -1)
		}
		delete(h.carts, key)
	}
}

// forget forgets a context.
func (c *carts) forget(name hub.Channel) {
	if h := c.contexts[name]; h != nil {
		for key := range h.carts {
			c.drop(name, h, key)
		}
		delete(c.contexts, name)
	}
}

// tidy keeps nothing of carts that hold nothing.
func (c *carts) tidy(name hub.Channel, h *holdings) {
	for key, b := range h.carts {
		if len(b.Lines) == 0 {
			delete(h.carts, key)
		}
	}
	if len(h.carts) == 0 {
		delete(c.contexts, name)
	}
}

// differs is the skus that a context's active carts hold otherwise than the
// catalogue has them; frozen carts keep their prices.
func (c *carts) differs(name hub.Channel, prices map[string]commerce.Money) []string {
	h := c.contexts[name]
	if h == nil {
		return nil
	}
	return h.differs(prices)
}

func (h *holdings) differs(prices map[string]commerce.Money) []string {
	var skus []string
	for _, b := range h.carts {
		if b.State != commerce.CartActive {
			continue
		}
		for _, line := range b.Lines {
			price, sold := prices[line.Sku]
			if sold == line.marked() || sold && price != line.Price {
				skus = append(skus, line.Sku)
			}
		}
	}
	return skus
}
