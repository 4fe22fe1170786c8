package sessions

import (
	"context"
	"sync"
	"time"
)

// wheel wakes sessions: one ticker for all of them instead of timers for each.
// A session stands in the slot of its next wake-up; those further away than a
// turn are passed over until their turn comes.
//
//	slot   0   1   2   3 …  255
//	       s4      s1  s2        each tick looks at one slot
//	               s7
type wheel struct {
	every time.Duration // one tick

	mu    sync.Mutex // guards the following fields and the sessions' spokes
	start time.Time
	at    int64 // ticks done
	slots [256]*session
}

// spoke is a session's place in the wheel, guarded by the wheel's mutex.
type spoke struct {
	next, prev *session
	due        int64 // tick; 0: in no slot
}

func newWheel(every time.Duration) *wheel { return &wheel{every: every, start: time.Now()} }

// run turns the wheel until ctx ends. wake is called without any lock and
// returns when the session wants to be woken next, zero for never.
func (w *wheel) run(ctx context.Context, wake func(*session, time.Time) time.Time) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	var due []*session
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		due = w.turn(now, due[:0])
		for _, s := range due {
			w.set(s, wake(s, now))
		}
		clear(due)
	}
}

// turn takes out the sessions that are due at now.
func (w *wheel) turn(now time.Time, due []*session) []*session {
	w.mu.Lock()
	defer w.mu.Unlock()
	until := int64(now.Sub(w.start) / w.every)
	from := max(w.at+1, until-int64(len(w.slots))+1) // late by more than a turn: every slot once
	w.at = until
	for t := from; t <= until; t++ {
		for s := w.slots[t%int64(len(w.slots))]; s != nil; {
			next := s.spoke.next
			if s.spoke.due <= until {
				w.take(s)
				due = append(due, s)
			}
			s = next
		}
	}
	return due
}

// set wakes the session at at, or before if it is already to be woken before; zero changes nothing.
func (w *wheel) set(s *session, at time.Time) {
	if at.IsZero() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.spoke.due < 0 {
		return // gone for good
	}
	due := max(int64(at.Sub(w.start)/w.every)+1, w.at+1)
	if s.spoke.due > 0 {
		if s.spoke.due <= due {
			return
		}
		w.take(s)
	}
	slot := &w.slots[due%int64(len(w.slots))]
	s.spoke = spoke{due: due, next: *slot}
	if *slot != nil {
		(*slot).spoke.prev = s
	}
	*slot = s
}

// remove takes a session out for good.
func (w *wheel) remove(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.spoke.due > 0 {
		w.take(s)
	}
	s.spoke.due = -1
}

func (w *wheel) take(s *session) {
	if s.spoke.prev != nil {
		s.spoke.prev.spoke.next = s.spoke.next
	} else {
		w.slots[s.spoke.due%int64(len(w.slots))] = s.spoke.next
	}
	if s.spoke.next != nil {
		s.spoke.next.spoke.prev = s.spoke.prev
	}
	s.spoke = spoke{}
}
