package bolt

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

// A channel whose past was erased is of an epoch of its own, which stands in
// the meta bucket: "epoch of" 0 context:c-42. What was forgotten is overwritten
// in the rows; the pages that held it are free, and keep it until they are used
// again.

func epochKey(name hub.Channel) []byte { return append([]byte("epoch of\x00"), name...) }

// epochOf is the epoch of a channel with entries.
func (e *Engine) epochOf(tx *bbolt.Tx, name hub.Channel) string {
	if !e.erased.Load() {
		return e.epoch
	}
	if own := tx.Bucket(bucketMeta).Get(epochKey(name)); own != nil {
		return string(own)
	}
	return e.epoch
}

func (b *batch) epoch(name hub.Channel) string { return b.e.epochOf(b.tx, name) }

// Erase implements [hub.Engine]. What is to be found is looked for beside the
// writer, because it may be anywhere in the log of records.
func (e *Engine) Erase(ctx context.Context, name hub.Channel, before uint64) (hub.Position, error) {
	w := erasure{name: name, before: before}
	if err := e.view(ctx, w.find); err != nil {
		return hub.Position{}, err
	}
	err := e.do(ctx, &op{run: w.run, stored: func() { e.recent.erase(name, w.before, w.pos.Epoch) }})
	return w.pos, err
}

// erasure is what one call is to forget.
type erasure struct {
	name    hub.Channel
	before  uint64
	records [][]byte // keys in the log bucket
	answers [][]byte // keys in the commands bucket
	pos     hub.Position
}

func (w *erasure) find(tx *bbolt.Tx) error {
	h := parseHead(tx.Bucket(bucketChannels).Get(appendPart(nil, w.name, partHead)))
	w.before = min(w.before, h.offset+1) // what comes meanwhile is not meant
	c := tx.Bucket(bucketLog).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		r, err := parseRecord(v)
		if err != nil {
			return err
		}
		if r.channel == w.name && r.offset < w.before {
			w.records = append(w.records, bytes.Clone(k))
		}
	}
	suffix := append([]byte{0}, w.name...)
	c = tx.Bucket(bucketCommands).Cursor()
	for k, v := c.Seek([]byte{answerCommand}); k != nil && k[0] == answerCommand; k, v = c.Next() {
		if bytes.HasSuffix(k, suffix) && len(v) > 49 {
			w.answers = append(w.answers, bytes.Clone(k))
		}
	}
	return nil
}

func (w *erasure) run(b *batch) error {
	key := appendPart(nil, w.name, partHead)
	h := parseHead(b.channels.Get(key))
	w.pos = hub.Position{Epoch: b.epoch(w.name), Offset: h.offset}
	erased := h.first < w.before
	for _, k := range w.records {
		told, err := w.hush(b, k)
		if err != nil {
			return err
		}
		erased = erased || told
	}
	for _, k := range w.answers {
		a, err := parseAnswer(b.commands.Get(k))
		if err != nil || a.offset >= w.before || len(a.rest) == 0 {
			continue // swept meanwhile, or later
		}
		a.rest = hub.ErasedProblem()
		if err := b.put(b.commands, k, a.append(nil)); err != nil {
			return err
		}
	}
	for ; h.stored < w.before; h.stored++ {
		if err := b.delete(b.channels, appendLogKey(nil, w.name, h.stored)); err != nil {
			return err
		}
	}
	h.first = max(h.first, w.before)
	if !erased {
		return nil
	}
	w.pos.Epoch = newEpoch()
	if err := b.put(b.meta, epochKey(w.name), []byte(w.pos.Epoch)); err != nil {
		return err
	}
	b.e.erased.Store(true)
	for i, r := range b.records { // of the same transaction
		if r.Message.Channel == w.name {
			b.records[i].Message = w.husk(r.Message)
		}
	}
	return b.put(b.channels, key, h.append(nil))
}

// hush makes a record tell no more than that there was one; true if it did.
// One that is there for the channel's log alone goes.
func (w *erasure) hush(b *batch, k []byte) (bool, error) {
	v := b.log.Get(k)
	if v == nil {
		return false, nil
	}
	if beUint64(k) <= b.floor {
		return false, b.delete(b.log, k)
	}
	event, r, err := readEvent(v)
	if err != nil {
		return false, fault{err}
	}
	husk := event.Husk().AppendJSON(nil)
	if bytes.Equal(r.event, husk) {
		return false, nil
	}
	r.event = husk
	return true, b.put(b.log, k, r.append(nil))
}

func (w *erasure) husk(m *hub.Message) *hub.Message {
	made := *m
	made.Position.Epoch = w.pos.Epoch
	if m.Position.Offset < w.before {
		made.Event = m.Event.Husk()
	}
	return &made
}

// erase makes the newest records say what the file says.
func (c *recent) erase(name hub.Channel, before uint64, epoch string) {
	w := erasure{name: name, before: before, pos: hub.Position{Epoch: epoch}}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.ring {
		if r.Message != nil && r.Message.Channel == name {
			c.ring[i].Message = w.husk(r.Message)
		}
	}
}
