package commerce

import (
	"maps"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
)

// Why a pickup failed by itself.
const (
	ReasonExpired = "expired" // no store began it in time
	ReasonNoShow  = "no_show" // it was ready and nobody came
)

// FulfilmentDue is fulfilment.expire and fulfilment.mark_late: some time of a pickup is over.
type FulfilmentDue struct {
	Order      string `json:"order"`
	Fulfilment string `json:"fulfilment"`
}

// deadline sets until when a pickup may stay as it is, and the timers that look
// then. It is called whenever one comes into a state.
func (s *shop) deadline(tx *hub.Tx, o *Order, order, id string, f *Fulfilment) {
	due := time.Time{}
	switch {
	case f.Type != Pickup:
	case f.State == FulfilmentProposed && s.Accept > 0:
		due = tx.Now
		if o.PromisedAt.After(due) {
			due = o.PromisedAt.Time
		}
		due = due.Add(s.Accept)
	case f.State == FulfilmentPrepared && s.NoShow > 0:
		due = tx.Now.Add(s.NoShow)
	}
	if f.Late = false; f.Type == Pickup && s.Late > 0 {
		if key := "late/" + order + "/" + id; f.State == FulfilmentProposed {
			tx.SetTimer(key, tx.Now.Add(s.Late), "fulfilment.mark_late", FulfilmentDue{order, id})
		} else {
			tx.ClearTimer(key)
		}
	}
	key := "expiry/" + order + "/" + id
	switch {
	case !due.IsZero():
		f.ExpiresAt = hub.At(due)
		tx.SetTimer(key, due, "fulfilment.expire", FulfilmentDue{order, id})
	case !f.ExpiresAt.IsZero():
		f.ExpiresAt = hub.Time{}
		tx.ClearTimer(key)
	}
}

// markLate notes that nobody at the store has begun a pickup: it came in while
// the till was offline, or nobody saw it. Somebody has to want it begun now.
func (s *shop) markLate(tx *hub.Tx, args FulfilmentDue) *hub.Problem {
	o := &Order{}
	if !tx.Get("order/"+args.Order, o) {
		return nil
	}
	f, ok := o.Fulfilments[args.Fulfilment]
	if !ok || f.State != FulfilmentProposed || f.Late || tx.Now.Sub(f.At.Time) < s.Late-time.Millisecond {
		return nil
	}
	f.Late = true
	o.Fulfilments[args.Fulfilment] = f
	tx.Put("order/"+args.Order, o)
	tx.Emit("fulfilment.marked_late", map[string]any{"order": args.Order, "fulfilment": args.Fulfilment})
	return nil
}

// expire fails a pickup whose time is over. An order that was never paid is
// called off with it; one that was paid waits for somebody to decide. Goods
// that were made and not collected stay off the shelf until staff takes them
// back (return.receive).
func (s *shop) expire(tx *hub.Tx, args FulfilmentDue) *hub.Problem {
	o := &Order{}
	if !tx.Get("order/"+args.Order, o) {
		return nil
	}
	f, ok := o.Fulfilments[args.Fulfilment]
	if !ok || f.ExpiresAt.IsZero() || f.ExpiresAt.After(tx.Now.Add(time.Millisecond)) {
		return nil
	}
	event := "fulfilment.expired"
	switch f.State {
	case FulfilmentProposed:
		f.Reason = ReasonExpired
	case FulfilmentPrepared:
		f.Reason, event = ReasonNoShow, "fulfilment.not_collected"
	default:
		return nil
	}
	f.ExpiresAt = hub.Time{}
	f.move(tx, FulfilmentFailed)
	o.Fulfilments[args.Fulfilment] = f
	unpaid := o.OrderState == OrderOpen && !slices.ContainsFunc(slices.Collect(maps.Values(o.Fulfilments)), Fulfilment.open)
	if unpaid {
		if p := s.callOff(tx, args.Order, o, f.Reason); p != nil {
			return p
		}
	}
	o.settle(hub.At(tx.Now))
	tx.Put("order/"+args.Order, o)
	Note(tx, event, "order/"+args.Order, "Order "+o.Number+": "+f.Reason)
	tx.Emit(event, map[string]any{"order": args.Order, "fulfilment": args.Fulfilment, "reason": f.Reason, "order_state": o.OrderState})
	s.settleStock(tx, args.Order, o)
	return nil
}

// uncollected reports whether a pickup was made and nobody came for it.
func (f Fulfilment) uncollected() bool {
	return f.State == FulfilmentFailed && f.Reason == ReasonNoShow
}
