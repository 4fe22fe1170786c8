package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

// A timer lies in the timers bucket under its name, with its due time and
// command, and in the due bucket under its due time and name. Claims live in
// memory: whoever held one is gone when the process is.

type timerRow struct {
	Due    int64           `json:"due"` // Unix milliseconds
	Method string          `json:"method"`
	Args   json.RawMessage `json:"args,omitempty"`
}

func timerKey(name hub.Channel, key string) []byte {
	b := make([]byte, 0, len(name)+1+len(key))
	b = append(append(b, name...), 0)
	return append(b, key...)
}

func dueKey(due int64, timer []byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(timer)), uint64(due)), timer...)
}

// setTimer sets, replaces or clears.
func (b *batch) setTimer(name hub.Channel, t hub.TimerChange) error {
	key := timerKey(name, t.Key)
	if v := b.timers.Get(key); v != nil {
		var old timerRow
		if err := json.Unmarshal(v, &old); err != nil {
			return fault{fmt.Errorf("read timer: %w", err)}
		}
		if err := b.delete(b.due, dueKey(old.Due, key)); err != nil {
			return err
		}
		if t.Due.IsZero() {
			return b.delete(b.timers, key)
		}
	}
	if t.Due.IsZero() {
		return nil
	}
	due := int64(millis(t.Due))
	v, err := json.Marshal(timerRow{due, t.Method, t.Args})
	if err != nil {
		return fault{fmt.Errorf("encode timer: %w", err)}
	}
	if err := b.put(b.timers, key, v); err != nil {
		return err
	}
	return b.put(b.due, dueKey(due, key), nil)
}

// unclaim lets timers that a commit has set start unclaimed.
func (e *Engine) unclaim(c *hub.Commit) {
	e.claimsMu.Lock()
	defer e.claimsMu.Unlock()
	if len(e.claims) == 0 {
		return
	}
	for _, t := range c.Timers {
		if !t.Due.IsZero() {
			delete(e.claims, string(dueKey(int64(millis(t.Due)), timerKey(c.Channel, t.Key))))
		}
	}
}

// Due implements [hub.Engine].
func (e *Engine) Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]hub.Timer, error) {
	e.claimsMu.Lock()
	defer e.claimsMu.Unlock()
	for k, until := range e.claims {
		if !now.Before(until) {
			delete(e.claims, k)
		}
	}
	var timers []hub.Timer
	err := e.view(ctx, func(tx *bbolt.Tx) error {
		rows, c := tx.Bucket(bucketTimers), tx.Bucket(bucketDue).Cursor()
		for k, _ := c.First(); k != nil && len(timers) < limit && beUint64(k) <= millis(now); k, _ = c.Next() {
			if _, claimed := e.claims[string(k)]; claimed {
				continue
			}
			name, key, _ := bytes.Cut(k[8:], []byte{0})
			var row timerRow
			if err := json.Unmarshal(rows.Get(k[8:]), &row); err != nil {
				return fmt.Errorf("read timer %s of %s: %w", key, name, err)
			}
			if e.claims == nil {
				e.claims = map[string]time.Time{}
			}
			e.claims[string(k)] = now.Add(lease)
			timers = append(timers, hub.Timer{
				Channel: hub.Channel(name), Key: string(key), Due: fromMillis(beUint64(k)), Method: row.Method, Args: row.Args,
			})
		}
		return nil
	})
	return timers, err
}

// ClearTimer implements [hub.Engine].
func (e *Engine) ClearTimer(ctx context.Context, t hub.Timer) error {
	return e.do(ctx, &op{run: func(b *batch) error {
		key := timerKey(t.Channel, t.Key)
		at := dueKey(int64(millis(t.Due)), key)
		if k, _ := b.due.Cursor().Seek(at); !bytes.Equal(k, at) {
			return nil
		}
		if err := b.delete(b.due, at); err != nil {
			return err
		}
		return b.delete(b.timers, key)
	}})
}
