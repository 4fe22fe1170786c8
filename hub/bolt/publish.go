package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

// Publish implements [hub.Engine]. What is not durable happens in the caller's goroutine.
func (e *Engine) Publish(ctx context.Context, m *hub.Message, opts hub.PublishOptions) (hub.Position, error) {
	if err := ctx.Err(); err != nil {
		return hub.Position{}, err
	}
	select {
	case <-e.closing:
		return hub.Position{}, hub.ErrClosed
	default:
	}
	now := e.opts.Now()
	m.Time = now.UnixMilli()
	if opts.Durable && opts.Keeps() {
		return e.publishDurable(ctx, m, opts, now)
	}
	s := e.stripe(m.Channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	pos, fresh := s.plain.Publish(m, opts, now)
	if fresh {
		e.hand(s, m)
	}
	return pos, nil
}

func (e *Engine) plainHead(name hub.Channel) (hub.Position, bool) {
	s := e.stripe(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plain.Head(name, e.opts.Now())
}

// plainHistory looks into memory first, then into the file.
func (e *Engine) plainHistory(ctx context.Context, name hub.Channel, q hub.HistoryQuery) (h hub.History, err error) {
	if err := e.alive(ctx); err != nil {
		return h, err
	}
	if _, ok := e.plainHead(name); !ok && e.durable.Load() {
		found := false
		err := e.view(ctx, func(tx *bbolt.Tx) error {
			d, ok, err := e.durableHead(tx, name)
			if found = ok; err != nil || !ok {
				return err
			}
			h, err = e.durableHistory(tx, name, d, q)
			return err
		})
		if found || err != nil {
			return h, err
		}
	}
	s := e.stripe(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plain.History(name, q, e.opts.Now())
}

// RemoveHistory implements [hub.Engine].
func (e *Engine) RemoveHistory(ctx context.Context, name hub.Channel) error {
	s := e.stripe(name)
	s.mu.Lock()
	s.plain.Remove(name)
	s.mu.Unlock()
	stored := false
	err := e.view(ctx, func(tx *bbolt.Tx) (err error) {
		_, stored, err = e.durableHead(tx, name)
		return err
	})
	if err != nil || !stored {
		return err
	}
	return e.do(ctx, &op{run: func(b *batch) error { return b.removeDurable(name) }})
}
