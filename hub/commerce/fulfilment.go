package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// Types of fulfilment.
const (
	Pickup   = "pickup"
	Shipment = "shipment"
)

// States of a fulfilment.
const (
	FulfilmentProposed  = "proposed"  // the store was asked
	FulfilmentReserved  = "reserved"  // it is being made, or picked
	FulfilmentPrepared  = "prepared"  // ready to collect, or packed
	FulfilmentCompleted = "completed" // collected
	FulfilmentShipped   = "shipped"
	FulfilmentDelivered = "delivered"
	FulfilmentCanceled  = "canceled"
	FulfilmentFailed    = "failed" // the store cannot, or it was lost
)

// Fulfilment is how one part of an order reaches the customer.
type Fulfilment struct {
	Type        string            `json:"type"`
	Store       string            `json:"store"`
	State       string            `json:"state"`
	At          hub.Time          `json:"at"` // of its state
	By          hub.Actor         `json:"by"`
	Lines       map[string]int64  `json:"lines"` // line id -> quantity
	Name        string            `json:"name,omitempty"`
	CollectCode string            `json:"collect_code,omitempty"` // proves whose it is; tills do not see it
	AcceptedAt  hub.Time          `json:"accepted_at,omitzero"`
	ReadyAt     hub.Time          `json:"ready_at,omitzero"`
	PickedUpAt  hub.Time          `json:"picked_up_at,omitzero"`
	ArrivedAt   hub.Time          `json:"arrived_at,omitzero"` // the customer is outside
	Arrival     string            `json:"arrival,omitempty"`   // where, in which car
	Reason      string            `json:"reason,omitempty"`    // why it was called off
	Reservation string            `json:"reservation,omitempty"`
	ExpiresAt   hub.Time          `json:"expires_at,omitzero"` // of a pickup that waits: for the store, or for the customer
	Late        bool              `json:"late,omitempty"`      // the store was asked long ago and has not begun
	Attention   string            `json:"attention,omitempty"` // why somebody has to look at it
	Address     map[string]string `json:"address,omitempty"`
	Delivery    Delivery          `json:"delivery,omitzero"` // of a shipment
}

// open reports whether a fulfilment is still under way in the store.
func (f Fulfilment) open() bool {
	switch f.State {
	case FulfilmentProposed, FulfilmentReserved, FulfilmentPrepared:
		return true
	}
	return false
}

func (f *Fulfilment) move(tx *hub.Tx, to string) { f.State, f.At, f.By = to, hub.At(tx.Now), tx.By() }

// FulfilmentStep is the arguments of a step of a fulfilment. Fulfilment may be
// left out where the caller has only one in the order.
type FulfilmentStep struct {
	Order      string `json:"order"`
	Fulfilment string `json:"fulfilment"`
}

// Check implements [hub.Checker].
func (a *FulfilmentStep) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	checkID(f, "/fulfilment", a.Fulfilment)
}

// step is a row of the transition tables: see pickup.go and shipment.go.
type step struct {
	command string
	kind    string // "": of both types
	from    []string
	to      string
	event   string
	does    func(s *shop, tx *hub.Tx, _ *Order, f *Fulfilment, at hub.Time) *hub.Problem
}

// advance takes one step of one fulfilment; also is asked once the state is right.
func (s *shop) advance(tx *hub.Tx, st step, args TillStep, also func(*Fulfilment) *hub.Problem) *hub.Problem {
	o, id, f, p := s.fulfilment(tx, args.FulfilmentStep)
	if p != nil {
		return p
	}
	at, p := args.at(tx)
	if p != nil {
		return p
	}
	if args.was() {
		if st.reached(f, tx.By()) {
			return nil
		}
		s.overtake(tx, o, &f, st, at)
	}
	if st.kind != "" && st.kind != f.Type || !slices.Contains(st.from, f.State) {
		return invalidTransition(tx, st.command, f.State, f.At, f.By)
	}
	if also != nil {
		if p := also(&f); p != nil {
			return p
		}
	}
	if st.does != nil {
		if p := st.does(s, tx, o, &f, at); p != nil {
			return p
		}
	}
	f.State, f.At, f.By = st.to, at, tx.By()
	s.deadline(tx, o, args.Order, id, &f)
	o.Fulfilments[id] = f
	o.settle(hub.At(tx.Now))
	tx.Put("order/"+args.Order, o)
	switch st.to {
	case FulfilmentCompleted, FulfilmentShipped, FulfilmentDelivered, FulfilmentFailed, FulfilmentCanceled:
		Note(tx, st.event, "order/"+args.Order, "Order "+o.Number+" "+st.to)
	}
	data := map[string]any{"order": args.Order, "fulfilment": id, "state": f.State, "order_state": o.OrderState}
	if f.Attention != "" {
		data["attention"] = f.Attention
	}
	tx.Emit(st.event, data)
	s.settleStock(tx, args.Order, o)
	return nil
}

// fulfilment finds what a command is about: the part it names, else the
// caller's only one. Tills act for their own store; services on shipments.
func (s *shop) fulfilment(tx *hub.Tx, args FulfilmentStep) (*Order, string, Fulfilment, *hub.Problem) {
	o, p := s.order(tx, args.Order)
	if p != nil {
		return nil, "", Fulfilment{}, p
	}
	caller := tx.Command.Caller
	id := args.Fulfilment
	if id == "" {
		var own []string
		for _, k := range slices.Sorted(maps.Keys(o.Fulfilments)) {
			if caller.Role != hub.RolePOS || o.Fulfilments[k].Store == caller.Store {
				own = append(own, k)
			}
		}
		if len(own) > 1 {
			open := slices.DeleteFunc(slices.Clone(own), func(k string) bool { return !o.Fulfilments[k].open() })
			if len(open) == 1 {
				own = open
			}
		}
		if len(own) > 1 {
			return nil, "", Fulfilment{}, hub.Faults{"/fulfilment": "required: the order has more than one"}.Problem()
		}
		if len(own) == 0 {
			return nil, "", Fulfilment{}, notFound("fulfilment", "of this store")
		}
		id = own[0]
	}
	f, ok := o.Fulfilments[id]
	switch {
	case !ok:
		return nil, "", f, notFound("fulfilment", id)
	case caller.Role == hub.RolePOS && f.Store != caller.Store:
		return nil, "", f, forbidden("this part of the order is another store's")
	case caller.Role == hub.RoleService && f.Type != Shipment:
		return nil, "", f, forbidden("a pickup is the store's to move")
	}
	return o, id, f, nil
}
