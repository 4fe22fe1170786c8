package redis

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// Part is the partitions that a node holds for a while.
type Part struct {
	engine *Engine
	role   string
	fences map[int]int64
	cancel context.CancelFunc
	done   chan error
}

// Partitions are those of the part, in order.
func (p *Part) Partitions() []int { return slices.Sorted(maps.Keys(p.fences)) }

// Fence is a number that rises whenever a partition changes hands; 0 if it is not of the part.
func (p *Part) Fence(partition int) int64 { return p.fences[partition] }

// ErrFenced is returned for a partition that is another node's by now.
var ErrFenced = errors.New("hub/redis: the partition is another node's")

// SaveCursors is [Engine.SaveCursors] for partitions of the part: if one of
// them has changed hands its cursor stays, and the error is ErrFenced.
func (p *Part) SaveCursors(ctx context.Context, consumer string, cursors hub.Cursors) error {
	return each(cursors, func(partition int, seq uint64) error {
		fence := p.fences[partition]
		if fence == 0 {
			return ErrFenced
		}
		ok, err := p.engine.saveCursor(ctx, consumer, partition, seq, p.role, fence)
		if err == nil && !ok {
			return ErrFenced
		}
		return err
	})
}
