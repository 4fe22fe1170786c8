package commerce

import (
	"cmp"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// ReturnRefund is return.refund. Without an amount it is what the lines cost;
// without a return it is what is owed of a cancelled or edited order.
type ReturnRefund struct {
	Order  string `json:"order"`
	Return string `json:"return"`
	Amount *Money `json:"amount"`
}

// Check implements [hub.Checker].
func (a *ReturnRefund) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	checkID(f, "/return", a.Return)
	if a.Amount != nil {
		a.Amount.check(f, "/amount", 1)
	}
}

// refundReturn gives money and points back, in proportion to what each tender
// still holds and never more than that.
func (s *shop) refundReturn(tx *hub.Tx, args ReturnRefund) *hub.Problem {
	o, r, p := s.ownReturn(tx, args.Order, args.Return)
	if p != nil {
		return p
	}
	amount := Money{0, o.Total.Currency}
	switch {
	case args.Amount != nil:
		amount = *args.Amount
	case args.Return != "":
		for _, id := range slices.Sorted(maps.Keys(r.Lines)) {
			worth, p := o.worth(id, r.Lines[id], args.Return)
			if p != nil {
				return p
			}
			if amount, p = amount.Add(worth); p != nil {
				return p
			}
		}
		amount.Amount -= r.Refunded.Amount
	default:
		amount.Amount = o.owed()
	}
	if p := amount.same(o.Total); p != nil {
		return p
	}
	if args.Return != "" && r.State == ReturnRequested || amount.Amount <= 0 {
		return invalidTransition(tx, "refund", cmp.Or(r.State, o.PaymentState), cmp.Or(r.At, o.PlacedAt), cmp.Or(r.By, o.PlacedBy))
	}
	paid := o.captured()
	if args.Return == "" {
		paid = o.owed() // nothing came back: no more than is owed
	}
	if amount.Amount > paid {
		return hub.Problemf(CodeAmountExceedsPaid, "%d is more than the %d that are paid", amount.Amount, paid).
			With(map[string]any{"paid": Money{paid, o.Total.Currency}, "amount": amount})
	}
	now := hub.At(tx.Now)
	l := s.loyalty(tx)
	earning := o.earning()
	ids := slices.Sorted(maps.Keys(o.Tenders))
	weights := make([]int64, len(ids))
	for i, id := range ids {
		weights[i] = o.Tenders[id].net()
	}
	back := int64(0)
	for i, part := range amount.Split(weights...) {
		if part.Amount == 0 {
			continue
		}
		t := o.Tenders[ids[i]]
		t.Refunded = Money{t.Refunded.Amount + part.Amount, o.Total.Currency}
		if t.Type == TenderPoints {
			whole, _ := scale(t.Points, t.Refunded.Amount, t.Amount.Amount)
			if points := whole - t.PointsReturned; points > 0 {
				back += points
				t.PointsReturned = whole
			}
		}
		if t.net() == 0 {
			t.Status, t.At, t.By = TenderRefunded, now, tx.By()
		}
		o.Tenders[ids[i]] = t
	}
	if back > 0 {
		if p := l.post(LedgerEntry{At: now, Kind: LedgerReturned, Points: back, OrderRef: args.Order}); p != nil {
			return p
		}
	}
	if p := o.unearn(l, earning, args.Order, "refund", now); p != nil {
		return p
	}
	if args.Return != "" {
		r.Refunded = Money{r.Refunded.Amount + amount.Amount, o.Total.Currency}
		o.Returns[args.Return] = r
	}
	o.settle(now)
	tx.Put("order/"+args.Order, o)
	s.putLoyalty(tx, l)
	Note(tx, "return.refunded", "order/"+args.Order, "Order "+o.Number+": refund")
	tx.Emit("return.refunded", map[string]any{"order": args.Order, "return": args.Return, "amount": amount, "points": back})
	return nil
}

// worth is what n pieces of a line were sold for, less what codes took off.
// The parts of a line that come back one after the other sum to the line.
func (o *Order) worth(id string, n int64, except string) (Money, *hub.Problem) {
	line, before := o.Lines[id], int64(0)
	for rid, r := range o.Returns {
		if rid != except && r.Refunded.Amount > 0 {
			before += r.Lines[id]
		}
	}
	first, p := line.Total.Scale(before, max(line.Quantity, 1))
	if p != nil {
		return first, p
	}
	both, p := line.Total.Scale(before+n, max(line.Quantity, 1))
	if p != nil {
		return both, p
	}
	return both.Sub(first)
}

// owed is what was captured beyond what is due.
func (o *Order) owed() int64 {
	if o.Cancelled != nil {
		return o.captured()
	}
	return max(o.captured()-o.Total.Amount+o.returned(), 0)
}
