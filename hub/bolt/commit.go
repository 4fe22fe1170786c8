package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/samepage/samepage/hub"
)

// Commit implements [hub.Engine].
func (e *Engine) Commit(ctx context.Context, c *hub.Commit) (hub.Result, error) {
	w := commit{Commit: c}
	if err := w.prepare(); err != nil {
		return hub.Result{}, err
	}
	o := &op{run: w.run}
	if len(c.Timers) > 0 {
		o.stored = func() { e.unclaim(c) }
	}
	if err := e.do(ctx, o); err != nil {
		return hub.Result{}, err
	}
	return w.result, nil
}

// commit is a hub.Commit on its way: what can be computed without the store
// is, before it queues for the writer.
type commit struct {
	*hub.Commit
	now    uint64
	event  []byte
	result hub.Result
}

func (c *commit) prepare() error {
	c.now = millis(c.Now)
	if c.Channel == "" || len(c.Channel) > hub.MaxChannelLength {
		return fmt.Errorf("bolt: a channel name of %d bytes", len(c.Channel))
	}
	if len(c.Command.ID) > maxKey {
		return fmt.Errorf("bolt: a command id of %d bytes", len(c.Command.ID))
	}
	for _, t := range c.Timers {
		if len(t.Key) > maxKey || len(t.Args) > 0 && !json.Valid(t.Args) {
			return fmt.Errorf("bolt: timer %.40q cannot be stored", t.Key)
		}
	}
	if c.Event == nil {
		if len(c.Entries) > 0 {
			return errors.New("bolt: entries cannot change without an event")
		}
		return nil
	}
	for key := range c.Entries {
		if len(key) > maxKey {
			return fmt.Errorf("bolt: an entry's key of %d bytes", len(key))
		}
	}
	c.event = withVersions(c.Event, 0).AppendJSON(make([]byte, 0, 512))
	return nil
}

// maxKey leaves room for a channel's name within bbolt's 32 KiB.
const maxKey = 16 << 10

// withVersions is a copy of an event whose changes have this version.
func withVersions(e *hub.Event, version uint64) *hub.Event {
	made := *e
	made.Changes = slices.Clone(e.Changes)
	for i := range made.Changes {
		made.Changes[i].Version = version
	}
	return &made
}

// run is the step that [hub.Commit] describes. All that may refuse it is
// looked at before anything is written.
func (c *commit) run(b *batch) error {
	c.result = hub.Result{}
	h, known, err := c.check(b)
	if known || err != nil {
		return err
	}
	if c.Event != nil {
		h.offset++
		if err := c.store(b, &h); err != nil {
			return err
		}
	}
	for _, t := range c.Timers {
		if err := b.setTimer(c.Channel, t); err != nil {
			return err
		}
	}
	c.result.Position = hub.Position{Epoch: b.epoch(c.Channel), Offset: h.offset}
	if c.Command.ID == "" {
		return nil
	}
	return b.remember(answerKey(answerCommand, c.Command.ID, c.Channel), answer{
		expires: millis(c.Command.Expires), hash: c.Command.Hash,
		offset: h.offset, made: c.Event != nil, rest: c.Command.Problem,
	})
}

// check answers a command that is known, and finds what moved.
func (c *commit) check(b *batch) (h head, known bool, err error) {
	if c.Command.ID != "" {
		key := answerKey(answerCommand, c.Command.ID, c.Channel)
		if a, ok, err := b.answered(key, c.now); err != nil {
			return h, false, err
		} else if ok {
			return h, true, c.replay(b, a)
		}
	}
	if c.Epoch != "" && c.Epoch != b.epoch(c.Channel) {
		return h, false, hub.ErrConflict
	}
	b.scratch = appendPart(b.scratch[:0], c.Channel, partHead)
	h = parseHead(b.channels.Get(b.scratch))
	if c.Offset != nil && *c.Offset != h.offset {
		return h, false, hub.ErrConflict
	}
	for key, version := range c.Expect {
		b.scratch = append(appendPart(b.scratch[:0], c.Channel, partEntry), key...)
		var stands uint64
		if v := b.channels.Get(b.scratch); len(v) >= 8 {
			stands = beUint64(v)
		}
		if stands != version {
			return h, false, hub.ErrConflict
		}
	}
	return h, false, nil
}

func (c *commit) replay(b *batch, a answer) error {
	if a.hash != c.Command.Hash {
		return hub.ErrCommandIDReused
	}
	c.result = hub.Result{Position: hub.Position{Epoch: b.epoch(c.Channel), Offset: a.offset}, Replayed: true}
	if len(a.rest) > 0 {
		c.result.Problem = bytes.Clone(a.rest)
	}
	if !a.made {
		return nil
	}
	h := parseHead(b.channels.Get(appendPart(nil, c.Channel, partHead)))
	if a.offset < h.first {
		return nil
	}
	row := b.channels.Get(appendLogKey(nil, c.Channel, a.offset))
	if len(row) < 16 {
		return nil
	}
	event, _, err := readEvent(b.log.Get(row[:8]))
	c.result.Event = event
	return err
}

// store writes the event and the entries, all at offset h.offset.
func (c *commit) store(b *batch, h *head) error {
	b.seq++
	partition := b.e.partition(c.Channel)
	b.heads[partition]++
	r := record{at: c.now, seq: b.heads[partition], offset: h.offset, channel: c.Channel, event: c.event}
	seq := uint64Key(b.seq)
	if err := b.put(b.log, seq, r.append(make([]byte, 0, 25+len(c.Channel)+len(c.event)))); err != nil {
		return err
	}
	row := append(append(make([]byte, 0, 16), seq...), uint64Key(c.now)...)
	if err := b.put(b.channels, appendLogKey(nil, c.Channel, h.offset), row); err != nil {
		return err
	}
	for key, doc := range c.Entries {
		at := append(appendPart(make([]byte, 0, len(c.Channel)+2+len(key)), c.Channel, partEntry), key...)
		if doc == nil {
			if err := b.delete(b.channels, at); err != nil {
				return err
			}
			continue
		}
		value := append(append(make([]byte, 0, 8+len(doc)), uint64Key(h.offset)...), doc...)
		if err := b.put(b.channels, at, value); err != nil {
			return err
		}
	}
	if err := b.retain(c.Channel, h, c.now); err != nil {
		return err
	}
	b.scratch = appendPart(b.scratch[:0], c.Channel, partHead)
	if err := b.put(b.channels, b.scratch, h.append(make([]byte, 0, 24))); err != nil {
		return err
	}
	if err := b.checkpoint(); err != nil {
		return err
	}
	pos := hub.Position{Epoch: b.epoch(c.Channel), Offset: h.offset}
	c.result.Event = withVersions(c.Event, h.offset)
	m := &hub.Message{
		Channel: c.Channel, Type: hub.MessageEvent, Position: pos,
		Event: withVersions(c.Event, h.offset), Time: int64(c.now),
	}
	b.messages = append(b.messages, m)
	b.records = append(b.records, hub.Record{Partition: partition, Seq: r.seq, Message: m})
	return nil
}
