package bolt

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

// maxBatch is how many operations share one transaction at most; more would
// only make the first of them wait longer.
const maxBatch = 512

// enough are worth a transaction at once.
const enough = 64

// op is one write, queued for the writer.
type op struct {
	ctx context.Context
	// run evaluates and writes. It may be run again on another transaction, and either writes
	// all it has to or returns an error that is its caller's own.
	run func(b *batch) error
	// stored, if any, is called by the writer when the op is durable, in the order of the ops.
	stored func()
	err    error
	done   chan struct{}
}

// fault is an error of the store itself: it takes the whole transaction with it.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

// counters are the ends of the log of records.
type counters struct {
	seq   uint64   // the last record
	floor uint64   // records up to here are no longer kept for consumers
	heads []uint64 // partition -> the last record's number in it
}

// batch is a transaction that several ops share.
type batch struct {
	e  *Engine
	tx *bbolt.Tx

	meta, channels, log, checkpoints, commands, expiry, cursors, timers, due, plain *bbolt.Bucket

	counters
	wrote    bool
	messages []*hub.Message
	records  []hub.Record // those of messages that are events
	scratch  []byte
}

// do queues an op and waits until it is durable, refused, or ctx ends.
func (e *Engine) do(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.ctx, o.done = ctx, make(chan struct{})
	select {
	case <-e.closing:
		return hub.ErrClosed
	default:
	}
	select {
	case e.queue <- o:
	case <-e.closing:
		return hub.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return ctx.Err()
	case <-e.stopped:
		select {
		case <-o.done:
			return o.err
		default:
			return hub.ErrClosed
		}
	}
}

// write is the one goroutine that writes. What queues up while a transaction
// is being synced shares the next one.
func (e *Engine) write() {
	defer close(e.stopped)
	defer e.out.close()
	ops := make([]*op, 0, maxBatch)
	var began time.Time
	for {
		// Where callers come side by side, syncing for each as it comes would cost more than it
		// gains: transactions then begin no more often than every Gather.
		if company := len(ops) > 1; company && len(e.queue) < enough {
			if wait := e.opts.Gather - time.Since(began); wait > 0 {
				time.Sleep(wait)
			}
		}
		ops = ops[:0]
		select {
		case o := <-e.queue:
			ops = append(ops, o)
		case <-e.closing:
			select {
			case o := <-e.queue:
				ops = append(ops, o)
			default:
				return
			}
		}
	drain:
		for len(ops) < maxBatch {
			select {
			case o := <-e.queue:
				ops = append(ops, o)
			default:
				break drain
			}
		}
		began = time.Now()
		e.commit(ops)
		clear(ops)
	}
}

// commit runs the ops in one transaction and tells each what became of it.
func (e *Engine) commit(ops []*op) {
	var b *batch
	for {
		var broken int
		var err error
		if b, broken, err = e.try(ops); err == nil {
			break
		}
		e.recount()
		if broken < 0 || len(ops) == 1 { // the disk
			for _, o := range ops {
				if o.ctx.Err() == nil {
					o.err = unavailable(err)
				}
				close(o.done)
			}
			return
		}
		ops[broken].err = unavailable(err)
		close(ops[broken].done)
		ops = append(ops[:broken], ops[broken+1:]...)
	}
	for _, o := range ops {
		if o.err == nil && o.stored != nil {
			o.stored()
		}
	}
	e.out.add(b.messages)
	for _, o := range ops {
		close(o.done)
	}
	if len(b.records) > 0 {
		e.recent.add(b.seq, b.records)
		e.wakeUp()
	}
}

// try runs the ops in a transaction of their own. broken is the op that
// failed for all of them, -1 if it was the transaction.
func (e *Engine) try(ops []*op) (b *batch, broken int, err error) {
	tx, err := e.db.Begin(true)
	if err != nil {
		return nil, -1, err
	}
	b = e.newBatch(tx)
	for i, o := range ops {
		if o.err = o.ctx.Err(); o.err != nil {
			continue
		}
		o.err = o.run(b)
		if f := (fault{}); errors.As(o.err, &f) {
			_ = tx.Rollback()
			return nil, i, f.error
		}
	}
	if !b.wrote {
		return b, -1, tx.Rollback()
	}
	if err := tx.Commit(); err != nil {
		return nil, -1, err
	}
	e.counters = b.counters
	return b, -1, nil
}

func (e *Engine) newBatch(tx *bbolt.Tx) *batch {
	b := &batch{e: e, tx: tx, counters: e.counters,
		meta: tx.Bucket(bucketMeta), channels: tx.Bucket(bucketChannels), log: tx.Bucket(bucketLog),
		checkpoints: tx.Bucket(bucketCheckpoints), commands: tx.Bucket(bucketCommands), expiry: tx.Bucket(bucketExpiry),
		cursors: tx.Bucket(bucketCursors), timers: tx.Bucket(bucketTimers), due: tx.Bucket(bucketDue), plain: tx.Bucket(bucketPlain),
	}
	b.log.FillPercent = 0.95 // only ever appended to
	return b
}

// recount reads the counters anew after a transaction failed: whether it
// became part of the file is for the file to say.
func (e *Engine) recount() {
	_ = e.db.View(func(tx *bbolt.Tx) error {
		c, err := readCounters(tx, e)
		if err == nil {
			e.counters = c
		}
		return err
	})
}

func (b *batch) put(to *bbolt.Bucket, key, value []byte) error {
	b.wrote = true
	if err := to.Put(key, value); err != nil {
		return fault{err}
	}
	return nil
}

func (b *batch) delete(from *bbolt.Bucket, key []byte) error {
	b.wrote = true
	if err := from.Delete(key); err != nil {
		return fault{err}
	}
	return nil
}
