package hub

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrLost tells a follower that the thread was lost: too much was missed, or
// the epoch ended. It attaches anew and loads or recovers.
var ErrLost = errors.New("hub: lost the thread of a channel")

// Sink follows one channel. Its methods are called one at a time; they do not
// block and do not attach or close feeds.
type Sink interface {
	// Deliver takes the next message: of a positioned feed every message with an offset comes
	// exactly once, in order. The message is shared.
	Deliver(m *Message)
	// Lost ends the feed; nothing is delivered after it.
	Lost(err error)
}

// Feed is one sink's hold on a channel.
type Feed struct {
	hub  *Hub
	line *line
	sink Sink
}

// Attach makes a sink follow a channel: whatever is accepted after it returns
// is delivered, so a snapshot or history read afterwards, less what was
// already delivered, joins without a gap. A positioned feed repairs gaps from
// the log, or ends with Lost; others get what comes. It waits until [Hub.Run] listens.
func (h *Hub) Attach(ctx context.Context, name Channel, positioned bool, sink Sink) (*Feed, error) {
	select {
	case <-h.probe.heard:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		l, first := h.line(name)
		if first {
			l.err = h.follow(ctx, l)
			close(l.ready)
		}
		select {
		case <-l.ready:
		case <-ctx.Done():
			h.drop(l, nil)
			return nil, ctx.Err()
		}
		if l.err != nil {
			h.drop(l, nil)
			return nil, l.err
		}
		if positioned {
			if err := h.anchor(ctx, l); err != nil {
				h.drop(l, nil)
				return nil, err
			}
		}
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			continue
		}
		l.sinks = append(slices.Clip(l.sinks), sink)
		l.mu.Unlock()
		return &Feed{hub: h, line: l, sink: sink}, nil
	}
}

// Close ends the feed. A delivery under way may still be running when it returns.
func (f *Feed) Close() { f.hub.drop(f.line, f.sink) }

// maxPending is how many messages wait for a repair before the thread is given up.
const maxPending = 4096

// deliver is the engine's listener.
func (h *Hub) deliver(m *Message) {
	if m.Type == MessageControl {
		h.control(m.Data)
		return
	}
	s := h.shard(m.Channel)
	s.mu.RLock()
	l := s.lines[m.Channel]
	s.mu.RUnlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.Position.Offset == 0 || !l.anchored {
		l.deliver(m)
		return
	}
	if l.repairing {
		if len(l.pending) < maxPending {
			l.pending = append(l.pending, m)
			return
		}
		h.lose(l, m.Position)
		return
	}
	h.next(l, m)
}

// next delivers a message if it is the next one, forgets it if it was already
// delivered, and repairs what is missing before it otherwise. l.mu is held.
func (h *Hub) next(l *line, m *Message) {
	switch {
	case m.Position.Epoch != l.pos.Epoch:
		h.lose(l, m.Position)
	case m.Position.Offset <= l.pos.Offset:
	case m.Position.Offset == l.pos.Offset+1:
		l.pos = m.Position
		l.deliver(m)
	default:
		l.pending = append(l.pending, m)
		h.repair(l)
	}
}

func (l *line) deliver(m *Message) {
	for _, s := range l.sinks {
		s.Deliver(m)
	}
}

// lose ends all feeds of a line, which goes on from pos. l.mu is held.
func (h *Hub) lose(l *line, pos Position) {
	sinks := l.sinks
	l.sinks, l.pos, l.pending = nil, pos, nil
	for _, s := range sinks {
		s.Lost(ErrLost)
	}
	if len(sinks) > 0 {
		s := h.shard(l.name)
		h.work.Go(func() { // not here: shards are locked before lines
			s.mu.Lock()
			l.users -= len(sinks)
			l.idle = h.opts.Now()
			s.mu.Unlock()
			if h.opts.Linger == 0 {
				h.unfollow(s, l)
			}
		})
	}
}

// repair reads what was missed from the log, beside everything else. l.mu is held.
func (h *Hub) repair(l *line) {
	run := h.ctx.Load()
	if l.repairing || run == nil {
		return
	}
	l.repairing = true
	since := l.pos
	h.work.Go(func() {
		ctx, cancel := context.WithTimeout(*run, 10*time.Second)
		defer cancel()
		missed, whole, err := h.Since(ctx, l.name, since, -1)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.repairing = false
		pending := l.pending
		l.pending = nil
		if l.pos != since { // lost meanwhile
			return
		}
		if err != nil || !whole {
			h.log.Warn("a channel's thread was lost", "channel", l.name, "since", since.String(), "err", err)
			end := missed.Position
			if err != nil {
				end = Position{} // unknown: whatever comes next is another epoch, and lost again until heads are known
				l.anchored = false
			}
			h.lose(l, end)
			return
		}
		for _, m := range append(missed.Messages, pending...) {
			h.next(l, m)
		}
	})
}
