package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// Types of tender.
const (
	TenderPoints   = "points"
	TenderCard     = "card"
	TenderCash     = "cash"
	TenderGiftCard = "gift_card"
	TenderExternal = "external"
)

// States of a tender. Captured may become refunded, which is for ever, as are
// declined and voided.
const (
	TenderPending    = "pending"
	TenderAuthorised = "authorised"
	TenderCaptured   = "captured"
	TenderDeclined   = "declined"
	TenderVoided     = "voided"
	TenderRefunded   = "refunded"
)

// Tender is one means by which an order is paid. Points also say what they were worth.
type Tender struct {
	Type           string    `json:"type"`
	Amount         Money     `json:"amount"`
	Change         Money     `json:"change,omitzero"` // cash handed back
	Points         int64     `json:"points,omitempty"`
	PointsReturned int64     `json:"points_returned,omitempty"`
	Refunded       Money     `json:"refunded,omitzero"`
	Status         string    `json:"status"`
	Last4          string    `json:"last4,omitempty"`
	Reference      string    `json:"reference,omitempty"` // the payment provider's; services alone see it
	Offline        bool      `json:"offline,omitempty"`
	At             hub.Time  `json:"at"` // of its status
	By             hub.Actor `json:"by"`
}

// net is what a tender contributed: captured, less change and refunds.
func (t Tender) net() int64 {
	switch t.Status {
	case TenderCaptured, TenderRefunded:
		return t.Amount.Amount - t.Change.Amount - t.Refunded.Amount
	}
	return 0
}

// TenderArgs is a tender as it is offered: points, or an amount of anything else.
type TenderArgs struct {
	Type      string `json:"type"`
	Amount    Money  `json:"amount"`
	Points    int64  `json:"points"`
	Last4     string `json:"last4"`
	Reference string `json:"reference"`
}

func (a TenderArgs) check(f hub.Faults, at string) {
	switch a.Type {
	case TenderPoints:
		if a.Points < 1 || a.Points > maxPoints {
			f.Add(at+"/points", "must be at least 1")
		}
		if a.Amount != (Money{}) {
			f.Add(at+"/amount", "follows from the points")
		}
	case TenderCard, TenderCash, TenderGiftCard, TenderExternal:
		a.Amount.check(f, at+"/amount", 1)
		if a.Points != 0 {
			f.Add(at+"/points", "are a tender of their own")
		}
	default:
		f.Add(at+"/type", "must be points, card, cash, gift_card or external")
	}
	checkText(f, at+"/reference", a.Reference, 200)
	if a.Last4 != "" && (len(a.Last4) != 4 || slices.ContainsFunc([]byte(a.Last4), func(c byte) bool { return c < '0' || c > '9' })) {
		f.Add(at+"/last4", "must be four digits")
	}
}

// tender adds a tender to an order. What a till takes and what a service
// reports is captured; what anybody else offers is pending until a service
// or till captures it. Points are taken from the balance at once.
func (s *shop) tender(tx *hub.Tx, o *Order, orderID, id string, a TenderArgs, l *Loyalty) *hub.Problem {
	due := o.Total.Amount - o.returned()
	for _, t := range o.Tenders {
		due -= t.net()
		if t.Status == TenderPending || t.Status == TenderAuthorised {
			due -= t.Amount.Amount
		}
	}
	due = max(due, 0)
	t := Tender{Type: a.Type, Amount: a.Amount, Last4: a.Last4, Reference: a.Reference, Status: TenderPending, At: hub.At(tx.Now), By: tx.By()}
	switch tx.Command.Caller.Role {
	case hub.RolePOS, hub.RoleService, hub.RoleSystem:
		t.Status = TenderCaptured
	}
	exceeds := func(amount Money) *hub.Problem {
		return hub.Problemf(CodeAmountExceedsDue, "%d is more than the %d that are due", amount.Amount, due).
			With(map[string]any{"tender": id, "due": Money{due, o.Total.Currency}, "amount": amount})
	}
	if a.Type == TenderPoints {
		if p := l.post(LedgerEntry{At: t.At, Kind: LedgerRedeemed, Points: -a.Points, OrderRef: orderID}); p != nil {
			return p
		}
		worth, p := Money{s.Loyalty.Value, o.Total.Currency}.Times(a.Points)
		if p != nil {
			return p
		}
		if worth.Amount-due >= s.Loyalty.Value {
			return exceeds(worth)
		}
		worth.Amount = min(worth.Amount, due) // the last point may be worth more than is left
		t.Amount, t.Points, t.Status = worth, a.Points, TenderCaptured
		o.Tenders[id] = t
		return nil
	}
	if p := a.Amount.same(o.Total); p != nil {
		return p
	}
	if over := a.Amount.Amount - due; over > 0 {
		if a.Type != TenderCash || t.Status != TenderCaptured || due == 0 {
			return exceeds(a.Amount)
		}
		t.Change = Money{over, o.Total.Currency}
	}
	o.Tenders[id] = t
	return nil
}

