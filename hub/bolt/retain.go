package bolt

import (
	"encoding/binary"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

// trimSlack is how many hidden rows of a channel's log gather before they are
// removed, unless a tenth of Options.LogSize is more: removing costs less in bulk.
const trimSlack = 16

// trimMost bounds what one commit removes, so that none is slow.
const trimMost = 256

// retain hides what Options let go of, and removes it once it is worth it.
func (b *batch) retain(name hub.Channel, h *head, now uint64) error {
	if size := uint64(b.e.opts.LogSize); h.offset >= h.first+size {
		h.first = h.offset - size + 1
	}
	age := uint64(b.e.opts.LogAge.Milliseconds())
	var key []byte
	for h.first <= h.offset {
		key = appendLogKey(key[:0], name, h.first)
		row := b.channels.Get(key)
		if len(row) >= 16 && beUint64(row[8:])+age > now {
			break
		}
		h.first++
	}
	slack := uint64(max(trimSlack, b.e.opts.LogSize/10))
	if h.first-h.stored < slack {
		return nil
	}
	for end := min(h.first, h.stored+trimMost); h.stored < end; h.stored++ {
		key = appendLogKey(nil, name, h.stored)
		row := b.channels.Get(key)
		if len(row) < 16 {
			continue
		}
		seq := append([]byte(nil), row[:8]...)
		if err := b.delete(b.channels, key); err != nil {
			return err
		}
		if beUint64(seq) > b.floor {
			continue // consumers may still want the record
		}
		if err := b.delete(b.log, seq); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint notes every few records how far each partition was, so that a
// consumer with cursors finds where to begin and a start knows where it ended.
func (b *batch) checkpoint() error {
	if b.seq%uint64(b.e.opts.RecordsStep) != 0 {
		return nil
	}
	return b.put(b.checkpoints, uint64Key(b.seq), appendCheckpoint(nil, b.heads))
}

func appendCheckpoint(to []byte, heads []uint64) []byte {
	for _, n := range heads {
		to = binary.BigEndian.AppendUint64(to, n)
	}
	return to
}

// checkpointAt is the number of the last record of a partition at a checkpoint.
func checkpointAt(v []byte, partition int) uint64 {
	if len(v) < 8*(partition+1) {
		return 0
	}
	return beUint64(v[8*partition:])
}

// readCounters finds the ends of the log of records.
func readCounters(tx *bbolt.Tx, e *Engine) (counters, error) {
	c := counters{heads: make([]uint64, e.partitions)}
	first, _ := tx.Bucket(bucketCheckpoints).Cursor().First()
	last, v := tx.Bucket(bucketCheckpoints).Cursor().Last()
	if first == nil {
		return c, nil
	}
	c.floor, c.seq = beUint64(first), beUint64(last)
	for p := range c.heads {
		c.heads[p] = checkpointAt(v, p)
	}
	cursor := tx.Bucket(bucketLog).Cursor()
	for k, v := cursor.Seek(uint64Key(c.seq + 1)); k != nil; k, v = cursor.Next() {
		r, err := parseRecord(v)
		if err != nil {
			return c, err
		}
		c.seq = beUint64(k)
		c.heads[e.partition(r.channel)] = r.seq
	}
	return c, nil
}

// forgetRecords moves the floor up to the next checkpoint if what is before
// that is too much or too old, and removes the records which no channel's log
// needs either. It reports whether there may be more to do.
func (b *batch) forgetRecords(now uint64) (bool, error) {
	next, _ := b.checkpoints.Cursor().Seek(uint64Key(b.floor + 1))
	if next == nil {
		return false, nil
	}
	next = append([]byte(nil), next...)
	end := beUint64(next)
	if b.seq-end < uint64(b.e.opts.RecordsSize) && !b.older(end, now) {
		return false, nil
	}
	var unneeded [][]byte
	var key []byte
	c := b.log.Cursor()
	for k, v := c.Seek(uint64Key(b.floor + 1)); k != nil && beUint64(k) <= end; k, v = c.Next() {
		r, err := parseRecord(v)
		if err != nil {
			return false, fault{err}
		}
		key = appendLogKey(key[:0], r.channel, r.offset)
		if row := b.channels.Get(key); len(row) >= 8 && beUint64(row) == beUint64(k) {
			continue // the channel's log will remove it
		}
		unneeded = append(unneeded, append([]byte(nil), k...))
	}
	for _, k := range unneeded {
		if err := b.delete(b.log, k); err != nil {
			return false, err
		}
	}
	if err := b.delete(b.checkpoints, uint64Key(b.floor)); err != nil {
		return false, err
	}
	b.floor = end
	return true, nil
}

// older reports whether the record is older than Options.RecordsAge.
func (b *batch) older(seq, now uint64) bool {
	r, err := parseRecord(b.log.Get(uint64Key(seq)))
	return err == nil && r.at+uint64(b.e.opts.RecordsAge.Milliseconds()) <= now
}
