package commerce

import (
	"github.com/samepage/samepage/hub"
)

// settle derives what follows from tenders and fulfilments.
//
//	open ── captured >= total ──► confirmed ── all handed over ──► complete
//	  └────────── order.cancel ──────┴──► cancelled   ◄── undo ──┘ (back to confirmed)
func (o *Order) settle(now hub.Time) {
	captured, promised := o.captured(), o.promised()
	due := o.Total.Amount - o.returned() // what came back is not to be paid again
	o.Paid = Money{captured, o.Total.Currency}
	o.Due = Money{max(due-captured, 0), o.Total.Currency}

	if o.Cancelled != nil {
		o.OrderState, o.Due.Amount = OrderCancelled, 0
		switch {
		case captured > 0:
			o.PaymentState = PaymentCreditOwed
		case o.everCaptured():
			o.PaymentState = PaymentPaid // and given back
		default:
			o.PaymentState = PaymentFailed
		}
		return
	}

	switch {
	case captured > due:
		o.PaymentState = PaymentCreditOwed
	case captured == due:
		o.PaymentState = PaymentPaid
	case promised >= due:
		o.PaymentState = PaymentPending
	case o.declined() && promised == 0 && !o.handedOver():
		o.PaymentState = PaymentFailed
	default:
		o.PaymentState = PaymentBalanceDue
	}

	paid := o.PaymentState == PaymentPaid || o.PaymentState == PaymentCreditOwed
	if o.OrderState == OrderOpen && paid {
		o.OrderState = OrderConfirmed
	}
	switch handed := o.handedOver(); {
	case o.OrderState == OrderConfirmed && handed:
		o.OrderState, o.ClosedAt = OrderComplete, now
	case o.OrderState == OrderComplete && !handed:
		o.OrderState, o.ClosedAt = OrderConfirmed, hub.Time{}
	}
}

// captured is what was taken and kept, less change and refunds.
func (o *Order) captured() int64 {
	n := int64(0)
	for _, t := range o.Tenders {
		n += t.net()
	}
	return n
}

// returned is what was refunded for goods that came back.
func (o *Order) returned() int64 {
	n := int64(0)
	for _, r := range o.Returns {
		n += r.Refunded.Amount
	}
	return min(n, o.Total.Amount)
}

func (o *Order) everCaptured() bool {
	for _, t := range o.Tenders {
		if t.Status == TenderCaptured || t.Status == TenderRefunded {
			return true
		}
	}
	return false
}

func (o *Order) declined() bool {
	for _, t := range o.Tenders {
		if t.Status == TenderDeclined {
			return true
		}
	}
	return false
}

// handedOver reports whether the customer has everything that was not called off.
func (o *Order) handedOver() bool {
	some := false
	for _, f := range o.Fulfilments {
		switch f.State {
		case FulfilmentCompleted, FulfilmentDelivered:
			some = true
		case FulfilmentCanceled:
		default:
			return false
		}
	}
	return some
}

// promised is what the tenders come to once all of them are captured.
func (o *Order) promised() int64 {
	n := o.captured()
	for _, t := range o.Tenders {
		if t.Status == TenderPending || t.Status == TenderAuthorised {
			n += t.Amount.Amount
		}
	}
	return n
}