// tenders adds several: points after what has an exact amount, cash last, for
// it is cash that change is given on.
func (s *shop) tenders(tx *hub.Tx, o *Order, orderID string, args map[string]TenderArgs, l *Loyalty) *hub.Problem {
	rank := func(id string) int {
		switch args[id].Type {
		case TenderPoints:
			return 1
		case TenderCash:
			return 2
		}
		return 0
	}
	ids := slices.Sorted(maps.Keys(args))
	slices.SortStableFunc(ids, func(a, b string) int { return rank(a) - rank(b) })
	for _, id := range ids {
		if p := s.tender(tx, o, orderID, id, args[id], l); p != nil {
			return p
		}
	}
	return nil
}

// OrderCapture is order.capture: the money has come.
type OrderCapture struct {
	Order     string `json:"order"`
	Tender    string `json:"tender"`
	Reference string `json:"reference"`
}

// Check implements [hub.Checker].
func (a *OrderCapture) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	requireID(f, "/tender", a.Tender)
	checkText(f, "/reference", a.Reference, 200)
}

// orderTender loads an order that the caller may act on, and one of its tenders.
func (s *shop) orderTender(tx *hub.Tx, order, id string) (*Order, Tender, *hub.Problem) {
	o, p := s.order(tx, order)
	if p != nil {
		return nil, Tender{}, p
	}
	t, ok := o.Tenders[id]
	if !ok {
		return nil, t, notFound("tender", id)
	}
	return o, t, nil
}

func (s *shop) captureTender(tx *hub.Tx, args OrderCapture) *hub.Problem {
	o, t, p := s.orderTender(tx, args.Order, args.Tender)
	if p != nil {
		return p
	}
	if t.Status != TenderPending && t.Status != TenderAuthorised {
		return invalidTransition(tx, "capture", t.Status, t.At, t.By)
	}
	t.Status, t.At, t.By = TenderCaptured, hub.At(tx.Now), tx.By()
	if args.Reference != "" {
		t.Reference = args.Reference
	}
	o.Tenders[args.Tender] = t
	return s.putPaid(tx, args.Order, o, s.loyalty(tx), "order.tender_captured", args.Tender)
}

// putPaid writes an order whose tenders changed, and what it earns now.
func (s *shop) putPaid(tx *hub.Tx, id string, o *Order, l *Loyalty, event, tender string) *hub.Problem {
	o.settle(hub.At(tx.Now))
	earned, p := s.accrue(tx, id, o, l)
	if p != nil {
		return p
	}
	tx.Put("order/"+id, o)
	s.putLoyalty(tx, l)
	data := map[string]any{"order": id, "tender": tender, "amount": o.Tenders[tender].Amount, "payment_state": o.PaymentState}
	if earned > 0 {
		data["points_earned"] = earned
	}
	tx.Emit(event, data)
	return nil
}
