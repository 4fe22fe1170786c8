package bolt

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/samepage/samepage/hub"
)

// Engine is a [hub.Engine] on one file. Open makes it.
type Engine struct {
	opts       Options
	db         *bbolt.DB
	epoch      string      // of all channels with entries, but those that were erased
	erased     atomic.Bool // there are such
	partitions int

	queue   chan *op
	closing chan struct{} // closed when Close begins
	stopped chan struct{} // closed when the writer has ended
	once    sync.Once
	workers sync.WaitGroup

	counters counters // owned by the writer
	recent   recent

	wakeMu sync.Mutex
	wake   chan struct{} // closed at the next records; nil while nobody waits

	claimsMu sync.Mutex
	claims   map[string]time.Time // key in the due bucket -> until when it is claimed

	seed      maphash.Seed
	stripes   [stripeCount]stripe
	control   sync.Mutex  // holds the order of control messages
	durable   atomic.Bool // plain channels may be in the file; if not, nobody looks for them there
	listener  atomic.Pointer[func(*hub.Message)]
	listening atomic.Bool
	out       outbox
}

var _ hub.Engine = (*Engine)(nil)

// Partitions implements [hub.Engine].
func (e *Engine) Partitions() int { return e.partitions }

// Close implements [hub.Engine]. Commits that were taken are finished first.
func (e *Engine) Close() error {
	var err error
	e.once.Do(func() {
		close(e.closing)
		e.workers.Wait()
		err = e.db.Close()
	})
	return err
}

// alive says why nothing can be asked any more, nil if it can.
func (e *Engine) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-e.closing:
		return hub.ErrClosed
	default:
		return nil
	}
}

// view runs fn on one instant of the store.
func (e *Engine) view(ctx context.Context, fn func(tx *bbolt.Tx) error) error {
	if err := e.alive(ctx); err != nil {
		return err
	}
	err := e.db.View(fn)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return hub.ErrClosed
	}
	return err
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", hub.ErrUnavailable, err) }

// Check implements [hub.Engine].
func (e *Engine) Check(ctx context.Context) error {
	now := uint64Key(millis(e.opts.Now()))
	err := e.do(ctx, &op{run: func(b *batch) error { return b.put(b.meta, metaChecked, now) }})
	if err != nil {
		return err
	}
	return e.view(ctx, func(tx *bbolt.Tx) error {
		if tx.Bucket(bucketMeta).Get(metaChecked) == nil {
			return unavailable(errors.New("what was stored cannot be read back"))
		}
		return nil
	})
}
