package commerce

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/samepage/samepage/hub"
)

// States of an order.
const (
	OrderOpen      = "open"      // placed, not yet paid
	OrderConfirmed = "confirmed" // paid
	OrderComplete  = "complete"  // paid, and everything handed over
	OrderCancelled = "cancelled"
)

// States of an order's payment, derived from its tenders.
const (
	PaymentBalanceDue = "balance_due" // the tenders do not cover the total
	PaymentPending    = "pending"     // they do once they are captured
	PaymentPaid       = "paid"        // captured, and as much as is due
	PaymentCreditOwed = "credit_owed" // more is captured than is due
	PaymentFailed     = "failed"      // nothing was captured, and nothing will be
)

// Order is "order/ID" of a context. Order_state, payment_state, paid and due
// follow from tenders and fulfilments; see [Order.settle].
type Order struct {
	Number       string                `json:"number"`
	TicketName   string                `json:"ticket_name"`
	Cart         string                `json:"cart,omitempty"`
	Store        string                `json:"store"`
	Channel      string                `json:"channel"` // the touchpoint it came from
	External     *External             `json:"external,omitempty"`
	Lines        map[string]OrderLine  `json:"lines"`
	Total        Money                 `json:"total"`
	Codes        map[string]CodeAmount `json:"codes,omitempty"` // what they took off
	Paid         Money                 `json:"paid"`            // captured, less change and refunds
	Due          Money                 `json:"due"`             // what is still to be captured
	OrderState   string                `json:"order_state"`
	PaymentState string                `json:"payment_state"`
	Tenders      map[string]Tender     `json:"tenders"`
	Fulfilments  map[string]Fulfilment `json:"fulfilments"`
	Returns      map[string]Return     `json:"returns"`
	Accrued      bool                  `json:"accrued,omitempty"`       // points were accrued, once
	PointsEarned int64                 `json:"points_earned,omitempty"` // by this order, less what was reversed
	PlacedAt     hub.Time              `json:"placed_at"`
	PlacedBy     hub.Actor             `json:"placed_by"`
	PromisedAt   hub.Time              `json:"promised_at,omitzero"`
	ClosedAt     hub.Time              `json:"closed_at,omitzero"`
	Cancelled    *Cancellation         `json:"cancelled,omitempty"`

	PlacedOfflineAt hub.Time `json:"placed_offline_at,omitzero"`
	ClockSkew       bool     `json:"clock_skew,omitempty"` // the till's times cannot be right, or are old
}

// External is where an order was made elsewhere.
type External struct {
	Marketplace string `json:"marketplace"`
	ID          string `json:"id"`
}

// OrderLine is what was ordered, at the price that was agreed.
type OrderLine struct {
	Sku      string `json:"sku"`
	Name     string `json:"name"`
	Quantity int64  `json:"quantity"`
	Price    Money  `json:"price"`
	Total    Money  `json:"total"` // less what codes took off
	Order    int    `json:"order"` // lines are shown in this order

	Discounts   map[string]Money `json:"discounts,omitempty"`    // by code
	PriceChange *PriceChange     `json:"price_change,omitempty"` // sold offline at another price than the catalogue's
}

// CodeAmount is what a code took off an order.
type CodeAmount struct {
	Amount Money `json:"amount"`
}

// Cancellation says who called an order off, and why.
type Cancellation struct {
	At     hub.Time  `json:"at"`
	By     hub.Actor `json:"by"`
	Reason string    `json:"reason,omitempty"`
}

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

// order loads an order that the caller may act on: a till only on those of its own store.
func (s *shop) order(tx *hub.Tx, id string) (*Order, *hub.Problem) {
	o := &Order{}
	if !tx.Get("order/"+id, o) {
		return nil, notFound("order", id)
	}
	if c := tx.Command.Caller; c.Role == hub.RolePOS && !slices.Contains(o.stores(), c.Store) {
		return nil, forbidden("the order is another store's")
	}
	return o, nil
}

// stores are the stores an order concerns, sorted.
func (o *Order) stores() []string {
	set := map[string]bool{o.Store: true}
	for _, f := range o.Fulfilments {
		set[f.Store] = true
	}
	for _, r := range o.Returns {
		set[r.Store] = true
	}
	delete(set, "")
	return slices.Sorted(maps.Keys(set))
}

// settle derives what follows from tenders and fulfilments.
//
//	open ── captured >= total ──► confirmed ── all handed over ──► complete
//	  └────────── order.cancel ──────┴──► cancelled   ◄── undo ──┘ (back to confirmed)
func (o *Order) settle(now hub.Time) {
	captured, promised, declined := o.captured(), int64(0), false
	due := o.Total.Amount - o.returned() // what came back is not to be paid again
	for _, t := range o.Tenders {
		switch t.Status {
		case TenderPending, TenderAuthorised:
			promised += t.Amount.Amount
		case TenderDeclined:
			declined = true
		}
	}
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
	case captured+promised >= due:
		o.PaymentState = PaymentPending
	case declined && captured == 0 && promised == 0 && !o.handedOver():
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

// accrue gives the points that a paid order earns, once. It returns how many.
func (s *shop) accrue(tx *hub.Tx, id string, o *Order, l *Loyalty) (int64, *hub.Problem) {
	if o.Accrued || o.PaymentState != PaymentPaid && o.PaymentState != PaymentCreditOwed || o.Cancelled != nil {
		return 0, nil
	}
	o.Accrued = true
	points := s.earn(o.earning())
	if points == 0 {
		return 0, nil
	}
	o.PointsEarned = points
	return points, l.post(LedgerEntry{At: hub.At(tx.Now), Kind: LedgerAccrued, Points: points, OrderRef: id})
}

// earning is what earns points: what is paid otherwise than with points, up to the total.
func (o *Order) earning() Money {
	paid := Money{0, o.Total.Currency}
	for _, t := range o.Tenders {
		if t.Type != TenderPoints {
			paid.Amount += t.net()
		}
	}
	paid.Amount = min(paid.Amount, o.Total.Amount)
	return paid
}

// unearn takes back what was earned for what is no longer paid. Before is what
// earned points so far.
func (o *Order) unearn(l *Loyalty, before Money, order, reason string, now hub.Time) *hub.Problem {
	keep, _ := scale(o.PointsEarned, o.earning().Amount, max(before.Amount, 1))
	if keep >= o.PointsEarned {
		return nil
	}
	taken := o.PointsEarned - keep
	o.PointsEarned = keep
	return l.reverse(taken, order, reason, now)
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

// putLoyalty writes the ledger if anything was posted.
func (s *shop) putLoyalty(tx *hub.Tx, l *Loyalty) {
	if l.Last > 0 && !tx.Has(hub.ErasedKey) {
		tx.Put("loyalty", l)
	}
}

// word is n characters of an alphabet, picked by an id that [hub.Tx.NewID] made.
func word(id, alphabet string, n int) string {
	v, _ := strconv.ParseUint(id[len(id)-12:], 16, 64) // 48 bits, none of them fixed
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[v%uint64(len(alphabet))]
		v /= uint64(len(alphabet))
	}
	return string(out)
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789" // none that are read for one another
)

func byOrder(lines map[string]OrderLine) []string {
	return slices.SortedFunc(maps.Keys(lines), func(a, b string) int {
		return cmp.Or(cmp.Compare(lines[a].Order, lines[b].Order), cmp.Compare(a, b))
	})
}
