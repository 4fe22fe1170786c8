package commerce

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
)

// OrderReplaySale is order.replay_sale: a till sold while it was offline. The
// goods are gone and the money is there, so it is accepted: prices are the
// receipt's, and where the stock does not suffice the store books a shortfall.
type OrderReplaySale struct {
	Order      string                `json:"order"`
	Number     string                `json:"number"` // on the receipt
	OccurredAt *hub.Time             `json:"occurred_at"`
	SentAt     *hub.Time             `json:"sent_at"` // by the same clock
	Lines      map[string]SoldLine   `json:"lines"`
	Tenders    map[string]TenderArgs `json:"tenders"`
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

// lateSale is how old a sale may be before somebody should look at it.
const lateSale = 24 * time.Hour

func (s *shop) replaySale(tx *hub.Tx, args OrderReplaySale) *hub.Problem {
	id := cmp.Or(args.Order, tx.NewID("order"))
	if tx.Has("order/" + id) {
		return nil
	}
	o, p := s.sold(tx, id, args.Lines)
	if p != nil {
		return p
	}
	// The till's clock may be wrong; how long ago it was by that clock is not.
	ago := args.SentAt.Sub(args.OccurredAt.Time)
	at := hub.At(tx.Now.Add(-max(ago, 0)))
	tx.Occurred(at.Time)
	o.Number, o.Store, o.Channel, o.PlacedOfflineAt = cmp.Or(args.Number, o.Number), tx.Command.Caller.Store, touchpoint(tx), at
	o.TicketName = o.Number
	o.ClockSkew = ago < 0 || ago > lateSale
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
	if skus := o.skus(f); s.counted(tx, f.Store, skus) {
		took, back := map[string]int64{}, map[string]int64{}
		for sku, n := range skus {
			took[sku], back[sku] = -n, n
		}
		on := storeChannel(f.Store)
		tx.First(
			hub.Command{Method: "stock.shift", On: on, Caller: system(), Args: encode(StockShift{took})},
			hub.Command{Method: "stock.shift", On: on, Caller: system(), Args: encode(StockShift{back})},
		)
	}
	return s.putSold(tx, id, o, l, "order.sale_replayed")
}

// StockShift is stock.shift: goods came (above zero) or went, whatever the
// count says. Untracked skus are left alone.
type StockShift struct {
	Lines map[string]int64 `json:"lines"`
}

func (s *shop) shiftStock(tx *hub.Tx, args StockShift) *hub.Problem {
	short := map[string]int64{}
	for _, sku := range slices.Sorted(maps.Keys(args.Lines)) {
		var l Level
		if !tx.Get("sku/"+sku, &l) || l.OnHand == nil {
			continue
		}
		n := *l.OnHand + args.Lines[sku]
		l.OnHand = &n
		l.derive()
		if args.Lines[sku] < 0 && *l.Available < 0 {
			short[sku] = min(-*l.Available, -args.Lines[sku])
		}
		s.putLevel(tx, sku, l)
	}
	if len(short) > 0 {
		tx.Emit("stock.shortfall", map[string]any{"short": short})
		return nil
	}
	tx.Emit("stock.shifted", nil)
	return nil
}
