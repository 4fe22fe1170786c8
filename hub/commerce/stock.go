package commerce

import (
	"reflect"

	"github.com/samepage/samepage/hub"
)

// Level is "sku/SKU" of a store. A sku nobody counted (no on_hand) is
// untracked and never out of stock.
//
//	available = on_hand - reserved - safety
type Level struct {
	OnHand       *int64   `json:"on_hand,omitempty"` // on the shelf, also what is reserved
	Reserved     int64    `json:"reserved"`
	Safety       int64    `json:"safety"`
	Available    *int64   `json:"available,omitempty"`
	Status       string   `json:"status"` // what customers see of it: in_stock, low, out
	SnoozedUntil hub.Time `json:"snoozed_until,omitzero"`
	CountedAt    hub.Time `json:"counted_at,omitzero"`
}

// lowStock is from how many units down customers are told that few are left.
const lowStock = 5

// derive makes what follows from the counts.
func (l *Level) derive() {
	l.Status = "in_stock"
	l.Available = nil
	if l.OnHand != nil {
		n := *l.OnHand - l.Reserved - l.Safety
		l.Available = &n
		switch {
		case n <= 0:
			l.Status = "out"
		case n <= lowStock:
			l.Status = "low"
		}
	}
	if !l.SnoozedUntil.IsZero() {
		l.Status = "out"
	}
}

// free is how many can be promised now; false: any number.
func (l Level) free(now hub.Time) (int64, bool) {
	switch {
	case l.SnoozedUntil.After(now.Time):
		return 0, true
	case l.OnHand == nil:
		return 0, false
	}
	return *l.OnHand - l.Reserved - l.Safety, true
}

// lacks is how many of n more are not there to be promised.
func (l Level) lacks(n int64) int64 { return max(n-max(*l.OnHand-l.Reserved-l.Safety, 0), 0) }

// StockCount is stock.count: so many are on the shelf. A level that is known is
// counted with if_version: the counter must have seen what stands there.
type StockCount struct {
	Sku    string `json:"sku"`
	OnHand *int64 `json:"on_hand"`
}

// Check implements [hub.Checker].
func (a *StockCount) Check(f hub.Faults) {
	requireID(f, "/sku", a.Sku)
	checkUnits(f, "/on_hand", a.OnHand)
}

func checkUnits(f hub.Faults, at string, n *int64) {
	if n == nil || *n < 0 || *n > maxStock {
		f.Add(at, "must be 0 to %d", int64(maxStock))
	}
}

// StockAdjust is stock.adjust: so many came or went.
type StockAdjust struct {
	Sku    string `json:"sku"`
	Delta  int64  `json:"delta"`
	Reason string `json:"reason"`
	Offline
}

// Check implements [hub.Checker].
func (a *StockAdjust) Check(f hub.Faults) {
	requireID(f, "/sku", a.Sku)
	if a.Delta == 0 || a.Delta > maxStock || a.Delta < -maxStock {
		f.Add("/delta", "must be units that came, or below zero that went")
	}
	checkText(f, "/reason", a.Reason, MaxReason)
	a.Offline.Check(f)
}

// StockSetSafety is stock.set_safety: so many are never promised.
type StockSetSafety struct {
	Sku    string `json:"sku"`
	Safety *int64 `json:"safety"`
}

// Check implements [hub.Checker].
func (a *StockSetSafety) Check(f hub.Faults) {
	requireID(f, "/sku", a.Sku)
	checkUnits(f, "/safety", a.Safety)
}

// StockSnooze is stock.snooze: not to be had until then. Without until it is to be had again.
type StockSnooze struct {
	Sku   string    `json:"sku"`
	Until *hub.Time `json:"until"`
}

// Check implements [hub.Checker].
func (a *StockSnooze) Check(f hub.Faults) { requireID(f, "/sku", a.Sku) }

// StockWake ends a snooze whose time is over.
type StockWake struct {
	Sku string `json:"sku"`
}

