package enginetest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/samepage/samepage/hub"
)

// Log implements [hub.Engine].
func (m *Model) Log(ctx context.Context, after hub.Cursors) iter.Seq2[hub.Record, error] {
	return func(yield func(hub.Record, error) bool) {
		cursors := maps.Clone(after)
		for p := range cursors {
			if p < 0 || p >= m.opts.Partitions {
				yield(hub.Record{}, fmt.Errorf("model: no partition %d", p))
				return
			}
		}
		for {
			if err := m.enter(ctx); err != nil {
				yield(hub.Record{}, err)
				return
			}
			changed := m.changed
			var trimmed []int
			for p := range cursors {
				if cursors[p] < m.floors[p] {
					cursors[p] = m.floors[p]
					trimmed = append(trimmed, p)
				}
			}
			var records []hub.Record
			for _, r := range m.records {
				if cursor, asked := cursors[r.Partition]; asked && r.Seq > cursor {
					cursors[r.Partition] = r.Seq
					records = append(records, r)
				}
			}
			m.mu.Unlock()
			for _, p := range trimmed {
				if !yield(hub.Record{Partition: p}, hub.ErrTrimmed) {
					return
				}
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
			select {
			case <-changed:
			case <-m.closed:
			case <-ctx.Done():
			}
		}
	}
}

// Cursors implements [hub.Engine].
func (m *Model) Cursors(ctx context.Context, consumer string) (hub.Cursors, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	cursors := hub.Cursors{}
	for p := range m.opts.Partitions {
		cursors[p] = m.cursors[consumer][p]
	}
	return cursors, nil
}

// SaveCursors implements [hub.Engine].
func (m *Model) SaveCursors(ctx context.Context, consumer string, cursors hub.Cursors) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if m.cursors[consumer] == nil {
		m.cursors[consumer] = hub.Cursors{}
	}
	for p, seq := range cursors {
		m.cursors[consumer][p] = max(seq, m.cursors[consumer][p])
	}
	return nil
}

// ResetCursors implements [hub.Engine].
func (m *Model) ResetCursors(ctx context.Context, consumer string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.cursors, consumer)
	return nil
}

// Due implements [hub.Engine].
func (m *Model) Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]hub.Timer, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var due []hub.Timer
	for _, t := range m.timers {
		if len(due) < limit && !t.Due.After(now) && !now.Before(t.claimed) {
			t.claimed = now.Add(lease)
			due = append(due, t.Timer)
		}
	}
	return due, nil
}

// ClearTimer implements [hub.Engine].
func (m *Model) ClearTimer(ctx context.Context, t hub.Timer) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	name := [2]string{string(t.Channel), t.Key}
	if known := m.timers[name]; known != nil && known.Due.Equal(t.Due.Truncate(time.Millisecond)) {
		delete(m.timers, name)
	}
	return nil
}
