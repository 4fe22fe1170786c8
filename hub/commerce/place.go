package commerce

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
)

// OrderPlace is order.place. If_version names the cart: the buyer decided on
// what the screen showed.
type OrderPlace struct {
	Cart          string                `json:"cart"`
	Order         string                `json:"order"`
	ExpectedTotal Money                 `json:"expected_total"`
	Fulfilment    FulfilmentArgs        `json:"fulfilment"`
	Tenders       map[string]TenderArgs `json:"tenders"`
	Force         bool                  `json:"force"` // staff: the goods are in hand, whatever the count says
}

// FulfilmentArgs says how the buyer gets the goods.
type FulfilmentArgs struct {
	Type    string            `json:"type"`
	Store   string            `json:"store"`
	Name    string            `json:"name"`    // pickup: whom to call
	Address map[string]string `json:"address"` // shipment
}

// Check implements [hub.Checker].
func (a *OrderPlace) Check(f hub.Faults) {
	checkID(f, "/cart", a.Cart)
	checkID(f, "/order", a.Order)
	a.ExpectedTotal.check(f, "/expected_total", 0)
	a.Fulfilment.check(f, "/fulfilment")
	checkTenders(f, a.Tenders)
}

func (a FulfilmentArgs) check(f hub.Faults, at string) {
	switch a.Type {
	case Pickup:
		if len(a.Address) > 0 {
			f.Add(at+"/address", "is for a shipment")
		}
	case Shipment:
		if len(a.Address) == 0 || len(a.Address) > 20 {
			f.Add(at+"/address", "required")
		}
	default:
		f.Add(at+"/type", "must be pickup or shipment")
	}
	requireID(f, at+"/store", a.Store)
	checkText(f, at+"/name", a.Name, MaxTicket)
	for name, value := range a.Address {
		checkText(f, pointer(at+"/address", name), name, 64)
		checkText(f, pointer(at+"/address", name), value, 200)
	}
}

// placeOrder makes an order of a cart: one event for cart, order, points and
// timeline, and only once the store holds the goods.
func (s *shop) placeOrder(tx *hub.Tx, args OrderPlace) *hub.Problem {
	key, cart, p := s.usableCart(tx, args.Cart, CartActive, CartFrozen)
	if p != nil {
		return p
	}
	if p := tx.RequireVersion(key); p != nil {
		return p
	}
	id := cmp.Or(args.Order, tx.NewID("order"))
	if tx.Has("order/" + id) {
		return hub.Faults{"/order": "is another order's"}.Problem()
	}
	caller := tx.Command.Caller
	if p := forced(tx, args.Force); p != nil {
		return p
	}
	if caller.Role == hub.RolePOS && args.Fulfilment.Store != caller.Store {
		return forbidden("a till places orders for its own store")
	}
	if len(cart.Lines) == 0 {
		return hub.Problemf(CodeCartEmpty, "the cart is empty")
	}
	if p := s.reprice(tx, key, cart, args.ExpectedTotal); p != nil {
		return p
	}
	store, p := s.accepting(tx, args.Fulfilment.Store)
	if p != nil {
		return p
	}

	now := hub.At(tx.Now)
	o := &Order{
		Number: word(tx.NewID("number"), letters, 6), Cart: key[len("cart/"):], Store: args.Fulfilment.Store,
		Channel: touchpoint(tx), Lines: map[string]OrderLine{}, Total: cart.Total, OrderState: OrderOpen,
		Tenders: map[string]Tender{}, Returns: map[string]Return{}, PlacedAt: now, PlacedBy: tx.By(),
		PromisedAt: s.promise(tx, store),
	}
	for lineID, line := range cart.Lines {
		o.Lines[lineID] = OrderLine{
			Sku: line.Sku, Name: line.Name, Quantity: line.Quantity, Price: line.Price, Total: line.Total,
			Discounts: line.Discounts, Order: line.Order,
		}
	}
	if p := o.count(); p != nil {
		return p
	}
	o.TicketName = clip(cmp.Or(args.Fulfilment.Name, s.firstName(tx), o.Number), MaxTicket)
	f := s.asked(tx, o, id, "f1", args.Fulfilment)

	l := s.loyalty(tx)
	if p := s.tenders(tx, o, id, args.Tenders, l); p != nil {
		return p
	}
	if short := o.Total.Amount - o.promised(); short > 0 {
		return hub.Problemf(CodeInsufficientTenders, "the tenders do not cover the total").With(map[string]any{
			"total": o.Total, "tendered": Money{o.promised(), o.Total.Currency}, "missing": Money{short, o.Total.Currency},
		})
	}
	adopted := cart.Reservation != "" && cart.Store == f.Store
	if adopted {
		f.Reservation = cart.Reservation // the frozen cart's goods become the order's
	} else {
		f.Reservation = s.reserveFirst(tx, f.Store, StockReserve{Claim: Claim{Lines: o.skus(f), Order: id, Fulfilment: "f1"}, Force: args.Force})
	}
	o.Fulfilments = map[string]Fulfilment{"f1": f}
	o.settle(now)
	earned, p := s.accrue(tx, id, o, l)
	if p != nil {
		return p
	}

	if adopted {
		// The reservation knows no order yet and would expire, were the word to it lost.
		tx.SetTimer("stock/"+id, tx.Now.Add(time.Minute), "order.settle_stock", OrderSettleStock{id})
	} else if cart.Reservation != "" {
		s.releaseThen(tx, cart)
	}
	s.bought(tx, key, cart)
	if cart.State == CartFrozen {
		tx.ClearTimer("frozen/" + key)
	}
	cart.State, cart.Order, cart.Lock, cart.FrozenUntil, cart.Reservation = CartOrdered, id, nil, hub.Time{}, ""
	tx.Put(key, cart)
	tx.Put("order/"+id, o)
	s.putLoyalty(tx, l)
	Note(tx, "order.placed", "order/"+id, "Order "+o.Number+" placed for "+o.TicketName)
	data := map[string]any{
		"order": id, "cart": o.Cart, "number": o.Number, "store": o.Store, "total": o.Total, "payment_state": o.PaymentState,
	}
	if earned > 0 {
		data["points_earned"] = earned
	}
	tx.Emit("order.placed", data)
	s.settleStock(tx, id, o)
	return nil
}

