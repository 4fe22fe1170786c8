package commerce

import (
	"maps"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
)

// StockSettle is stock.settle: do with reservations what their orders say.
type StockSettle struct {
	Reservations map[string]Claim `json:"reservations"`
}

// settleReservations looks at the orders themselves, so it may run at any time and any
// number of times: after the order changed, and from a timer in case that was lost.
func (s *shop) settleReservations(tx *hub.Tx, args StockSettle) *hub.Problem {
	now := hub.At(tx.Now)
	for _, id := range slices.Sorted(maps.Keys(args.Reservations)) {
		claim := args.Reservations[id]
		var r Reservation
		have := tx.Get("reservation/"+id, &r)
		var o Order
		f, ours := Fulfilment{}, false
		if claim.Order != "" && tx.Ref(claim.Owner, "order/"+claim.Order, &o) {
			f, ours = o.Fulfilments[claim.Fulfilment]
			ours = ours && f.Reservation == id && f.Store == tx.Command.On.ID()
		}
		switch {
		case !ours && have && (r.State == ReservationKept || !r.ExpiresAt.After(now.Time)):
			s.drop(tx, id, r)
			tx.Emit("stock.reservation_expired", map[string]any{"reservation": id})
		case !ours && have:
			s.watch(tx, id, claim, r.ExpiresAt.Time)
		case !ours:
		case !have && f.State == FulfilmentProposed:
			// It expired before its order was there, or the order was never asked: it is owed all the same.
			s.owe(tx, id, claim)
		case !have:
		case f.State == FulfilmentProposed:
			if r.State == ReservationHeld {
				r.State, r.ExpiresAt, r.Order, r.Fulfilment = ReservationKept, hub.Time{}, claim.Order, claim.Fulfilment
				tx.Put("reservation/"+id, r)
				s.nameClaims(tx, r)
				tx.Emit("stock.reservation_kept", map[string]any{"reservation": id})
			}
			s.watch(tx, id, claim, tx.Now.Add(keptLook))
		case f.open() || !f.AcceptedAt.IsZero():
			s.takeAway(tx, id, r)
			tx.Emit("stock.committed", map[string]any{"reservation": id})
		default:
			s.drop(tx, id, r)
			if f.Reason == ReasonOutOfStock && f.State == FulfilmentFailed && len(r.Lines) == 1 {
				s.missing(tx, r)
			}
			tx.Emit("stock.released", map[string]any{"reservation": id})
		}
	}
	return nil
}

// keptLook is how often a kept reservation looks after its order by itself.
const keptLook = 24 * time.Hour

// owe reserves what was promised already, whether it is there or not.
func (s *shop) owe(tx *hub.Tx, id string, claim Claim) {
	lines, short := map[string]int64{}, map[string]int64{}
	for _, sku := range slices.Sorted(maps.Keys(claim.Lines)) {
		var l Level
		if !tx.Get("sku/"+sku, &l) || l.OnHand == nil {
			continue
		}
		lines[sku] = claim.Lines[sku]
		if missing := l.lacks(lines[sku]); missing > 0 {
			short[sku] = missing
		}
	}
	if len(lines) == 0 {
		return
	}
	r := Reservation{Claim: claim, State: ReservationKept, At: hub.At(tx.Now)}
	r.Lines = lines
	s.put(tx, id, r, 1)
	s.watch(tx, id, claim, tx.Now.Add(keptLook))
	emitReserved(tx, id, short)
}

// missing corrects the level of goods that the picker did not find: none are free.
func (s *shop) missing(tx *hub.Tx, r Reservation) {
	for sku := range r.Lines {
		var l Level
		if tx.Get("sku/"+sku, &l) && l.OnHand != nil {
			n := min(*l.OnHand, l.Reserved+l.Safety)
			l.OnHand = &n
			l.derive()
			s.putLevel(tx, sku, l)
		}
	}
}

// watch looks at a reservation again at due.
func (s *shop) watch(tx *hub.Tx, id string, claim Claim, due time.Time) {
	tx.SetTimer("reservation/"+id, due, "stock.settle", StockSettle{Reservations: map[string]Claim{id: claim}})
}
