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
