package commerce

import (
	"cmp"

	"github.com/samepage/samepage/hub"
)

// OrderReplaySale is order.replay_sale: a till sold while it was offline. The
// goods are gone and the money is there, so it is accepted: prices are the
// receipt's, and where the stock does not suffice the store books a shortfall.
type OrderReplaySale struct {
	Order  string `json:"order"`
	Number string `json:"number"` // on the receipt
	Offline
	Lines   map[string]SoldLine   `json:"lines"`
	Tenders map[string]TenderArgs `json:"tenders"`
}

// Check implements [hub.Checker].
func (a *OrderReplaySale) Check(f hub.Faults) {
	checkID(f, "/order", a.Order)
	checkText(f, "/number", a.Number, MaxTicket)
	for at, t := range map[string]*hub.Time{"/occurred_at": a.OccurredAt, "/sent_at": a.SentAt} {
		if t == nil {
			f.Add(at, "required")
		}
	}
	checkSold(f, a.Lines)
	checkTenders(f, a.Tenders)
	for id, t := range a.Tenders {
		if t.Type == TenderPoints || t.Type == TenderGiftCard {
			f.Add(pointer("/tenders", id)+"/type", "is not taken offline")
		}
	}
}

func (s *shop) replaySale(tx *hub.Tx, args OrderReplaySale) *hub.Problem {
	id := cmp.Or(args.Order, tx.NewID("order"))
	if tx.Has("order/" + id) {
		return nil
	}
	o, p := s.sold(tx, id, args.Lines)
	if p != nil {
		return p
	}
	at, p := args.at(tx)
	if p != nil {
		return p
	}
	s.notePrices(tx, o)
	o.Number, o.Store, o.Channel, o.PlacedOfflineAt = cmp.Or(args.Number, o.Number), tx.Command.Caller.Store, touchpoint(tx), at
	o.TicketName = o.Number
	o.ClockSkew = args.doubtful()
	f := Fulfilment{Type: Pickup, Store: o.Store, Lines: o.quantities(), AcceptedAt: at, ReadyAt: at, PickedUpAt: at}
	f.move(tx, FulfilmentCompleted)
	o.Fulfilments["f1"] = f
	l := s.loyalty(tx)
	if p := s.tenders(tx, o, id, args.Tenders, l); p != nil {
		return p
	}
	for tid, t := range o.Tenders {
		t.Offline = true
		o.Tenders[tid] = t
	}
	s.shiftFirst(tx, f.Store, o.skus(f), -1)
	return s.putSold(tx, id, o, l, "order.sale_replayed")
}

// notePrices marks the lines whose receipt says another price than the
// catalogue: the receipt's stands.
func (s *shop) notePrices(tx *hub.Tx, o *Order) {
	for id, line := range o.Lines {
		if item, p := s.item(tx, line.Sku); p == nil && item.Price != line.Price {
			line.PriceChange = &PriceChange{Old: line.Price, New: item.Price, At: hub.At(tx.Now)}
			o.Lines[id] = line
		}
	}
}
