package bolt

import (
	"context"
	"time"

	"go.etcd.io/bbolt"
)

// sweepMost is how much one transaction of the sweeper removes of each sort;
// commits wait for no more than that.
const sweepMost = 256

// sweep removes what has expired, a little at a time, until the engine closes:
// in each round a quarter of what is in memory, and of the file all there is.
// A round that finds nothing writes nothing.
func (e *Engine) sweep() {
	tick := time.NewTicker(e.opts.SweepEvery)
	defer tick.Stop()
	for next := 0; ; {
		select {
		case <-e.closing:
			return
		case <-tick.C:
		}
		now := e.opts.Now()
		for range stripeCount / 4 {
			s := &e.stripes[next]
			s.mu.Lock()
			s.plain.Sweep(now)
			s.mu.Unlock()
			next = (next + 1) % stripeCount
		}
		for e.sweepStore(millis(now)) {
		}
	}
}

// sweepStore reports whether there is more to remove at once.
func (e *Engine) sweepStore(now uint64) bool {
	if !e.sweepable(now) {
		return false
	}
	more := false
	err := e.do(context.Background(), &op{run: func(b *batch) error {
		if err := b.forgetExpired(now, sweepMost); err != nil {
			return err
		}
		var err error
		more, err = b.forgetRecords(now)
		return err
	}})
	return err == nil && (more || e.sweepable(now))
}

// sweepable looks for something to remove.
func (e *Engine) sweepable(now uint64) bool {
	found := false
	_ = e.db.View(func(tx *bbolt.Tx) error {
		if k, _ := tx.Bucket(bucketExpiry).Cursor().First(); k != nil && beUint64(k) <= now {
			found = true
			return nil
		}
		c := tx.Bucket(bucketCheckpoints).Cursor()
		c.First()
		next, _ := c.Next()
		last, _ := tx.Bucket(bucketLog).Cursor().Last()
		if next == nil || last == nil {
			return nil
		}
		r, err := parseRecord(tx.Bucket(bucketLog).Get(next))
		found = beUint64(last)-min(beUint64(last), beUint64(next)) >= uint64(e.opts.RecordsSize) ||
			err == nil && r.at+uint64(e.opts.RecordsAge.Milliseconds()) <= now
		return nil
	})
	return found
}
