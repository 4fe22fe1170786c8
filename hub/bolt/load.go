package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

// Load implements [hub.Engine].
func (e *Engine) Load(ctx context.Context, name hub.Channel) (hub.Snapshot, error) {
	s := hub.Snapshot{Channel: name, Entries: map[string]hub.Entry{}}
	err := e.view(ctx, func(tx *bbolt.Tx) error {
		s.Position.Epoch = e.epochOf(tx, name)
		c := tx.Bucket(bucketChannels).Cursor()
		at := appendPart(make([]byte, 0, len(name)+2), name, partHead)
		k, v := c.Seek(at)
		if !bytes.Equal(k, at) {
			return nil
		}
		s.Position.Offset = parseHead(v).offset
		at[len(at)-1] = partEntry
		for k, v = c.Next(); bytes.HasPrefix(k, at); k, v = c.Next() {
			if len(v) < 8 {
				return fmt.Errorf("bolt: entry %q is cut off", k)
			}
			s.Entries[string(k[len(at):])] = hub.Entry{Version: beUint64(v), Doc: bytes.Clone(v[8:])}
		}
		return nil
	})
	return s, err
}

// Heads implements [hub.Engine].
func (e *Engine) Heads(ctx context.Context, names []hub.Channel) ([]hub.Position, error) {
	heads := make([]hub.Position, len(names))
	var stored []int // those that the file has to say
	for i, name := range names {
		if !name.HasEntries() {
			var ok bool
			if heads[i], ok = e.plainHead(name); ok || !e.durable.Load() {
				continue
			}
		}
		stored = append(stored, i)
	}
	if len(stored) == 0 {
		return heads, e.alive(ctx)
	}
	err := e.view(ctx, func(tx *bbolt.Tx) error {
		channels := tx.Bucket(bucketChannels)
		var key []byte
		for _, i := range stored {
			if name := names[i]; name.HasEntries() {
				key = appendPart(key[:0], name, partHead)
				heads[i] = hub.Position{Epoch: e.epochOf(tx, name), Offset: parseHead(channels.Get(key)).offset}
			} else if h, ok, err := e.durableHead(tx, name); err != nil {
				return err
			} else if ok {
				heads[i] = h.position()
			}
		}
		return nil
	})
	return heads, err
}

// History implements [hub.Engine].
func (e *Engine) History(ctx context.Context, name hub.Channel, q hub.HistoryQuery) (hub.History, error) {
	if !name.HasEntries() {
		return e.plainHistory(ctx, name, q)
	}
	var h hub.History
	err := e.view(ctx, func(tx *bbolt.Tx) error {
		h.Position.Epoch = e.epochOf(tx, name)
		channels, log := tx.Bucket(bucketChannels), tx.Bucket(bucketLog)
		hd := parseHead(channels.Get(appendPart(nil, name, partHead)))
		h.Position.Offset = hd.offset
		if q.Since != nil && q.Since.Epoch != "" && q.Since.Epoch != h.Position.Epoch {
			return hub.ErrEpoch
		}
		from, to := hd.first, hd.offset
		if q.Since != nil && q.Reverse && q.Since.Offset <= to {
			if q.Since.Offset == 0 {
				return nil
			}
			to = q.Since.Offset - 1
		} else if q.Since != nil && !q.Reverse {
			if q.Since.Offset >= to {
				return nil
			}
			from = max(from, q.Since.Offset+1)
		}
		if q.Limit == 0 || from > to {
			return nil
		}
		n := to - from + 1
		if q.Limit > 0 {
			n = min(n, uint64(q.Limit))
		}
		h.Messages = make([]*hub.Message, 0, n)
		var key []byte
		for i := range n {
			offset := from + i
			if q.Reverse {
				offset = to - i
			}
			key = appendLogKey(key[:0], name, offset)
			row := channels.Get(key)
			if len(row) < 16 {
				return fmt.Errorf("bolt: event %d of %s is missing", offset, name)
			}
			event, r, err := readEvent(log.Get(row[:8]))
			if err != nil {
				return fmt.Errorf("bolt: event %d of %s: %w", offset, name, err)
			}
			h.Messages = append(h.Messages, eventMessage(name, h.Position.Epoch, r, event))
		}
		return nil
	})
	return h, err
}

func eventMessage(name hub.Channel, epoch string, r record, event *hub.Event) *hub.Message {
	return &hub.Message{
		Channel: name, Type: hub.MessageEvent, Position: hub.Position{Epoch: epoch, Offset: r.offset},
		Event: event, Time: int64(r.at),
	}
}

// readEvent decodes a record and fills in its versions. Nothing of it is the
// store's memory except r.event.
func readEvent(v []byte) (*hub.Event, record, error) {
	r, err := parseRecord(v)
	if err != nil {
		return nil, r, err
	}
	var event hub.Event
	if err := json.Unmarshal(r.event, &event); err != nil {
		return nil, r, fmt.Errorf("decode event: %w", err)
	}
	for i := range event.Changes {
		event.Changes[i].Version = r.offset
	}
	return &event, r, nil
}

// Channels implements [hub.Engine].
func (e *Engine) Channels(ctx context.Context, prefix string) iter.Seq2[hub.Channel, error] {
	return func(yield func(hub.Channel, error) bool) {
		next := []byte(prefix)
		for next != nil {
			var names []hub.Channel
			err := e.view(ctx, func(tx *bbolt.Tx) error {
				c := tx.Bucket(bucketChannels).Cursor()
				k, _ := c.Seek(next)
				for ; k != nil && bytes.HasPrefix(k, []byte(prefix)) && len(names) < 256; k, _ = c.Seek(next) {
					name, _, _ := bytes.Cut(k, []byte{0})
					names = append(names, hub.Channel(name))
					next = append(append(next[:0], name...), 1)
				}
				if k == nil || !bytes.HasPrefix(k, []byte(prefix)) {
					next = nil
				}
				return nil
			})
			if err != nil {
				yield("", err)
				return
			}
			for _, name := range names {
				if !yield(name, nil) {
					return
				}
			}
		}
	}
}
