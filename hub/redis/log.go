package redis

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

//go:embed records.lua
var recordsLua string

var recordsScript = newScript(epochLua + recordsLua)

const (
	logBatch = 128         // records of a partition read at once
	logPoll  = time.Second // how often is looked although nothing was told
)

// reading is how far a consumer has come in one partition.
type reading struct {
	cursor uint64
	epoch  string
	failed string // why it cannot be read just now, as it was told last
}

// Log implements [hub.Engine]. While the store is away it waits, and goes on;
// so it does in a partition that is corrupt as a whole, for the others' sake.
func (e *Engine) Log(ctx context.Context, after hub.Cursors) iter.Seq2[hub.Record, error] {
	return func(yield func(hub.Record, error) bool) {
		if err := e.enter(ctx); err != nil {
			yield(hub.Record{}, err)
			return
		}
		at := make(map[int]*reading, len(after))
		for p, cursor := range after {
			if p < 0 || p >= e.Partitions() {
				yield(hub.Record{}, fmt.Errorf("hub/redis: no partition %d", p))
				return
			}
			at[p] = &reading{cursor: cursor}
		}
		woken, stop := e.wake(slices.Collect(maps.Keys(at)))
		defer stop()
		poll := time.NewTicker(logPoll)
		defer poll.Stop()
		ready := make(map[int]struct{}, len(at))
		for p := range at {
			ready[p] = struct{}{}
		}
		for {
			for len(ready) > 0 {
				again, on := e.readRecords(ctx, at, ready, yield)
				if !on {
					return
				}
				ready = again
			}
			select {
			case <-ctx.Done():
				yield(hub.Record{}, ctx.Err())
				return
			case <-e.ctx.Done():
				yield(hub.Record{}, hub.ErrClosed)
				return
			case <-poll.C:
				ready = e.grown(ctx, at)
			case t := <-woken:
				if ready = map[int]struct{}{}; !follow(at, t, ready, yield) {
					return
				}
				for range len(woken) {
					if !follow(at, <-woken, ready, yield) {
						return
					}
				}
			}
		}
	}
}

// follow yields a record that was told, if it is the next of its partition;
// where one is missing, or this is another past, the partition is to be read.
// It is false if the consumer has enough.
func follow(at map[int]*reading, t *told, ready map[int]struct{}, yield func(hub.Record, error) bool) bool {
	t.read()
	r := at[t.partition]
	_, behind := ready[t.partition]
	switch {
	case !behind && t.epoch == r.epoch && t.record.Seq == r.cursor+1:
		r.cursor++
		return yield(t.record, nil)
	case t.epoch != r.epoch || t.record.Seq == 0 || t.record.Seq > r.cursor:
		ready[t.partition] = struct{}{}
	}
	return true
}

// grown are the partitions that may not be where they were read to: to find
// that nothing has happened costs no script.
func (e *Engine) grown(ctx context.Context, at map[int]*reading) map[int]struct{} {
	grown := make(map[int]struct{}, len(at))
	for p := range at {
		grown[p] = struct{}{}
	}
	err := e.ask(ctx, slices.Collect(maps.Keys(at)), func(p int) []any {
		return []any{"HMGET", e.keys.of(p, keyPartition), "seq", "epoch"}
	}, func(p int, reply any) error {
		known, err := list(reply, 2)
		if err == nil && cmp.Or(text(known[0]), "0") == strconv.FormatUint(at[p].cursor, 10) && text(known[1]) == at[p].epoch {
			delete(grown, p)
		}
		return err
	})
	if errors.Is(err, hub.ErrUnavailable) {
		return nil // there is nothing to be read
	}
	return grown
}

// page is what one partition gave.
type page struct {
	epoch     string
	seq, base uint64
	rows      []any
	own       map[hub.Channel]string // epochs of channels that are of another
}

