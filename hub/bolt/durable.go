package bolt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

// durable is the head of a plain channel that survives restarts. Times are
// Unix milliseconds.
type durable struct {
	Epoch        string `json:"epoch"`
	Offset       uint64 `json:"offset"`
	First        uint64 `json:"first"`            // the oldest publication that is there
	Forget       uint64 `json:"forget,omitempty"` // when the position ends; 0: never
	Version      uint64 `json:"version,omitempty"`
	VersionEpoch string `json:"version_epoch,omitempty"`
}

func (d durable) position() hub.Position { return hub.Position{Epoch: d.Epoch, Offset: d.Offset} }

// publication is what is stored of one, behind the time at which it ends.
type publication struct {
	Time int64             `json:"time"`
	Data []byte            `json:"data,omitempty"`
	Info *hub.ClientInfo   `json:"info,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
}

// durableHead reads the head of a plain channel. One whose position has ended
// stands at the beginning of the epoch that follows from its last.
func (e *Engine) durableHead(tx *bbolt.Tx, name hub.Channel) (durable, bool, error) {
	v := tx.Bucket(bucketPlain).Get(appendPart(nil, name, partHead))
	if v == nil {
		return durable{First: 1}, false, nil
	}
	var d durable
	if err := json.Unmarshal(v, &d); err != nil {
		return d, false, fmt.Errorf("bolt: head of %s: %w", name, err)
	}
	if d.Forget > 0 && d.Forget <= millis(e.opts.Now()) {
		next := sha256.Sum256([]byte(string(name) + "\x00" + d.Epoch))
		d = durable{Epoch: strings.ToLower(base32.StdEncoding.EncodeToString(next[:5])), First: 1}
	}
	return d, true, nil
}

func (e *Engine) publishDurable(ctx context.Context, m *hub.Message, opts hub.PublishOptions, now time.Time) (hub.Position, error) {
	raw, err := json.Marshal(publication{m.Time, m.Data, m.Info, m.Tags})
	if err != nil {
		return hub.Position{}, fmt.Errorf("bolt: encode publication: %w", err)
	}
	if len(m.Channel) == 0 || len(m.Channel) > hub.MaxChannelLength || len(opts.IdempotencyKey) > maxKey {
		return hub.Position{}, fmt.Errorf("bolt: publish: a name or key of the wrong length")
	}
	var pos hub.Position
	e.durable.Store(true)
	err = e.do(ctx, &op{
		run: func(b *batch) (err error) {
			pos, err = b.publish(m, raw, opts, millis(now))
			return err
		},
		stored: func() { // what memory knew of the channel goes on in the file
			s := e.stripe(m.Channel)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.plain.Forget(m.Channel)
		},
	})
	return pos, err
}

func (b *batch) publish(m *hub.Message, raw []byte, opts hub.PublishOptions, now uint64) (hub.Position, error) {
	idempotent := answerKey(answerPublish, opts.IdempotencyKey, m.Channel)
	if opts.IdempotencyKey != "" {
		if a, ok, err := b.answered(idempotent, now); err != nil {
			return hub.Position{}, err
		} else if ok {
			return hub.Position{Epoch: string(a.rest), Offset: a.offset}, nil
		}
	}
	d, ok, err := b.e.durableHead(b.tx, m.Channel)
	if err != nil {
		return hub.Position{}, err
	}
	if !ok { // it goes on from what memory said of it
		pos, _ := b.e.plainHead(m.Channel)
		d = durable{Epoch: pos.Epoch, Offset: pos.Offset, First: pos.Offset + 1}
	}
	if opts.Version == 0 || opts.Version > d.Version || (opts.VersionEpoch != "" && opts.VersionEpoch != d.VersionEpoch) {
		if err := b.append(m, raw, opts, now, &d); err != nil {
			return hub.Position{}, err
		}
	}
	if opts.IdempotencyKey != "" && opts.IdempotencyTTL > 0 {
		err := b.remember(idempotent, answer{
			expires: now + uint64(opts.IdempotencyTTL.Milliseconds()), offset: d.Offset, rest: []byte(d.Epoch),
		})
		if err != nil {
			return hub.Position{}, err
		}
	}
	return d.position(), nil
}

func (b *batch) append(m *hub.Message, raw []byte, opts hub.PublishOptions, now uint64, d *durable) error {
	d.Offset++
	row, ends := appendLogKey(nil, m.Channel, d.Offset), now+uint64(opts.HistoryTTL.Milliseconds())
	if err := b.put(b.plain, row, append(uint64Key(ends), raw...)); err != nil {
		return err
	}
	if err := b.put(b.expiry, expiryKey(ends, append([]byte{expiresPlain}, row...)), nil); err != nil {
		return err
	}
	for size := uint64(opts.HistorySize); d.Offset-d.First+1 > size; d.First++ {
		if err := b.delete(b.plain, appendLogKey(nil, m.Channel, d.First)); err != nil {
			return err
		}
	}
	d.Forget = 0
	if opts.HistoryMetaTTL > 0 {
		d.Forget = now + uint64(opts.HistoryMetaTTL.Milliseconds())
	}
	if opts.Version > 0 {
		d.Version, d.VersionEpoch = opts.Version, opts.VersionEpoch
	}
	if err := b.putDurable(m.Channel, *d); err != nil {
		return err
	}
	sent := *m
	sent.Position = d.position()
	b.messages = append(b.messages, &sent)
	return nil
}

func (b *batch) putDurable(name hub.Channel, d durable) error {
	head, err := json.Marshal(d)
	if err != nil {
		return fault{err}
	}
	return b.put(b.plain, appendPart(nil, name, partHead), head)
}

// removeDurable forgets the publications.
func (b *batch) removeDurable(name hub.Channel) error {
	d, ok, err := b.e.durableHead(b.tx, name)
	if err != nil || !ok {
		return err
	}
	prefix := appendPart(nil, name, partLog)
	c := b.plain.Cursor()
	var keys [][]byte
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.delete(b.plain, k); err != nil {
			return err
		}
	}
	d.First = d.Offset + 1
	return b.putDurable(name, d)
}

func (e *Engine) durableHistory(tx *bbolt.Tx, name hub.Channel, d durable, q hub.HistoryQuery) (hub.History, error) {
	h := hub.History{Position: d.position()}
	if q.Since != nil && q.Since.Epoch != "" && q.Since.Epoch != d.Epoch {
		return h, hub.ErrEpoch
	}
	plain, now := tx.Bucket(bucketPlain), millis(e.opts.Now())
	for i := d.First; i <= d.Offset && len(h.Messages) != q.Limit; i++ {
		offset := i
		if q.Reverse {
			offset = d.Offset - (i - d.First)
		}
		v := plain.Get(appendLogKey(nil, name, offset))
		if len(v) < 8 || beUint64(v) <= now || !q.Includes(offset) {
			continue
		}
		var p publication
		if err := json.Unmarshal(v[8:], &p); err != nil {
			return h, fmt.Errorf("bolt: publication %d of %s: %w", offset, name, err)
		}
		h.Messages = append(h.Messages, &hub.Message{
			Channel: name, Type: hub.MessagePublication, Position: hub.Position{Epoch: d.Epoch, Offset: offset},
			Data: p.Data, Info: p.Info, Tags: p.Tags, Time: p.Time,
		})
	}
	return h, nil
}
