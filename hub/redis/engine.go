package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/samepage/samepage/hub"
)

// Engine is a [hub.Engine] on Redis. Open makes it.
type Engine struct {
	opts Options
	acks acks
	name string // of this node
	keys keys
	topo *topology
	log  *slog.Logger

	ctx    context.Context // ends when Close begins
	cancel context.CancelFunc
	work   sync.WaitGroup

	publish string // the command: SPUBLISH on a cluster
	topics  topics
	hearing hearing
	wakes   wakes
	shares  atomic.Int64 // leases under way

	wrongLayout atomic.Pointer[error] // another hub has laid out the store anew
}

var _ hub.Engine = (*Engine)(nil)

// Partitions implements [hub.Engine].
func (e *Engine) Partitions() int { return len(e.keys.tags) }

// Close implements [hub.Engine].
func (e *Engine) Close() error {
	e.cancel()
	e.work.Wait()
	e.topo.stop()
	e.hearing.close()
	return nil
}

func (e *Engine) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.ctx.Err() != nil {
		return hub.ErrClosed
	}
	if wrong := e.wrongLayout.Load(); wrong != nil {
		return unavailable(*wrong)
	}
	return nil
}

// word is a new epoch's, should the script find that one begins.
func (e *Engine) word() string { return rand.Text()[:13] }

func (e *Engine) millis() int64 { return e.opts.Now().UnixMilli() }

// run runs a script of one partition.
func (e *Engine) run(ctx context.Context, partition int, s *script, keys []string, args ...any) (any, error) {
	return e.call(ctx, partition, s.call(keys, args...), s, false)
}

// call sends a command to a partition's master and, where that is known to
// have done nothing, again: to the right master, or with the whole script.
// What it returns otherwise is ready to be given to the hub.
func (e *Engine) call(ctx context.Context, partition int, args []any, s *script, acked bool) (any, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		n := e.topo.node(partition)
		reply, err := n.do(ctx, args, acked)
		if err == nil {
			return reply, nil
		}
		if errors.Is(err, errUnacked) {
			return nil, unavailable(err)
		}
		verdict := judge(err)
		if errors.Is(err, errNodeGone) && e.ctx.Err() == nil {
			verdict = moved
		}
		switch verdict {
		case unknown:
			args = s.whole(args)
			s = nil
			continue
		case wrong:
			return nil, corrupt(err)
		case refused:
			return nil, unavailable(err)
		case broken:
			if e.topo.address.kind == cluster && e.ctx.Err() == nil {
				e.lookAround() // it may have a successor
			}
			if e.ctx.Err() != nil {
				return nil, hub.ErrClosed
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, unavailable(fmt.Errorf("%s: %w", n.addr, err))
		}
		if time.Since(began) > e.opts.Patience {
			return nil, unavailable(fmt.Errorf("%s: %w", n.addr, err))
		}
		if err := e.refresh(ctx); err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if e.topo.node(partition) == n {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-e.ctx.Done():
				return nil, hub.ErrClosed
			}
		}
	}
}

func (e *Engine) refresh(ctx context.Context) error { return e.topo.refresh(ctx, e.attachLink) }

// lookAround reads the map of the cluster anew, beside everything else.
func (e *Engine) lookAround() {
	if e.topo.looking.CompareAndSwap(false, true) {
		e.work.Go(func() {
			defer e.topo.looking.Store(false)
			ctx, cancel := context.WithTimeout(e.ctx, 2*e.opts.Timeout)
			defer cancel()
			if err := e.refresh(ctx); err != nil && e.ctx.Err() == nil {
				e.log.Warn("the cluster's map cannot be read", "err", err)
			}
		})
	}
}

// Check implements [hub.Engine]: every master takes a write, and every
// connection that listens has lately delivered.
func (e *Engine) Check(ctx context.Context) error {
	for n, partition := range e.topo.masters() {
		args := []any{"SET", e.keys.of(partition, keyCheck), e.name, "PX", 60_000}
		if _, err := e.call(ctx, partition, args, nil, false); err != nil {
			return err
		}
		args = []any{"GET", e.keys.of(partition, keyCheck)}
		switch reply, err := e.call(ctx, partition, args, nil, false); {
		case err != nil:
			return err
		case reply == nil:
			return unavailable(errors.New("what was stored cannot be read back"))
		}
		if err := n.link.deaf(); err != nil {
			return unavailable(fmt.Errorf("%s: %w", n.addr, err))
		}
	}
	return nil
}

// strings of a reply.

func text(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) (uint64, error) { return strconv.ParseUint(text(v), 10, 64) }

// list is a reply that must have at least n elements.
func list(v any, n int) ([]any, error) {
	l, ok := v.([]any)
	if !ok || len(l) < n {
		return nil, fmt.Errorf("hub/redis: unexpected reply %T of a script", v)
	}
	return l, nil
}

// position reads an epoch and an offset.
func position(epoch, offset any) (hub.Position, error) {
	n, err := number(offset)
	if err != nil {
		return hub.Position{}, fmt.Errorf("hub/redis: offset %q is not readable", text(offset))
	}
	return hub.Position{Epoch: text(epoch), Offset: n}, nil
}
