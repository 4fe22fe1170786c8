package hub

import (
	"context"
	"errors"
	"slices"
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
			if l.err = h.engine.Follow(ctx, name); l.err != nil {
				h.forget(l)
			}
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
			if gaveUp := errors.Is(l.err, context.Canceled) || errors.Is(l.err, context.DeadlineExceeded); gaveUp && !first && ctx.Err() == nil {
				continue // who was first did, not we
			}
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
