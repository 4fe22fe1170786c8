package hub

import (
	"context"
	"slices"
	"sync"
	"time"
)

// line is one followed channel as it comes in at this node.
type line struct {
	name  Channel
	ready chan struct{} // closed when followed, or failed with err
	err   error

	users int       // guarded by the shard: sinks and those on their way
	idle  time.Time // guarded by the shard: since when nobody uses it

	mu        sync.Mutex // guards the following fields; held while sinks are called
	sinks     []Sink
	anchored  bool // pos is known and kept whole
	pos       Position
	repairing bool       // or waits for its turn
	pending   []*Message // came meanwhile
	closed    bool
}

const lineShards = 64

type lineShard struct {
	mu    sync.RWMutex
	lines map[Channel]*line
}

func (h *Hub) shard(name Channel) *lineShard { return &h.lines[Partition(name, lineShards)] }

// line finds or makes a channel's line and counts its caller as a user.
func (h *Hub) line(name Channel) (l *line, first bool) {
	s := h.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lines[name]
	if !ok {
		l = &line{name: name, ready: make(chan struct{})}
		s.lines[name] = l
	}
	l.users++
	return l, !ok
}

// forget makes the next one who wants to follow a channel begin a new line:
// this one could not be followed.
func (h *Hub) forget(l *line) {
	s := h.shard(l.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines[l.name] == l {
		delete(s.lines, l.name)
	}
}

// anchor finds out where the log ends, so that from there nothing is missed.
func (h *Hub) anchor(ctx context.Context, l *line) error {
	l.mu.Lock()
	anchored := l.anchored
	l.mu.Unlock()
	if anchored {
		return nil
	}
	heads, err := h.engine.Heads(ctx, []Channel{l.name})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.anchored {
		// What came between following and now is at or before the head, or comes again as a gap.
		l.anchored, l.pos = true, heads[0]
	}
	return nil
}

// drop takes a sink off a line, or a user that never became one, and lets go
// of the line when nobody is left and Options.Linger is over.
func (h *Hub) drop(l *line, sink Sink) {
	if sink != nil {
		l.mu.Lock()
		i := slices.Index(l.sinks, sink)
		if i >= 0 {
			l.sinks = slices.Delete(slices.Clone(l.sinks), i, i+1)
		}
		l.mu.Unlock()
		if i < 0 {
			return // lost, and dropped then
		}
	}
	s := h.shard(l.name)
	s.mu.Lock()
	l.users--
	l.idle = h.opts.Now()
	s.mu.Unlock()
	if h.opts.Linger == 0 {
		h.unfollow(s, l)
	}
}

// unfollow ends a line that nobody uses.
func (h *Hub) unfollow(s *lineShard, l *line) {
	s.mu.Lock()
	if l.users > 0 || s.lines[l.name] != l {
		s.mu.Unlock()
		return
	}
	delete(s.lines, l.name)
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	h.engine.Unfollow(l.name)
	s.mu.Unlock()
}
