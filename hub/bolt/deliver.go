package bolt

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"

	"github.com/samepage/samepage/hub"
)

// stripeCount is how many locks channels are spread over.
const stripeCount = 256

// stripe holds what is in memory of the channels that fall to it. Its lock is
// held while one of them is published to and its message delivered: that is
// the order in which listeners see them.
type stripe struct {
	mu       sync.Mutex
	followed map[hub.Channel]struct{}
	plain    *hub.Plain
}

func (e *Engine) stripe(name hub.Channel) *stripe {
	return &e.stripes[maphash.String(e.seed, string(name))%stripeCount]
}

// Listen implements [hub.Engine].
func (e *Engine) Listen(ctx context.Context, deliver func(*hub.Message)) error {
	if !e.listening.CompareAndSwap(false, true) {
		return errors.New("bolt: the engine has a listener already")
	}
	defer e.listening.Store(false)
	select {
	case <-e.closing:
		return hub.ErrClosed
	default:
	}
	e.listener.Store(&deliver)
	defer e.deafen()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-e.closing:
		return hub.ErrClosed
	}
}

// deafen returns when no call of the listener is under way any more.
func (e *Engine) deafen() {
	e.listener.Store(nil)
	for i := range e.stripes {
		e.stripes[i].mu.Lock()
		e.stripes[i].mu.Unlock() //lint:ignore SA2001 waits for a call that is under way
	}
	e.control.Lock()
	e.control.Unlock() //lint:ignore SA2001 as above
}

// Follow implements [hub.Engine].
func (e *Engine) Follow(ctx context.Context, names ...hub.Channel) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-e.closing:
		return hub.ErrClosed
	default:
	}
	for _, name := range names {
		s := e.stripe(name)
		s.mu.Lock()
		if s.followed == nil {
			s.followed = map[hub.Channel]struct{}{}
		}
		s.followed[name] = struct{}{}
		s.mu.Unlock()
	}
	return nil
}

// Unfollow implements [hub.Engine].
func (e *Engine) Unfollow(names ...hub.Channel) {
	for _, name := range names {
		s := e.stripe(name)
		s.mu.Lock()
		delete(s.followed, name)
		s.mu.Unlock()
	}
}

// hand gives m to the listener. The stripe's lock is held.
func (e *Engine) hand(s *stripe, m *hub.Message) {
	if _, ok := s.followed[m.Channel]; !ok {
		return
	}
	if deliver := e.listener.Load(); deliver != nil {
		(*deliver)(m)
	}
}

// Send implements [hub.Engine].
func (e *Engine) Send(ctx context.Context, m *hub.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-e.closing:
		return hub.ErrClosed
	default:
	}
	m.Position, m.Time = hub.Position{}, e.opts.Now().UnixMilli()
	if m.Type == hub.MessageControl {
		e.control.Lock()
		defer e.control.Unlock()
		if deliver := e.listener.Load(); deliver != nil {
			(*deliver)(m)
		}
		return nil
	}
	s := e.stripe(m.Channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.hand(s, m)
	return nil
}

// outbox is the way of durable messages from the writer to the dispatcher, so
// that fan-out never holds up a commit. It grows as it must: deliver does not block.
type outbox struct {
	mu     sync.Mutex
	filled sync.Cond
	queue  []*hub.Message
	closed bool
}

func (o *outbox) init() { o.filled.L = &o.mu }

func (o *outbox) add(messages []*hub.Message) {
	if len(messages) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, messages...)
	o.filled.Signal()
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.filled.Signal()
}

// take waits for messages and takes all there are, in exchange for an empty
// slice; none at the end.
func (o *outbox) take(spare []*hub.Message) []*hub.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.closed {
		o.filled.Wait()
	}
	taken := o.queue
	o.queue = spare
	return taken
}

func (e *Engine) dispatch() {
	var spare []*hub.Message
	for {
		messages := e.out.take(spare[:0])
		if len(messages) == 0 {
			return
		}
		for _, m := range messages {
			s := e.stripe(m.Channel)
			s.mu.Lock()
			e.hand(s, m)
			s.mu.Unlock()
		}
		clear(messages)
		spare = messages
		if cap(spare) > 4096 {
			spare = nil
		}
	}
}