// forced refuses anybody but staff who wants to go past what the stock says.
func forced(tx *hub.Tx, force bool) *hub.Problem {
	switch tx.By().Role {
	case hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor:
		return nil
	}
	if force {
		return forbidden("force is for staff who have the goods in hand")
	}
	return nil
}

// asked is a new fulfilment of all of an order, which its store is asked for.
func (s *shop) asked(tx *hub.Tx, o *Order, order, id string, args FulfilmentArgs) Fulfilment {
	f := Fulfilment{
		Type: args.Type, Store: args.Store, Lines: o.quantities(), Name: args.Name, Address: args.Address,
		State: FulfilmentProposed, At: hub.At(tx.Now), By: tx.By(),
	}
	s.deadline(tx, o, order, id, &f)
	if f.Type == Pickup {
		f.CollectCode = word(tx.NewID("collect code"), digits, 4)
	}
	return f
}

// promise is when a store has an order ready that it is asked for now.
func (s *shop) promise(tx *hub.Tx, store Store) hub.Time {
	return hub.At(tx.Now.Add(s.Preparation + time.Duration(store.slow())*time.Minute))
}

// reprice puts the catalogue's prices on an active cart's lines and asks again
// what its codes are worth; a frozen cart keeps its own. What comes out must be
// what the buyer expects.
func (s *shop) reprice(tx *hub.Tx, key string, cart *Cart, expected Money) *hub.Problem {
	lines := map[string]any{}
	for _, id := range cart.lineIDs() {
		line := cart.Lines[id]
		if cart.State == CartActive {
			item, p := s.item(tx, line.Sku)
			if p != nil {
				return p
			}
			if p := cart.set(id, line, item, line.Quantity, hub.At(tx.Now)); p != nil {
				return p
			}
		}
		if change := cart.Lines[id].PriceChange; change != nil {
			lines[id] = map[string]any{"sku": line.Sku, "old": change.Old, "new": change.New}
		}
	}
	if cart.State == CartActive {
		if p := s.discount(tx, key, cart); p != nil {
			return p
		}
	}
	if cart.Total == expected {
		return nil
	}
	details := map[string]any{"old": expected, "new": cart.Total, "lines": lines}
	reasons := map[string]string{}
	for code, held := range cart.Codes {
		if held.Reason != "" {
			reasons[code] = held.Reason
		}
	}
	if len(reasons) > 0 {
		details["codes"] = reasons
	}
	return hub.Problemf(CodePriceChanged, "the total is not what was expected").With(details)
}

// skus is how many of each sku a fulfilment takes.
func (o *Order) skus(f Fulfilment) map[string]int64 {
	n := map[string]int64{}
	for _, id := range slices.Sorted(maps.Keys(f.Lines)) {
		n[o.Lines[id].Sku] += f.Lines[id]
	}
	return n
}

func (s *shop) firstName(tx *hub.Tx) string {
	var profile Profile
	tx.Get("profile", &profile)
	return profile.Traits["first_name"]
}
