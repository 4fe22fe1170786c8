package commerce

import (
	"strconv"

	"github.com/samepage/samepage/hub"
)

// MaxLedger is how many entries of the points ledger are kept in sight.
const MaxLedger = 50

// ledgerReason is how much of a reason the ledger keeps, in characters.
const ledgerReason = 100

// Loyalty is "loyalty" of a context. Balance is what the ledger sums to: the
// entries in sight and, of those before them, Carried.
type Loyalty struct {
	Programme string                 `json:"programme"`
	Balance   int64                  `json:"balance"`
	Held      int64                  `json:"held"`
	Earned    int64                  `json:"earned"` // by buying, less what was reversed
	Tier      string                 `json:"tier,omitempty"`
	Last      int64                  `json:"last"` // number of the newest entry
	Carried   int64                  `json:"carried"`
	Ledger    map[string]LedgerEntry `json:"ledger"`
}

// The kinds of ledger entry.
const (
	LedgerAdjusted = "adjusted"
	LedgerRedeemed = "redeemed" // paid with
	LedgerReturned = "returned" // given back: cancelled, refunded
	LedgerAccrued  = "accrued"  // earned by buying
	LedgerReversed = "reversed" // what was earned, taken back
)

// LedgerEntry is one movement of points.
type LedgerEntry struct {
	Order    int64    `json:"order"` // entries are shown in this order
	At       hub.Time `json:"at"`
	Kind     string   `json:"kind"`
	Points   int64    `json:"points"`
	OrderRef string   `json:"order_id,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Short    int64    `json:"short,omitempty"` // reversed: points that were spent already
}

// LoyaltyAdjust is loyalty.adjust.
type LoyaltyAdjust struct {
	Points int64  `json:"points"`
	Reason string `json:"reason"`
}

// Check implements [hub.Checker].
func (a *LoyaltyAdjust) Check(f hub.Faults) {
	if a.Points == 0 || a.Points > maxPoints || a.Points < -maxPoints {
		f.Add("/points", "must be points to add, or below zero to take")
	}
	if a.Reason == "" {
		f.Add("/reason", "required")
	}
	checkText(f, "/reason", a.Reason, MaxReason)
}

func (s *shop) adjustPoints(tx *hub.Tx, args LoyaltyAdjust) *hub.Problem {
	l := s.loyalty(tx)
	if p := l.post(LedgerEntry{At: hub.At(tx.Now), Kind: LedgerAdjusted, Points: args.Points, Reason: args.Reason}); p != nil {
		return p
	}
	tx.Put("loyalty", l)
	tx.Emit("loyalty.adjusted", map[string]any{"points": args.Points, "reason": args.Reason})
	return nil
}

func (s *shop) loyalty(tx *hub.Tx) *Loyalty {
	l := &Loyalty{Programme: s.Programme, Ledger: map[string]LedgerEntry{}}
	tx.Get("loyalty", l)
	return l
}

// post writes a ledger entry. Points that are not there cannot be taken, and
// those that are held neither.
func (l *Loyalty) post(e LedgerEntry) *hub.Problem {
	if e.Points < 0 && l.Balance-l.Held < -e.Points {
		return hub.Problemf(CodeInsufficientPoints, "%d points are there, %d are needed", l.Balance-l.Held, -e.Points).
			With(map[string]any{"balance": l.Balance, "held": l.Held, "points": -e.Points})
	}
	if l.Balance > maxBalance-e.Points {
		return tooLarge("points of a customer", maxBalance)
	}
	l.Balance += e.Points
	switch e.Kind {
	case LedgerAccrued, LedgerReversed:
		l.Earned += e.Points
	}
	l.Last++
	e.Order, e.Reason = l.Last, clip(e.Reason, ledgerReason)
	l.Ledger[strconv.FormatInt(l.Last, 10)] = e
	if oldest := strconv.FormatInt(l.Last-MaxLedger, 10); l.Last > MaxLedger {
		l.Carried += l.Ledger[oldest].Points
		delete(l.Ledger, oldest)
	}
	return nil
}

// maxBalance is the most points a customer can have: whole also where numbers are floats.
const maxBalance = 1 << 53

// reverse takes back earned points, as far as they were not spent.
func (l *Loyalty) reverse(points int64, order, reason string, at hub.Time) *hub.Problem {
	take := max(min(points, l.Balance-l.Held), 0)
	return l.post(LedgerEntry{
		At: at, Kind: LedgerReversed, Points: -take, OrderRef: order, Reason: reason, Short: points - take,
	})
}

// earn is what an amount paid otherwise than with points earns, in whole points.
func (s *shop) earn(paid Money) int64 {
	if paid.Amount <= 0 || s.Loyalty.Earn <= 0 {
		return 0
	}
	// Whole units first: the product must not overflow.
	major := Major(paid.Currency)
	whole, rest := paid.Amount/major, paid.Amount%major
	if whole > maxPoints/s.Loyalty.Earn {
		return maxPoints
	}
	return whole*s.Loyalty.Earn + rest*s.Loyalty.Earn/major
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

// putLoyalty writes the ledger if anything was posted.
func (s *shop) putLoyalty(tx *hub.Tx, l *Loyalty) {
	if l.Last > 0 && !tx.Has(hub.ErasedKey) {
		tx.Put("loyalty", l)
	}
}
