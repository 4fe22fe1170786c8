package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// OrderEdit is order.edit: quantities of lines, 0 to take one out, and new
// lines by their sku. Only while the store has not begun.
type OrderEdit struct {
	Order string              `json:"order"`
	Lines map[string]EditLine `json:"lines"`
}

// EditLine is what a line is to be. A line that is there keeps its price; a new one gets the catalogue's.
type EditLine struct {
	Sku      string `json:"sku"`
	Quantity *int64 `json:"quantity"`
}

// Check implements [hub.Checker].
func (a *OrderEdit) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	if len(a.Lines) == 0 || len(a.Lines) > MaxLines {
		f.Add("/lines", "must name 1 to %d lines", MaxLines)
	}
	for id, line := range a.Lines {
		at := pointer("/lines", id)
		requireID(f, at, id)
		checkID(f, at+"/sku", line.Sku)
		if line.Quantity == nil {
			f.Add(at+"/quantity", "required")
		} else {
			checkQuantity(f, at+"/quantity", *line.Quantity, 0)
		}
	}
}

func (s *shop) editOrder(tx *hub.Tx, args OrderEdit) *hub.Problem {
	o, p := s.order(tx, args.Order)
	if p != nil {
		return p
	}
	if p := tx.RequireVersion("order/" + args.Order); p != nil {
		return p
	}
	if o.Cancelled != nil {
		return invalidTransition(tx, "edit", o.OrderState, o.Cancelled.At, o.Cancelled.By)
	}
	for _, f := range o.Fulfilments {
		if f.State != FulfilmentProposed {
			return invalidTransition(tx, "edit", f.State, f.At, f.By)
		}
	}
	fid := oneOf(o.Fulfilments)
	if fid == "" {
		return invalidTransition(tx, "edit in parts", o.OrderState, o.PlacedAt, o.PlacedBy)
	}
	f := o.Fulfilments[fid]
	before := o.skus(f)
	for _, id := range slices.Sorted(maps.Keys(args.Lines)) {
		if p := s.editLine(tx, o, id, args.Lines[id]); p != nil {
			return p
		}
	}
	switch {
	case len(o.Lines) == 0:
		return hub.Problemf(CodeCartEmpty, "nothing would be left; cancel the order instead")
	case len(o.Lines) > MaxLines:
		return tooLarge("lines of an order", MaxLines)
	}
	if p := o.count(); p != nil {
		return p
	}
	f.Lines = o.quantities()
	if skus := o.skus(f); !maps.Equal(before, skus) {
		f.Reservation = s.reserveInstead(tx, args.Order, fid, f, before, skus)
	}
	o.Fulfilments[fid] = f
	o.settle(hub.At(tx.Now))
	l := s.loyalty(tx)
	if _, p := s.accrue(tx, args.Order, o, l); p != nil {
		return p
	}
	tx.Put("order/"+args.Order, o)
	s.putLoyalty(tx, l)
	Note(tx, "order.edited", "order/"+args.Order, "Order "+o.Number+" changed")
	tx.Emit("order.edited", map[string]any{"order": args.Order, "total": o.Total, "payment_state": o.PaymentState})
	s.settleStock(tx, args.Order, o)
	return nil
}

func (s *shop) editLine(tx *hub.Tx, o *Order, id string, edit EditLine) *hub.Problem {
	line, ok := o.Lines[id]
	switch {
	case ok && edit.Sku != "" && edit.Sku != line.Sku:
		return hub.Faults{pointer("/lines", id): "is another sku's line"}.Problem()
	case *edit.Quantity == 0:
		delete(o.Lines, id)
		return nil
	case !ok && edit.Sku == "":
		return notFound("line", id)
	case !ok:
		item, p := s.item(tx, edit.Sku)
		if p != nil {
			return p
		}
		line = OrderLine{Sku: edit.Sku, Name: item.Name, Price: item.Price, Order: 1}
		for _, other := range o.Lines {
			line.Order = max(line.Order, other.Order+1)
		}
	}
	for code, part := range line.Discounts {
		if part, p := part.Scale(*edit.Quantity, line.Quantity); p == nil {
			line.Discounts[code] = part // as much of each piece as before
		}
	}
	line.Quantity = *edit.Quantity
	var p *hub.Problem
	line.Total, line.Discounts, p = net(line.Price, line.Quantity, line.Discounts)
	o.Lines[id] = line
	return p
}

// count makes the total the sum of the lines, and each code's amount that of its parts.
func (o *Order) count() *hub.Problem {
	sum := Money{0, o.Total.Currency}
	o.Codes = nil
	for _, id := range byOrder(o.Lines) {
		var p *hub.Problem
		if sum, p = sum.Add(o.Lines[id].Total); p != nil {
			return p
		}
		for code, part := range o.Lines[id].Discounts {
			if o.Codes == nil {
				o.Codes = map[string]CodeAmount{}
			}
			o.Codes[code] = CodeAmount{Money{o.Codes[code].Amount.Amount + part.Amount, part.Currency}}
		}
	}
	o.Total = sum
	return nil
}

// reserveInstead has the store hold other goods in place of those it holds, in one step.
func (s *shop) reserveInstead(tx *hub.Tx, order, fid string, f Fulfilment, before, after map[string]int64) string {
	if f.Reservation == "" {
		return s.reserveFirst(tx, f.Store, StockReserve{Claim: Claim{Lines: after, Order: order, Fulfilment: fid}})
	}
	on, id := storeChannel(f.Store), tx.NewID("reservation")
	reserve := func(id, instead string, skus map[string]int64) hub.Command {
		return hub.Command{Method: "stock.reserve", On: on, Caller: system(), Args: encode(StockReserve{
			Reservation: id, Replaces: instead, Claim: Claim{Lines: skus, Owner: tx.Command.On, Order: order, Fulfilment: fid},
		})}
	}
	tx.First(reserve(id, f.Reservation, after), reserve(f.Reservation, id, before))
	return id
}
