package commerce

import (
	"maps"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
)

// Reservation is "reservation/ID" of a store: goods on the shelf that are
// promised. It holds until it expires; once its order is there, until the
// order is made (then they leave the shelf) or called off (then they are free).
//
//	stock.reserve ─► held ── order placed ──► kept ── started ──► gone, on_hand falls
//	                  └─ 15 min, no order ─► gone  └─ cancelled ► gone, on_hand stays
type Reservation struct {
	Claim
	State     string   `json:"state"`
	At        hub.Time `json:"at"`                  // when it was promised
	ExpiresAt hub.Time `json:"expires_at,omitzero"` // of a held one
}

// States of a reservation.
const (
	ReservationHeld = "held"
	ReservationKept = "kept"
)

// Claim is what is reserved and for whom.
type Claim struct {
	Lines      map[string]int64 `json:"lines"` // sku -> quantity
	Owner      hub.Channel      `json:"owner"` // the context
	Order      string           `json:"order,omitempty"`
	Fulfilment string           `json:"fulfilment,omitempty"`
}

// StockReserve is stock.reserve. Lines whose sku is untracked take nothing.
type StockReserve struct {
	Reservation string `json:"reservation"`
	Claim
	Replaces string `json:"replaces"` // a reservation that ends with this one
	Minutes  int    `json:"minutes"`  // 0: the configured time
	Force    bool   `json:"force"`    // they are in hand, whatever the count says
}

// Check implements [hub.Checker].
func (a *StockReserve) Check(f hub.Faults) {
	requireID(f, "/reservation", a.Reservation)
	if len(a.Lines) == 0 || len(a.Lines) > MaxLines {
		f.Add("/lines", "must name 1 to %d skus", MaxLines)
	}
	for sku, n := range a.Lines {
		requireID(f, pointer("/lines", sku), sku)
		if n < 1 || n > MaxLines*MaxQuantity {
			f.Add(pointer("/lines", sku), "must be at least 1")
		}
	}
	if a.Minutes < 0 || a.Minutes > 24*60 {
		f.Add("/minutes", "must be at most a day")
	}
}

// StockRelease is stock.release and stock.commit.
type StockRelease struct {
	Reservation string `json:"reservation"`
}

// Check implements [hub.Checker].
func (a *StockRelease) Check(f hub.Faults) { requireID(f, "/reservation", a.Reservation) }

// StockSettle is stock.settle: do with reservations what their orders say.
type StockSettle struct {
	Reservations map[string]Claim `json:"reservations"`
}

func (s *shop) reserve(tx *hub.Tx, args StockReserve) *hub.Problem {
	key := "reservation/" + args.Reservation
	if tx.Has(key) {
		return nil
	}
	var old Reservation
	if args.Replaces != "" && tx.Get("reservation/"+args.Replaces, &old) {
		s.drop(tx, args.Replaces, old)
		tx.Emit("stock.released", map[string]any{"reservation": args.Replaces})
	}
	lines, short := map[string]int64{}, map[string]int64{}
	for _, sku := range slices.Sorted(maps.Keys(args.Lines)) {
		var l Level
		if !tx.Get("sku/"+sku, &l) {
			continue
		}
		n := args.Lines[sku]
		switch free, tracked := l.free(hub.At(tx.Now)); {
		case tracked && free < n && !args.Force:
			return s.promisedAway(tx, sku, free)
		case l.OnHand != nil:
			lines[sku] = n
			if missing := l.lacks(n); missing > 0 {
				short[sku] = missing
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	hold := s.Hold
	if args.Minutes > 0 {
		hold = time.Duration(args.Minutes) * time.Minute
	}
	r := Reservation{Claim: args.Claim, State: ReservationHeld, At: hub.At(tx.Now), ExpiresAt: hub.At(tx.Now.Add(hold))}
	r.Lines = lines
	s.put(tx, args.Reservation, r, 1)
	s.watch(tx, args.Reservation, args.Claim, r.ExpiresAt.Time)
	emitReserved(tx, args.Reservation, short)
	return nil
}

// emitReserved tells that goods are reserved, and how many of them are not there.
func emitReserved(tx *hub.Tx, id string, short map[string]int64) {
	if len(short) > 0 {
		tx.Emit("stock.shortfall", map[string]any{"reservation": id, "short": short})
		return
	}
	tx.Emit("stock.reserved", map[string]any{"reservation": id})
}

// promisedAway refuses what is out of stock; staff are told which order has it.
func (s *shop) promisedAway(tx *hub.Tx, sku string, free int64) *hub.Problem {
	var holder *ShortClaim
	switch tx.By().Role {
	case hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor:
		holder = s.weakest(tx, sku)
	}
	return outOfStock(tx.Command.On.ID(), sku, free, holder)
}

func (s *shop) release(tx *hub.Tx, args StockRelease) *hub.Problem {
	var r Reservation
	if !tx.Get("reservation/"+args.Reservation, &r) {
		return nil
	}
	s.drop(tx, args.Reservation, r)
	tx.Emit("stock.released", map[string]any{"reservation": args.Reservation})
	return nil
}

func (s *shop) commitStock(tx *hub.Tx, args StockRelease) *hub.Problem {
	var r Reservation
	if !tx.Get("reservation/"+args.Reservation, &r) {
		return notFound("reservation", args.Reservation)
	}
	s.takeAway(tx, args.Reservation, r)
	tx.Emit("stock.committed", map[string]any{"reservation": args.Reservation})
	return nil
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

// put writes a reservation and adds it to (or, with -1, takes it from) the levels.
func (s *shop) put(tx *hub.Tx, id string, r Reservation, sign int64) {
	if sign > 0 {
		tx.Put("reservation/"+id, r)
	} else {
		tx.Delete("reservation/" + id)
		tx.ClearTimer("reservation/" + id)
	}
	for _, sku := range slices.Sorted(maps.Keys(r.Lines)) {
		var l Level
		if !tx.Get("sku/"+sku, &l) {
			continue
		}
		l.Reserved += sign * r.Lines[sku]
		l.derive()
		s.putLevel(tx, sku, l)
	}
}

// drop ends a reservation; its goods are free again.
func (s *shop) drop(tx *hub.Tx, id string, r Reservation) { s.put(tx, id, r, -1) }

// takeAway ends a reservation; its goods have left the shelf.
func (s *shop) takeAway(tx *hub.Tx, id string, r Reservation) {
	s.drop(tx, id, r)
	for _, sku := range slices.Sorted(maps.Keys(r.Lines)) {
		var l Level
		if tx.Get("sku/"+sku, &l) && l.OnHand != nil {
			n := *l.OnHand - r.Lines[sku]
			l.OnHand = &n
			l.derive()
			s.putLevel(tx, sku, l)
		}
	}
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
