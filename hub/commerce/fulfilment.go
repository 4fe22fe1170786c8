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

// step is a row of the transition tables.
//
//	pickup   proposed ─start─► reserved ─ready─► prepared ─complete─► completed
//	            │                  ◄────recall────┘    ◄──undo, 60 s──┘
//	            └─reject─► canceled, or failed where the goods are missing
type step struct {
	command string
	kind    string // "": of both types
	from    []string
	to      string
	event   string
	does    func(s *shop, tx *hub.Tx, f *Fulfilment) *hub.Problem
}

var (
	startStep = step{command: "start", from: []string{FulfilmentProposed}, to: FulfilmentReserved, event: "fulfilment.started",
		does: func(_ *shop, tx *hub.Tx, f *Fulfilment) *hub.Problem {
			f.AcceptedAt = hub.At(tx.Now)
			return nil
		}}
	readyStep = step{command: "ready", kind: Pickup, from: []string{FulfilmentReserved}, to: FulfilmentPrepared, event: "fulfilment.ready",
		does: func(_ *shop, tx *hub.Tx, f *Fulfilment) *hub.Problem {
			f.ReadyAt = hub.At(tx.Now)
			return nil
		}}
	recallStep = step{command: "recall", kind: Pickup, from: []string{FulfilmentPrepared}, to: FulfilmentReserved, event: "fulfilment.recalled",
		does: func(_ *shop, tx *hub.Tx, f *Fulfilment) *hub.Problem {
			f.ReadyAt = hub.Time{}
			return nil
		}}
	completeStep = step{command: "complete", kind: Pickup, from: []string{FulfilmentPrepared}, to: FulfilmentCompleted, event: "fulfilment.completed",
		does: func(_ *shop, tx *hub.Tx, f *Fulfilment) *hub.Problem {
			f.PickedUpAt = hub.At(tx.Now)
			return nil
		}}
	undoStep = step{command: "undo", kind: Pickup, from: []string{FulfilmentCompleted}, to: FulfilmentPrepared, event: "fulfilment.undone",
		does: func(s *shop, tx *hub.Tx, f *Fulfilment) *hub.Problem {
			by := tx.By()
			if by.Role != hub.RoleSystem && by.ID != f.By.ID {
				return forbidden("only who handed it over takes it back")
			}
			if tx.Now.Sub(f.PickedUpAt.Time) > s.Undo {
				return invalidTransition(tx, "undo", f.State, f.At, f.By)
			}
			f.PickedUpAt = hub.Time{}
			return nil
		}}
	rejectStep = step{command: "reject", kind: Pickup, from: []string{FulfilmentProposed}, to: FulfilmentCanceled, event: "fulfilment.rejected"}
)

// FulfilmentStep is the arguments of fulfilment.start, ready, recall and undo.
// Fulfilment may be left out where the caller has only one in the order.
type FulfilmentStep struct {
	Order      string `json:"order"`
	Fulfilment string `json:"fulfilment"`
}

// Check implements [hub.Checker].
func (a *FulfilmentStep) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	checkID(f, "/fulfilment", a.Fulfilment)
}

// FulfilmentComplete is fulfilment.complete. A collect code that is given must be the order's.
type FulfilmentComplete struct {
	FulfilmentStep
	CollectCode string `json:"collect_code"`
}

// FulfilmentReject is fulfilment.reject.
type FulfilmentReject struct {
	FulfilmentStep
	Reason string `json:"reason"`
}

// ReasonOutOfStock is the reason that tells the goods are missing.
const ReasonOutOfStock = "out_of_stock"

// Check implements [hub.Checker].
func (a *FulfilmentReject) Check(f hub.Faults) {
	a.FulfilmentStep.Check(f)
	if a.Reason == "" {
		f.Add("/reason", "required")
	}
	checkText(f, "/reason", a.Reason, MaxReason)
}

// FulfilmentArrive is fulfilment.arrive: the customer is at the store.
type FulfilmentArrive struct {
	FulfilmentStep
	Details string `json:"details"`
}

// Check implements [hub.Checker].
func (a *FulfilmentArrive) Check(f hub.Faults) {
	a.FulfilmentStep.Check(f)
	checkText(f, "/details", a.Details, 200)
}

// take is the decision of a step that needs nothing but the order.
func (s *shop) take(st step) func(*hub.Tx, FulfilmentStep) *hub.Problem {
	return func(tx *hub.Tx, args FulfilmentStep) *hub.Problem { return s.advance(tx, st, args, nil) }
}

func (s *shop) completePickup(tx *hub.Tx, args FulfilmentComplete) *hub.Problem {
	return s.advance(tx, completeStep, args.FulfilmentStep, func(f *Fulfilment) *hub.Problem {
		if args.CollectCode != "" && args.CollectCode != f.CollectCode {
			return hub.Problemf(CodeWrongCollectCode, "the collect code is not this order's")
		}
		return nil
	})
}

func (s *shop) rejectFulfilment(tx *hub.Tx, args FulfilmentReject) *hub.Problem {
	st := rejectStep
	if args.Reason == ReasonOutOfStock {
		st.to = FulfilmentFailed
	}
	return s.advance(tx, st, args.FulfilmentStep, func(f *Fulfilment) *hub.Problem {
		f.Reason = args.Reason
		return nil
	})
}

func (s *shop) arrive(tx *hub.Tx, args FulfilmentArrive) *hub.Problem {
	o, id, f, p := s.fulfilment(tx, args.FulfilmentStep)
	if p != nil {
		return p
	}
	if f.Type != Pickup || !f.open() {
		return invalidTransition(tx, "arrive", f.State, f.At, f.By)
	}
	if !f.ArrivedAt.IsZero() {
		return nil // the first arrival counts
	}
	f.ArrivedAt, f.Arrival = hub.At(tx.Now), args.Details
	o.Fulfilments[id] = f
	tx.Put("order/"+args.Order, o)
	tx.Emit("fulfilment.arrived", map[string]any{"order": args.Order, "fulfilment": id})
	return nil
}

// advance takes one step of one fulfilment; also is asked once the state is right.
func (s *shop) advance(tx *hub.Tx, st step, args FulfilmentStep, also func(*Fulfilment) *hub.Problem) *hub.Problem {
	o, id, f, p := s.fulfilment(tx, args)
	if p != nil {
		return p
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
		if p := st.does(s, tx, &f); p != nil {
			return p
		}
	}
	f.move(tx, st.to)
	s.deadline(tx, o, args.Order, id, &f)
	o.Fulfilments[id] = f
	o.settle(hub.At(tx.Now))
	tx.Put("order/"+args.Order, o)
	switch st.to {
	case FulfilmentCompleted, FulfilmentShipped, FulfilmentDelivered, FulfilmentFailed, FulfilmentCanceled:
		Note(tx, st.event, "order/"+args.Order, "Order "+o.Number+" "+st.to)
	}
	tx.Emit(st.event, map[string]any{"order": args.Order, "fulfilment": id, "state": f.State, "order_state": o.OrderState})
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
