package commerce

import (
	"time"

	"github.com/samepage/samepage/hub"
)

// Offline says when a till that was offline did what it sends now: both times
// by its own clock. That may be wrong; how long ago it was by it is not.
//
//	09:00 sold, the till's clock says 09:07 ── 09:20 sent, it says 09:27 ──► 09:00
//
// Sent_at is of this send: the same command may be sent again with a later one.
type Offline struct {
	OccurredAt *hub.Time `json:"occurred_at"`
	SentAt     *hub.Time `json:"sent_at"`
}

// longAgo is how old something may be before somebody should look at it.
const longAgo = 24 * time.Hour

// Check implements [hub.Checker].
func (o *Offline) Check(f hub.Faults) {
	switch {
	case o.OccurredAt != nil && o.SentAt == nil:
		f.Add("/sent_at", "required with occurred_at")
	case o.OccurredAt == nil && o.SentAt != nil:
		f.Add("/occurred_at", "required with sent_at")
	}
}

// was reports whether it is told of something that was done offline.
func (o Offline) was() bool { return o.OccurredAt != nil }

// ago is how long ago it was.
func (o Offline) ago() time.Duration { return o.SentAt.Sub(o.OccurredAt.Time) }

// doubtful reports whether the times cannot be right, or are too old to be taken for granted.
func (o Offline) doubtful() bool { return o.ago() < 0 || o.ago() > longAgo }

// at is when it was done, by the hub's clock, which the event then tells; now
// for what is done online.
func (o Offline) at(tx *hub.Tx) (hub.Time, *hub.Problem) {
	switch {
	case !o.was():
		return hub.At(tx.Now), nil
	case tx.Command.Caller.Role != hub.RolePOS:
		return hub.Time{}, hub.Faults{"/occurred_at": "is for tills"}.Problem()
	}
	at := hub.At(tx.Now.Add(-max(o.ago(), 0)))
	tx.Occurred(at.Time)
	return at, nil
}

// AttentionCalledOff is why somebody has to look at a pickup that was called
// off while the till that had begun it was offline: it is made, and what was
// paid has to be settled.
const AttentionCalledOff = "called_off"

// progress is how far a pickup is along its way.
var progress = map[string]int{FulfilmentProposed: 1, FulfilmentReserved: 2, FulfilmentPrepared: 3, FulfilmentCompleted: 4}

// reached reports whether a step that was taken offline leads nowhere new: its
// time is the one that was told first. That somebody else handed the goods over
// is not the same.
func (st step) reached(f Fulfilment, by hub.Actor) bool {
	if f.State == st.to {
		return st.to != FulfilmentCompleted || f.By.ID == by.ID
	}
	forward := progress[st.to] > progress[st.from[0]]
	return forward && progress[f.State] > progress[st.to]
}

// overtake brings back a pickup that was called off after the store had begun
// it, offline: what is made wins. What was called off before that stays so.
func (s *shop) overtake(tx *hub.Tx, o *Order, f *Fulfilment, st step, at hub.Time) {
	began := f.AcceptedAt
	if began.IsZero() && st.to == FulfilmentReserved {
		began = at
	}
	off := f.State == FulfilmentCanceled || f.State == FulfilmentFailed
	if !off || progress[st.to] == 0 || began.IsZero() || !began.Before(f.At.Time) {
		return
	}
	switch {
	case !f.ReadyAt.IsZero():
		f.State = FulfilmentPrepared
	case !f.AcceptedAt.IsZero():
		f.State = FulfilmentReserved
	default:
		f.State = FulfilmentProposed
		s.shiftFirst(tx, f.Store, o.skus(*f), -1) // they were given free, and are gone
		if f.Reservation != "" {
			tx.Then(hub.Command{
				Method: "stock.release", On: storeChannel(f.Store), Caller: system(), Args: encode(StockRelease{f.Reservation}),
			})
			f.Reservation = ""
		}
	}
	f.Reason, f.Attention = "", AttentionCalledOff
	if o.Cancelled != nil {
		o.Cancelled, o.ClosedAt, o.OrderState = nil, hub.Time{}, OrderOpen
	}
}
