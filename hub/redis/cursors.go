package redis

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"sync"

	"github.com/samepage/samepage/hub"
)

//go:embed cursor.lua
var cursorLua string

var cursorScript = newScript(writes + cursorLua)

// Cursors implements [hub.Engine].
func (e *Engine) Cursors(ctx context.Context, consumer string) (hub.Cursors, error) {
	cursors := hub.Cursors{}
	var mu sync.Mutex
	err := each(e.all(), func(p int, _ struct{}) error {
		reply, err := e.call(ctx, p, []any{"HGET", e.keys.of(p, keyCursors), consumer}, nil, false)
		if err != nil {
			return err
		}
		seq := uint64(0)
		if reply != nil {
			if seq, err = number(reply); err != nil {
				return corruptKey(e.keys.of(p, keyCursors), "field "+consumer, err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		cursors[p] = seq
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cursors, nil
}

// all partitions.
func (e *Engine) all() map[int]struct{} {
	all := make(map[int]struct{}, e.Partitions())
	for p := range e.Partitions() {
		all[p] = struct{}{}
	}
	return all
}

// SaveCursors implements [hub.Engine].
func (e *Engine) SaveCursors(ctx context.Context, consumer string, cursors hub.Cursors) error {
	return each(cursors, func(p int, seq uint64) error {
		_, err := e.saveCursor(ctx, consumer, p, seq, "", 0)
		return err
	})
}

// saveCursor is false if the lease that guards it is another's by now.
func (e *Engine) saveCursor(ctx context.Context, consumer string, p int, seq uint64, role string, fence int64) (bool, error) {
	if p < 0 || p >= e.Partitions() {
		return false, errors.New("hub/redis: a cursor of a partition that is not")
	}
	reply, err := e.run(ctx, p, cursorScript, []string{e.keys.of(p, keyCursors), e.keys.of(p, keyLeases)},
		consumer, strconv.FormatUint(seq, 10), role, fence)
	return reply == int64(1), err
}

// ResetCursors implements [hub.Engine].
func (e *Engine) ResetCursors(ctx context.Context, consumer string) error {
	return each(e.all(), func(p int, _ struct{}) error {
		_, err := e.call(ctx, p, []any{"HDEL", e.keys.of(p, keyCursors), consumer}, nil, false)
		return err
	})
}
