package bolt

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

// chunk is how many records are read, and how many passed over, in one
// transaction: a reader never holds one while its consumer works.
const (
	chunk     = 256
	chunkScan = 4096
)

// Log implements [hub.Engine].
func (e *Engine) Log(ctx context.Context, after hub.Cursors) iter.Seq2[hub.Record, error] {
	return func(yield func(hub.Record, error) bool) {
		r := reader{e: e, cursors: maps.Clone(after)}
		for p := range r.cursors {
			if p < 0 || p >= e.partitions {
				yield(hub.Record{}, fmt.Errorf("bolt: no partition %d of %d", p, e.partitions))
				return
			}
		}
		for {
			wake := e.awake()
			r.records, r.trimmed = r.records[:0], r.trimmed[:0]
			more, ok := e.recent.read(&r)
			if !ok {
				err := e.view(ctx, func(tx *bbolt.Tx) (err error) {
					more, err = r.read(tx)
					return err
				})
				if err != nil {
					yield(hub.Record{}, err)
					return
				}
			}
			for _, p := range r.trimmed {
				if !yield(hub.Record{Partition: p}, hub.ErrTrimmed) {
					return
				}
			}
			for _, record := range r.records {
				if !yield(record, nil) {
					return
				}
			}
			if err := ctx.Err(); err != nil {
				yield(hub.Record{}, err)
				return
			}
			if more {
				continue
			}
			select {
			case <-wake:
			case <-ctx.Done():
				yield(hub.Record{}, ctx.Err())
				return
			case <-e.closing:
				yield(hub.Record{}, hub.ErrClosed)
				return
			}
		}
	}
}

// reader goes along the log of records.
type reader struct {
	e       *Engine
	cursors hub.Cursors
	next    uint64 // the record to look at next; 0: not known yet
	records []hub.Record
	trimmed []int
}

// read takes a chunk; more is true if there may be another at once.
func (r *reader) read(tx *bbolt.Tx) (more bool, err error) {
	checkpoints := tx.Bucket(bucketCheckpoints).Cursor()
	k, v := checkpoints.First()
	if floor := beUint64(k); r.next <= floor {
		for _, p := range slices.Sorted(maps.Keys(r.cursors)) {
			if at := checkpointAt(v, p); r.cursors[p] < at {
				r.cursors[p] = at
				r.trimmed = append(r.trimmed, p)
			}
		}
		r.next = floor + 1
		for k, v = checkpoints.Last(); k != nil; k, v = checkpoints.Prev() {
			if r.beyond(v) {
				r.next = beUint64(k) + 1
				break
			}
		}
	}
	c := tx.Bucket(bucketLog).Cursor()
	seen := 0
	for k, v := c.Seek(uint64Key(r.next)); k != nil; k, v = c.Next() {
		if len(r.records) == chunk || seen == chunkScan {
			return true, nil
		}
		seen++
		row, err := parseRecord(v)
		if err != nil {
			return false, fmt.Errorf("bolt: record %d: %w", beUint64(k), err)
		}
		r.next = beUint64(k) + 1
		p := r.e.partition(row.channel)
		if cursor, asked := r.cursors[p]; !asked || row.seq <= cursor {
			continue
		}
		event, _, err := readEvent(v)
		if err != nil {
			return false, fmt.Errorf("bolt: record %d: %w", beUint64(k), err)
		}
		r.cursors[p] = row.seq
		r.records = append(r.records, hub.Record{
			Partition: p, Seq: row.seq, Message: eventMessage(row.channel, r.e.epochOf(tx, row.channel), row, event),
		})
	}
	return false, nil
}

// beyond reports whether every cursor is at the checkpoint or behind it in time.
func (r *reader) beyond(checkpoint []byte) bool {
	for p, cursor := range r.cursors {
		if cursor < checkpointAt(checkpoint, p) {
			return false
		}
	}
	return true
}

// awake is closed at the next records.
func (e *Engine) awake() <-chan struct{} {
	e.wakeMu.Lock()
	defer e.wakeMu.Unlock()
	if e.wake == nil {
		e.wake = make(chan struct{})
	}
	return e.wake
}

func (e *Engine) wakeUp() {
	e.wakeMu.Lock()
	defer e.wakeMu.Unlock()
	if e.wake != nil {
		close(e.wake)
		e.wake = nil
	}
}
