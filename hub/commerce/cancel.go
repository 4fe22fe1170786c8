package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// OrderCancel is order.cancel. Staff give a reason.
type OrderCancel struct {
	Order  string `json:"order"`
	Reason string `json:"reason"`
}

// Check implements [hub.Checker].
func (a *OrderCancel) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	checkText(f, "/reason", a.Reason, MaxReason)
}

func (s *shop) cancelOrder(tx *hub.Tx, args OrderCancel) *hub.Problem {
	o, p := s.order(tx, args.Order)
	if p != nil {
		return p
	}
	if p := s.cancellable(tx, o, args.Reason); p != nil {
		return p
	}
	for _, id := range slices.Sorted(maps.Keys(o.Fulfilments)) {
		if f := o.Fulfilments[id]; f.open() {
			f.move(tx, FulfilmentCanceled)
			f.Reason, f.Attention = args.Reason, ""
			s.deadline(tx, o, args.Order, id, &f)
			o.Fulfilments[id] = f
		}
	}
	if p := s.callOff(tx, args.Order, o, args.Reason); p != nil {
		return p
	}
	tx.Put("order/"+args.Order, o)
	Note(tx, "order.cancelled", "order/"+args.Order, "Order "+o.Number+" cancelled")
	tx.Emit("order.cancelled", map[string]any{"order": args.Order, "reason": args.Reason, "payment_state": o.PaymentState})
	s.settleStock(tx, args.Order, o)
	return nil
}

// callOff cancels an order: tenders that were not captured are void, points go
// back, and what was earned is taken back. Money that was captured is owed.
func (s *shop) callOff(tx *hub.Tx, order string, o *Order, reason string) *hub.Problem {
	now := hub.At(tx.Now)
	l := s.loyalty(tx)
	for _, id := range slices.Sorted(maps.Keys(o.Tenders)) {
		t := o.Tenders[id]
		switch {
		case t.Status == TenderPending, t.Status == TenderAuthorised:
			t.Status, t.At, t.By = TenderVoided, now, tx.By()
		case t.Type == TenderPoints && t.Status == TenderCaptured:
			back := t.Points - t.PointsReturned
			if back > 0 {
				if p := l.post(LedgerEntry{At: now, Kind: LedgerReturned, Points: back, OrderRef: order, Reason: reason}); p != nil {
					return p
				}
			}
			t.Status, t.At, t.By, t.PointsReturned, t.Refunded = TenderRefunded, now, tx.By(), t.Points, t.Amount
		}
		o.Tenders[id] = t
	}
	if o.PointsEarned > 0 {
		if p := l.reverse(o.PointsEarned, order, reason, now); p != nil {
			return p
		}
		o.PointsEarned = 0
	}
	o.Cancelled = &Cancellation{At: now, By: tx.By(), Reason: reason}
	o.ClosedAt = now
	o.settle(now)
	s.putLoyalty(tx, l)
	return nil
}

// cancellable holds the table: customers while nothing was started, staff, with a
// reason, before anything was handed over.
func (s *shop) cancellable(tx *hub.Tx, o *Order, reason string) *hub.Problem {
	if o.Cancelled != nil {
		return invalidTransition(tx, "cancel", o.OrderState, o.Cancelled.At, o.Cancelled.By)
	}
	caller := tx.Command.Caller
	customer := caller.Role == hub.RoleCustomer
	for _, id := range slices.Sorted(maps.Keys(o.Fulfilments)) {
		f := o.Fulfilments[id]
		gone := f.State == FulfilmentCompleted || f.State == FulfilmentShipped || f.State == FulfilmentDelivered
		begun := f.State == FulfilmentReserved || f.State == FulfilmentPrepared
		if gone || customer && begun {
			return hub.Problemf(CodeTooLateToCancel, "it is too late to cancel: the order is %s", f.State).
				With(map[string]any{"state": f.State, "at": f.At})
		}
	}
	if caller.Role == hub.RolePOS {
		for _, f := range o.Fulfilments {
			if f.open() && f.Store != caller.Store {
				return forbidden("a part of the order is another store's")
			}
		}
	}
	if !customer && caller.Role != hub.RoleSystem && reason == "" {
		return hub.Faults{"/reason": "required of staff"}.Problem()
	}
	return nil
}
