package commerce

import (
	"github.com/samepage/samepage/hub"
)

// Steps of a pickup.
//
//	proposed ─start─► reserved ─ready─► prepared ─complete─► completed
//	   │                  ◄────recall────┘    ◄──undo, 60 s──┘
//	   └─reject─► canceled, or failed where the goods are missing
//
// What is on its way back was handed over, and is not undone.
var (
	startStep = step{command: "start", from: []string{FulfilmentProposed}, to: FulfilmentReserved, event: "fulfilment.started",
		does: func(_ *shop, _ *hub.Tx, _ *Order, f *Fulfilment, at hub.Time) *hub.Problem {
			f.AcceptedAt = at
			return nil
		}}
	readyStep = step{command: "ready", kind: Pickup, from: []string{FulfilmentReserved}, to: FulfilmentPrepared, event: "fulfilment.ready",
		does: func(_ *shop, _ *hub.Tx, _ *Order, f *Fulfilment, at hub.Time) *hub.Problem {
			f.ReadyAt = at
			return nil
		}}
	recallStep = step{command: "recall", kind: Pickup, from: []string{FulfilmentPrepared}, to: FulfilmentReserved, event: "fulfilment.recalled",
		does: func(_ *shop, _ *hub.Tx, _ *Order, f *Fulfilment, _ hub.Time) *hub.Problem {
			f.ReadyAt = hub.Time{}
			return nil
		}}
	completeStep = step{command: "complete", kind: Pickup, from: []string{FulfilmentPrepared}, to: FulfilmentCompleted, event: "fulfilment.completed",
		does: func(_ *shop, _ *hub.Tx, _ *Order, f *Fulfilment, at hub.Time) *hub.Problem {
			f.PickedUpAt = at
			return nil
		}}
	undoStep = step{command: "undo", kind: Pickup, from: []string{FulfilmentCompleted}, to: FulfilmentPrepared, event: "fulfilment.undone",
		does: func(s *shop, tx *hub.Tx, o *Order, f *Fulfilment, at hub.Time) *hub.Problem {
			by := tx.By()
			if by.Role != hub.RoleSystem && by.ID != f.By.ID {
				return forbidden("only who handed it over takes it back")
			}
			if at.Sub(f.PickedUpAt.Time) > s.Undo || len(o.Returns) > 0 {
				return invalidTransition(tx, "undo", f.State, f.At, f.By)
			}
			f.PickedUpAt = hub.Time{}
			return nil
		}}
	rejectStep = step{command: "reject", kind: Pickup, from: []string{FulfilmentProposed}, to: FulfilmentCanceled, event: "fulfilment.rejected"}
)

// TillStep is the arguments of fulfilment.start, ready, recall and undo.
type TillStep struct {
	FulfilmentStep
	Offline
}

// Check implements [hub.Checker].
func (a *TillStep) Check(f hub.Faults) {
	a.FulfilmentStep.Check(f)
	a.Offline.Check(f)
}

// FulfilmentComplete is fulfilment.complete. A collect code that is given must be the order's.
type FulfilmentComplete struct {
	TillStep
	CollectCode string `json:"collect_code"`
}

// FulfilmentReject is fulfilment.reject.
type FulfilmentReject struct {
	TillStep
	Reason string `json:"reason"`
}

// ReasonOutOfStock is the reason that tells the goods are missing.
const ReasonOutOfStock = "out_of_stock"

// Check implements [hub.Checker].
func (a *FulfilmentReject) Check(f hub.Faults) {
	a.TillStep.Check(f)
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

// take is the decision of a till's step that needs nothing but the order.
func (s *shop) take(st step) func(*hub.Tx, TillStep) *hub.Problem {
	return func(tx *hub.Tx, args TillStep) *hub.Problem { return s.advance(tx, st, args, nil) }
}

func (s *shop) completePickup(tx *hub.Tx, args FulfilmentComplete) *hub.Problem {
	return s.advance(tx, completeStep, args.TillStep, func(f *Fulfilment) *hub.Problem {
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
	return s.advance(tx, st, args.TillStep, func(f *Fulfilment) *hub.Problem {
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