// readRecords reads the next records of the given partitions, yields them and
// returns which of them have more.
func (e *Engine) readRecords(ctx context.Context, at map[int]*reading, ready map[int]struct{}, yield func(hub.Record, error) bool) (map[int]struct{}, bool) {
	var mu sync.Mutex
	pages := map[int]page{}
	_ = each(ready, func(p int, _ struct{}) error {
		r := at[p]
		pg, err := e.readPage(ctx, p, r.cursor)
		switch {
		case err == nil:
			r.failed = ""
			mu.Lock()
			pages[p] = pg
			mu.Unlock()
		case !errors.Is(err, hub.ErrUnavailable) && ctx.Err() == nil && e.ctx.Err() == nil && err.Error() != r.failed:
			r.failed = err.Error()
			e.log.Error("a partition's log cannot be read", "partition", p, "err", err)
		}
		return nil
	})
	more := map[int]struct{}{}
	for p, pg := range pages {
		on, again := e.yieldPage(p, at[p], pg, yield)
		if !on {
			return nil, false
		}
		if again {
			more[p] = struct{}{}
		}
	}
	return more, true
}

func (e *Engine) readPage(ctx context.Context, p int, cursor uint64) (page, error) {
	reply, err := e.run(ctx, p, recordsScript, []string{e.keys.of(p, keyPartition), e.keys.of(p, keyRecords)},
		e.word(), strconv.FormatUint(cursor, 10), logBatch)
	if err != nil {
		return page{}, err
	}
	r, err := list(reply, 5)
	if err != nil {
		return page{}, err
	}
	seq, err1 := number(r[1])
	base, err2 := number(r[2])
	rows, err3 := list(r[3], 0)
	own, err4 := list(r[4], 0)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return page{}, corruptKey(e.keys.of(p, keyPartition), "", err)
	}
	pg := page{text(r[0]), seq, base, rows, make(map[hub.Channel]string, len(own)/2)}
	for i := 0; i+1 < len(own); i += 2 {
		pg.own[hub.Channel(text(own[i]))] = text(own[i+1])
	}
	return pg, nil
}

// yieldPage hands out a partition's records. on is false if the consumer has
// enough; again is true if there may be more.
func (e *Engine) yieldPage(p int, r *reading, pg page, yield func(hub.Record, error) bool) (on, again bool) {
	// After a new master took over, what is behind base is another past than the one we read:
	// from there we read again.
	switch was := r.epoch; {
	case was != "" && was != pg.epoch && pg.base < r.cursor, was == "" && pg.seq < r.cursor:
		r.cursor, r.epoch = min(pg.base, pg.seq), pg.epoch
		return yield(hub.Record{Partition: p, Seq: r.cursor}, hub.ErrTrimmed), true
	}
	r.epoch = pg.epoch
	if len(pg.rows) == 0 {
		if pg.seq > r.cursor { // all of it was let go
			r.cursor = pg.seq
			return yield(hub.Record{Partition: p, Seq: r.cursor}, hub.ErrTrimmed), false
		}
		return true, false
	}
	for _, row := range pg.rows {
		seq, fields, err := parseRow(row)
		if err != nil {
			return yield(hub.Record{Partition: p}, corruptKey(e.keys.of(p, keyRecords), "", err)), false
		}
		if seq > r.cursor+1 && !yield(hub.Record{Partition: p, Seq: seq - 1}, hub.ErrTrimmed) {
			return false, false
		}
		r.cursor = seq
		name := hub.Channel(fields["c"])
		var m *hub.Message
		offset, err := strconv.ParseUint(fields["o"], 10, 64)
		if err == nil {
			m, err = decodeMessage(name, hub.Position{Epoch: cmp.Or(pg.own[name], pg.epoch), Offset: offset}, []byte(fields["m"]))
		}
		if err != nil { // nobody will ever learn what it told
			err = corruptKey(e.keys.of(p, keyRecords), "at "+strconv.FormatUint(seq, 10), err)
			e.log.Error("a record is not readable", "err", err)
			err = fmt.Errorf("%w: %w", hub.ErrTrimmed, err)
		}
		if !yield(hub.Record{Partition: p, Seq: seq, Message: m}, err) {
			return false, false
		}
	}
	return true, len(pg.rows) == logBatch
}
