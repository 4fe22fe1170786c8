package hub

import (
	"context"
	"errors"
	"sync"
	"time"
)

// repairs are the lines that have missed something. After the store was away
// that may be all of them, so only a few are read at a time.
type repairs struct {
	mu      sync.Mutex // guards the following fields
	waiting []*line
	working int
}

// Bounds of repairs.
const (
	maxRepairs = 16               // lines that are read at once
	maxPending = 4096             // messages of one line that wait until it is whole
	repairTime = 10 * time.Second // how long one may take
)

// repair has what was missed read from the log, beside everything else. l.mu is held.
func (h *Hub) repair(l *line) {
	run := h.ctx.Load()
	if l.repairing || run == nil {
		return
	}
	l.repairing = true
	r := &h.repairs
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, l)
	if r.working < maxRepairs {
		r.working++
		h.work.Go(func() {
			for l := r.next(); l != nil; l = r.next() {
				h.mend(*run, l)
			}
		})
	}
}

// next is the line whose turn it is; nil if none waits, and then its caller is done.
func (r *repairs) next() *line {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		r.waiting = nil
		r.working--
		return nil
	}
	l := r.waiting[0]
	r.waiting = r.waiting[1:]
	return l
}

// mend reads what a line has missed and delivers it, and then what came meanwhile.
func (h *Hub) mend(ctx context.Context, l *line) {
	l.mu.Lock()
	since := l.pos
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	missed, whole, err := h.Since(ctx, l.name, since, -1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.repairing = false
	pending := l.pending
	l.pending = nil
	switch {
	case l.pos != since: // lost meanwhile, and followed anew
		for _, m := range pending {
			h.next(l, m)
		}
	case err != nil && (errors.Is(err, ErrUnavailable) || ctx.Err() != nil):
		// The line stays where it is: the next check, or message, finds the gap again.
	case err != nil:
		h.log.Error("a channel cannot be repaired", "channel", l.name, "since", since.String(), "err", err)
		l.anchored = false // where it goes on from is not known before somebody attaches anew
		h.lose(l, Position{})
	case !whole:
		h.log.Warn("a channel's thread was lost", "channel", l.name, "since", since.String())
		h.lose(l, missed.Position)
	default:
		for _, m := range append(missed.Messages, pending...) {
			h.next(l, m)
		}
	}
}
