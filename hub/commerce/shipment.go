package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// Steps of a shipment.
//
//	proposed ─start─► reserved ─pack─► prepared ─ship─► shipped ─deliver─► delivered
//	                                                       └─lose─► failed
var (
	packStep = step{command: "pack", kind: Shipment, from: []string{FulfilmentReserved}, to: FulfilmentPrepared, event: "fulfilment.packed",
		does: func(_ *shop, _ *hub.Tx, _ *Order, f *Fulfilment, at hub.Time) *hub.Problem {
			f.ReadyAt = at
			return nil
		}}
	shipStep    = step{command: "ship", kind: Shipment, from: []string{FulfilmentPrepared}, to: FulfilmentShipped, event: "fulfilment.shipped"}
	deliverStep = step{command: "deliver", kind: Shipment, from: []string{FulfilmentShipped}, to: FulfilmentDelivered, event: "fulfilment.delivered",
		does: func(_ *shop, _ *hub.Tx, _ *Order, f *Fulfilment, at hub.Time) *hub.Problem {
			f.Delivery.DeliveredAt, f.Delivery.DelayedUntil = at, hub.Time{}
			return nil
		}}
	loseStep = step{command: "lose", kind: Shipment, from: []string{FulfilmentShipped}, to: FulfilmentFailed, event: "fulfilment.lost",
		does: func(_ *shop, _ *hub.Tx, _ *Order, f *Fulfilment, _ hub.Time) *hub.Problem {
			f.Reason = "lost"
			return nil
		}}
)

// Delivery is what is known of a shipment under way.
type Delivery struct {
	Carrier      string   `json:"carrier,omitempty"`
	Tracking     string   `json:"tracking,omitempty"`
	ShippedAt    hub.Time `json:"shipped_at,omitzero"`
	DelayedUntil hub.Time `json:"delayed_until,omitzero"`
	DeliveredAt  hub.Time `json:"delivered_at,omitzero"`
}

// FulfilmentShip is fulfilment.ship.
type FulfilmentShip struct {
	FulfilmentStep
	Carrier  string `json:"carrier"`
	Tracking string `json:"tracking"`
}

// Check implements [hub.Checker].
func (a *FulfilmentShip) Check(f hub.Faults) {
	a.FulfilmentStep.Check(f)
	if a.Carrier == "" {
		f.Add("/carrier", "required")
	}
	checkText(f, "/carrier", a.Carrier, 100)
	checkText(f, "/tracking", a.Tracking, 200)
}

// FulfilmentDelay is fulfilment.delay: a flag, not a state.
type FulfilmentDelay struct {
	FulfilmentStep
	Until *hub.Time `json:"until"`
}

// Check implements [hub.Checker].
func (a *FulfilmentDelay) Check(f hub.Faults) {
	a.FulfilmentStep.Check(f)
	if a.Until == nil {
		f.Add("/until", "required")
	}
}

// carry is the decision of a shipment's step that needs nothing but the order.
func (s *shop) carry(st step) func(*hub.Tx, FulfilmentStep) *hub.Problem {
	return func(tx *hub.Tx, args FulfilmentStep) *hub.Problem {
		return s.advance(tx, st, TillStep{FulfilmentStep: args}, nil)
	}
}

func (s *shop) ship(tx *hub.Tx, args FulfilmentShip) *hub.Problem {
	return s.advance(tx, shipStep, TillStep{FulfilmentStep: args.FulfilmentStep}, func(f *Fulfilment) *hub.Problem {
		f.Delivery.Carrier, f.Delivery.Tracking, f.Delivery.ShippedAt = args.Carrier, args.Tracking, hub.At(tx.Now)
		return nil
	})
}

func (s *shop) delay(tx *hub.Tx, args FulfilmentDelay) *hub.Problem {
	o, id, f, p := s.fulfilment(tx, args.FulfilmentStep)
	if p != nil {
		return p
	}
	if f.Type != Shipment || !f.open() && f.State != FulfilmentShipped {
		return invalidTransition(tx, "delay", f.State, f.At, f.By)
	}
	f.Delivery.DelayedUntil = *args.Until
	o.Fulfilments[id] = f
	o.PromisedAt = *args.Until
	tx.Put("order/"+args.Order, o)
	tx.Emit("fulfilment.delayed", map[string]any{"order": args.Order, "fulfilment": id, "until": args.Until})
	return nil
}

// FulfilmentMove is fulfilment.move: another store does it. Nothing is charged again.
type FulfilmentMove struct {
	FulfilmentStep
	Store string `json:"store"`
}

// Check implements [hub.Checker].
func (a *FulfilmentMove) Check(f hub.Faults) {
	a.FulfilmentStep.Check(f)
	requireID(f, "/store", a.Store)
}

func (s *shop) moveFulfilment(tx *hub.Tx, args FulfilmentMove) *hub.Problem {
	o, id, f, p := s.fulfilment(tx, args.FulfilmentStep)
	if p != nil {
		return p
	}
	movable := []string{FulfilmentProposed, FulfilmentCanceled, FulfilmentFailed}
	if o.Cancelled != nil || !slices.Contains(movable, f.State) || !f.AcceptedAt.IsZero() {
		return invalidTransition(tx, "move", f.State, f.At, f.By)
	}
	if f.Store == args.Store {
		return hub.Faults{"/store": "has it already"}.Problem()
	}
	store, p := s.accepting(tx, args.Store)
	if p != nil {
		return p
	}
	from := f.Store
	if f.Reservation != "" {
		tx.Then(hub.Command{
			Method: "stock.release", On: storeChannel(from), Caller: system(), Args: encode(StockRelease{f.Reservation}),
		})
	}
	f.Store, f.Reason, f.ArrivedAt, f.Arrival = args.Store, "", hub.Time{}, ""
	f.move(tx, FulfilmentProposed)
	f.Reservation = s.reserveFirst(tx, f.Store, StockReserve{Claim: Claim{Lines: o.skus(f), Order: args.Order, Fulfilment: id}})
	if o.Store == from {
		o.Store = args.Store
	}
	o.PromisedAt = s.promise(tx, store)
	s.deadline(tx, o, args.Order, id, &f)
	o.Fulfilments[id] = f
	o.settle(hub.At(tx.Now))
	tx.Put("order/"+args.Order, o)
	Note(tx, "fulfilment.moved", "order/"+args.Order, "Order "+o.Number+" moved from "+from+" to "+args.Store)
	tx.Emit("fulfilment.moved", map[string]any{"order": args.Order, "fulfilment": id, "from": from, "store": args.Store})
	s.settleStock(tx, args.Order, o)
	return nil
}

// oneOf is the only key of a map, "" where there are none or several.
func oneOf[V any](m map[string]V) string {
	if len(m) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(m))[0]
}
