package redis

import (
	"context"
	_ "embed"
	"errors"
	"strconv"

	"github.com/samepage/samepage/hub"
)

//go:embed cursor.lua
var cursorLua string

var cursorScript = newScript(writes + cursorLua)

// Cursors implements [hub.Engine].
func (e *Engine) Cursors(ctx context.Context, consumer string) (hub.Cursors, error) {
	cursors := hub.Cursors{}
	err := e.ask(ctx, e.all(), func(p int) []any {
		return []any{"HGET", e.keys.of(p, keyCursors), consumer}
	}, func(p int, reply any) (err error) {
		cursors[p] = 0
		if reply != nil {
			if cursors[p], err = number(reply); err != nil {
				return corruptKey(e.keys.of(p, keyCursors), "field "+consumer, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cursors, nil
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
	return e.ask(ctx, e.all(), func(p int) []any { // forgetting twice is harmless
		return []any{"HDEL", e.keys.of(p, keyCursors), consumer}
	}, func(int, any) error { return nil })
}