func (s *shop) countStock(tx *hub.Tx, args StockCount) *hub.Problem {
	return s.level(tx, args.Sku, "stock.counted", func(l *Level) *hub.Problem {
		if l.OnHand != nil {
			if p := tx.RequireVersion("sku/" + args.Sku); p != nil {
				return p
			}
		}
		l.OnHand, l.CountedAt = args.OnHand, hub.At(tx.Now)
		return nil
	})
}

func (s *shop) adjustStock(tx *hub.Tx, args StockAdjust) *hub.Problem {
	if _, p := args.at(tx); p != nil {
		return p
	}
	return s.level(tx, args.Sku, "stock.adjusted", func(l *Level) *hub.Problem {
		if l.OnHand == nil {
			return notFound("level", args.Sku)
		}
		n := *l.OnHand + args.Delta
		if n > maxStock || n < -maxStock {
			return tooLarge("units of a sku", maxStock)
		}
		l.OnHand = &n
		return nil
	})
}

func (s *shop) setSafety(tx *hub.Tx, args StockSetSafety) *hub.Problem {
	return s.level(tx, args.Sku, "stock.safety_set", func(l *Level) *hub.Problem {
		l.Safety = *args.Safety
		return nil
	})
}

func (s *shop) snooze(tx *hub.Tx, args StockSnooze) *hub.Problem {
	return s.level(tx, args.Sku, "stock.snoozed", func(l *Level) *hub.Problem {
		tx.ClearTimer("snooze/" + args.Sku)
		l.SnoozedUntil = hub.Time{}
		if args.Until != nil {
			if !args.Until.After(tx.Now) {
				return hub.Faults{"/until": "must be later than now"}.Problem()
			}
			l.SnoozedUntil = *args.Until
			tx.SetTimer("snooze/"+args.Sku, args.Until.Time, "stock.wake", StockWake{args.Sku})
		}
		return nil
	})
}

func (s *shop) wake(tx *hub.Tx, args StockWake) *hub.Problem {
	var l Level
	if !tx.Get("sku/"+args.Sku, &l) || l.SnoozedUntil.IsZero() || l.SnoozedUntil.After(tx.Now) {
		return nil
	}
	l.SnoozedUntil = hub.Time{}
	l.derive()
	s.putLevel(tx, args.Sku, l)
	tx.Emit("stock.woken", map[string]any{"sku": args.Sku})
	return nil
}

// level changes one level of the store that is addressed.
func (s *shop) level(tx *hub.Tx, sku, event string, change func(*Level) *hub.Problem) *hub.Problem {
	if p := ownStore(tx); p != nil {
		return p
	}
	var l Level
	tx.Get("sku/"+sku, &l)
	before := l
	if p := change(&l); p != nil {
		return p
	}
	l.derive()
	if reflect.DeepEqual(before, l) {
		return nil
	}
	s.putLevel(tx, sku, l)
	tx.Emit(event, map[string]any{"sku": sku})
	return nil
}

// inStock refuses more than a store can promise, as far as a look from afar can tell.
// What counts is the reservation.
func (s *shop) inStock(tx *hub.Tx, store, sku string, n int64) *hub.Problem {
	var l Level
	if store == "" || !tx.Ref(storeChannel(store), "sku/"+sku, &l) {
		return nil
	}
	if free, tracked := l.free(hub.At(tx.Now)); tracked && free < n {
		return outOfStock(store, sku, free, nil)
	}
	return nil
}

// outOfStock says how many are left, and which order has the others, if that may be told.
func outOfStock(store, sku string, free int64, holder *ShortClaim) *hub.Problem {
	details := map[string]any{"sku": sku, "available": max(free, 0), "store": store}
	if holder != nil {
		details["reserved_for"] = map[string]any{"order": holder.Order, "number": holder.Number, "paid": holder.Paid}
	}
	return hub.Problemf(CodeOutOfStock, "only %d %s left at %s", max(free, 0), sku, store).With(details)
}
