package commerce

import (
	"cmp"

	"github.com/samepage/samepage/hub"
)

// OrderAddTender is order.add_tender: one more means to pay what is due.
type OrderAddTender struct {
	Order  string `json:"order"`
	Tender string `json:"tender"`
	TenderArgs
	Status string `json:"status"` // pending, authorised or captured; left out: captured
}

// Check implements [hub.Checker].
func (a *OrderAddTender) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	checkID(f, "/tender", a.Tender)
	a.check(f, "")
	switch a.Status {
	case "", TenderPending, TenderAuthorised, TenderCaptured:
	default:
		f.Add("/status", "must be pending, authorised or captured")
	}
}

// OrderVoid is order.void: a tender that was not captured will not be. A card
// that a till took offline counts as captured, and may be declined after all.
type OrderVoid struct {
	Order    string `json:"order"`
	Tender   string `json:"tender"`
	Declined bool   `json:"declined"` // by who should have paid it
}

// Check implements [hub.Checker].
func (a *OrderVoid) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	requireID(f, "/tender", a.Tender)
}

func (s *shop) addTender(tx *hub.Tx, args OrderAddTender) *hub.Problem {
	o, p := s.order(tx, args.Order)
	if p != nil {
		return p
	}
	if o.Cancelled != nil {
		return invalidTransition(tx, "add_tender", o.OrderState, o.Cancelled.At, o.Cancelled.By)
	}
	id := cmp.Or(args.Tender, tx.NewID("tender"))
	if _, ok := o.Tenders[id]; ok {
		return hub.Faults{"/tender": "is another tender's"}.Problem()
	}
	if len(o.Tenders) >= MaxTenders {
		return tooLarge("tenders of an order", MaxTenders)
	}
	l := s.loyalty(tx)
	if p := s.tender(tx, o, args.Order, id, args.TenderArgs, l); p != nil {
		return p
	}
	if t := o.Tenders[id]; args.Status != "" && args.Status != t.Status {
		if t.Type == TenderPoints || t.Change.Amount > 0 {
			return hub.Faults{"/status": "this is captured at once"}.Problem()
		}
		t.Status = args.Status
		o.Tenders[id] = t
	}
	return s.putPaid(tx, args.Order, o, l, "order.tender_added", id)
}

func (s *shop) voidTender(tx *hub.Tx, args OrderVoid) *hub.Problem {
	o, t, p := s.orderTender(tx, args.Order, args.Tender)
	if p != nil {
		return p
	}
	bounced := args.Declined && t.Offline && t.Type == TenderCard && t.Status == TenderCaptured
	if t.Status != TenderPending && (t.Status != TenderAuthorised || args.Declined) && !bounced {
		return invalidTransition(tx, "void", t.Status, t.At, t.By)
	}
	l, earning := s.loyalty(tx), o.earning()
	event := "order.tender_voided"
	t.Status, t.At, t.By = TenderVoided, hub.At(tx.Now), tx.By()
	if args.Declined {
		t.Status, event = TenderDeclined, "order.tender_declined"
	}
	o.Tenders[args.Tender] = t
	if bounced {
		if p := o.unearn(l, earning, args.Order, "declined", t.At); p != nil {
			return p
		}
		Note(tx, event, "order/"+args.Order, "Order "+o.Number+": the card was declined")
	}
	return s.putPaid(tx, args.Order, o, l, event, args.Tender)
}
