package redis

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/samepage/samepage/hub"
)

// lanes is how many messages of different channels are decoded at once.
const lanes = 4

// hearing takes what links hear to the listener: one lane for each channel, so
// that its order is kept. A lane that is full makes its link wait, not drop.
type hearing struct {
	seed  maphash.Seed
	lanes [lanes]lane
	work  sync.WaitGroup

	mu      sync.RWMutex // held, for reading, while deliver runs
	deliver func(*hub.Message)
}

type heard struct {
	topic   *topic
	payload []byte
}

// lane handles what it is given, one after the other.
type lane struct {
	queue   chan heard
	pending atomic.Int32 // given, and not handled yet
	mu      sync.Mutex   // held while something is handled
}

func (h *hearing) start(ctx context.Context, e *Engine) {
	h.seed = maphash.MakeSeed()
	for i := range h.lanes {
		l := &h.lanes[i]
		l.queue = make(chan heard, 1024)
		h.work.Go(func() {
			for {
				select {
				case in := <-l.queue:
					l.handle(e, in)
				case <-ctx.Done():
					return
				}
			}
		})
	}
}

func (h *hearing) close() { h.work.Wait() }

// put gives a lane something to do. If there is nothing else to do, neither
// there nor for the link that asks, it is done at once and nobody is woken.
func (h *hearing) put(ctx context.Context, e *Engine, in heard, more bool) {
	l := &h.lanes[maphash.String(h.seed, in.topic.name)%lanes]
	if l.pending.Add(1) == 1 && !more {
		l.handle(e, in)
		return
	}
	select {
	case l.queue <- in:
	case <-ctx.Done():
	}
}

func (l *lane) handle(e *Engine, in heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.hear(in)
	l.pending.Add(-1)
}

// hear decodes a message and gives it to the listener. What cannot be read is
// lost for this channel alone, which the hub then repairs, or finds corrupt.
func (e *Engine) hear(in heard) {
	pos, payload, err := openEnvelope(in.payload)
	var m *hub.Message
	if err == nil {
		m, err = decodeMessage(in.topic.channel, pos, payload)
	}
	if err != nil {
		e.log.Error("a message is not readable", "topic", in.topic.name, "err", err)
		return
	}
	if pos.Offset > 0 { // while a slot moves, two connections may tell the same
		if last := in.topic.newest; last.Epoch == pos.Epoch && last.Offset >= pos.Offset {
			return
		}
		in.topic.newest = pos
	}
	e.hearing.mu.RLock()
	defer e.hearing.mu.RUnlock()
	if e.hearing.deliver != nil {
		e.hearing.deliver(m)
	}
}

// Listen implements [hub.Engine].
func (e *Engine) Listen(ctx context.Context, deliver func(*hub.Message)) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	e.hearing.mu.Lock()
	if e.hearing.deliver != nil {
		e.hearing.mu.Unlock()
		return errors.New("hub/redis: there is a listener already")
	}
	e.hearing.deliver = deliver
	e.hearing.mu.Unlock()
	defer func() {
		e.hearing.mu.Lock()
		e.hearing.deliver = nil
		e.hearing.mu.Unlock()
	}()
	control := &topic{name: e.keys.topic(0, topicControl)}
	for {
		err := e.subscribe(ctx, []*topic{control})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, hub.ErrClosed) {
			return err
		}
		select { // the store is away
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-e.ctx.Done():
		return hub.ErrClosed
	}
}
