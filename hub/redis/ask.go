package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/samepage/samepage/hub"
)

// ask asks some partitions the same, all in one go, gives each reply to take,
// one after the other, and returns the first error. The command only reads, or
// may be done twice: what fails on its way is tried again, as [Engine.call]
// does. An error of one partition is no other's, but a store that is away is
// not asked on.
func (e *Engine) ask(ctx context.Context, partitions []int, command func(p int) []any, take func(p int, reply any) error) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	type asked struct {
		node *node
		call *call
	}
	var first error
	for some := range slices.Chunk(partitions, maxBatch) {
		all := make([]asked, len(some))
		for i, p := range some {
			if n := e.topo.node(p); n.health() == nil {
				c, _ := n.begin(command(p), false)
				all[i] = asked{n, c}
			}
		}
		for i, p := range some {
			var reply any
			err := errNotSent
			if a := all[i]; a.call != nil {
				reply, err = a.node.end(ctx, a.call)
			}
			if err != nil {
				reply, err = e.call(ctx, p, command(p), nil, false)
			}
			if err == nil {
				err = take(p, reply)
			}
			first = cmp.Or(first, err)
			if errors.Is(err, hub.ErrUnavailable) || ctx.Err() != nil || e.ctx.Err() != nil {
				return first
			}
		}
	}
	return first
}

// all are the partitions there are.
func (e *Engine) all() []int {
	all := make([]int, e.Partitions())
	for p := range all {
		all[p] = p
	}
	return all
}

// each calls fn for every element at once, so that the calls share round
// trips, and returns the first error.
func each[K comparable, V any](m map[K]V, fn func(K, V) error) error {
	if len(m) == 1 {
		for k, v := range m {
			return fn(k, v)
		}
	}
	var work sync.WaitGroup
	var mu sync.Mutex
	var first error
	for k, v := range m {
		work.Go(func() {
			if err := fn(k, v); err != nil {
				mu.Lock()
				if first == nil {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	return first
}
