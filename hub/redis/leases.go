package redis

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

//go:embed lease.lua
var leaseLua string

var leaseScript = newScript(writes + leaseLua)

// How leases go. A node says every round that it is a member of its role; that
// holds for leaseTime. The lease of a partition names its node and is worth
// what the membership is, so that nothing is written while all stay:
//
//	HGET leases ── "7 NODE": ours ─────────────► kept
//	            ├─ nobody's, or no member's ───► lease.lua: "8 US"
//	            └─ another member's ───────────► it gives it up at its next round; taken if it has not in leaseTime
//
// So what a dead node held is with others within leaseTime and a round.
const (
	leaseRound = time.Second
	leaseTime  = 3500 * time.Millisecond
)

// Share runs work on a part of the partitions, so that all live nodes that
// share the same role have all of them between them, and none twice. Whenever
// the part changes, and when the store was away for so long that others may
// have taken it over, work's context ends, and once work has returned it is
// run again with the new part. Partitions of a node that leaves are with
// others within two seconds, those of one that dies within five.
//
// Two nodes may overlap for an instant where a node is stopped and goes on
// later; what work stores must therefore be idempotent, and its cursors be
// saved with [Part.SaveCursors], which refuses a part that is another's by now.
//
// Share returns when ctx ends, after work and after having given everything
// up; or with the first error of work that is not its context's.
func (e *Engine) Share(ctx context.Context, role string, work func(ctx context.Context, part *Part) error) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	s := &sharing{engine: e, role: role, node: fmt.Sprintf("%s.%d", e.name, e.shares.Add(1)), work: work, fences: map[int]int64{}, wished: map[int]time.Time{}}
	defer s.leave()
	tick := time.NewTicker(leaseRound)
	defer tick.Stop()
	for {
		if err := s.round(ctx); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case err := <-s.ended():
			if err != nil && ctx.Err() == nil {
				s.part = nil
				return err
			}
			s.part = nil // it had enough: the next round runs it again
		case <-ctx.Done():
			return ctx.Err()
		case <-e.ctx.Done():
			return hub.ErrClosed
		}
	}
}

// sharing is one call of Share.
type sharing struct {
	engine *Engine
	role   string
	node   string
	work   func(ctx context.Context, part *Part) error

	fences  map[int]int64     // what we hold
	wished  map[int]time.Time // since when we want what another member holds
	renewed time.Time         // when our membership was last renewed, before asking
	part    *Part             // what work runs on; nil if it does not
}

func (s *sharing) ended() chan error {
	if s.part == nil {
		return nil
	}
	return s.part.done
}

// round says that we live, gives up what has become another's, takes what has
// become ours, and lets work know.
func (s *sharing) round(ctx context.Context) error {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, leaseRound) // a store that hangs is to be noticed before the membership ends
	defer cancel()
	nodes, err := s.members(ctx, leaseTime)
	if err != nil {
		return s.away(err)
	}
	var wanted, given []int
	for p := range s.engine.Partitions() {
		switch ours := chosen(nodes, p) == s.node; {
		case ours:
			wanted = append(wanted, p)
		case s.fences[p] != 0:
			given = append(given, p)
		}
	}
	if len(given) > 0 { // work ends before others begin
		if err := s.stop(); err != nil {
			return err
		}
		if err := s.giveUp(ctx, given); err != nil {
			return s.away(err)
		}
	}
	held, err := s.take(ctx, wanted, nodes)
	if err != nil {
		return s.away(err)
	}
	s.renewed = asked
	if s.part != nil && maps.Equal(held, s.part.fences) {
		return nil
	}
	if err := s.stop(); err != nil {
		return err
	}
	s.fences = held
	if len(held) > 0 {
		s.start()
	}
	return nil
}

// take keeps what is ours of the wanted partitions, and takes what is nobody's.
func (s *sharing) take(ctx context.Context, wanted []int, nodes []string) (map[int]int64, error) {
	held, free, wished := map[int]int64{}, map[int]string{}, map[int]time.Time{}
	err := s.engine.ask(ctx, wanted, func(p int) []any {
		return []any{"HGET", s.engine.keys.of(p, keyLeases), s.role}
	}, func(p int, reply any) error {
		lease := text(reply)
		fence, node, _ := strings.Cut(lease, " ")
		since, waits := s.wished[p]
		switch {
		case node == s.node:
			held[p], _ = strconv.ParseInt(fence, 10, 64)
		case !slices.Contains(nodes, node), waits && time.Since(since) > leaseTime:
			free[p] = lease
		case waits:
			wished[p] = since
		default:
			wished[p] = time.Now()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	err = each(free, func(p int, lease string) error {
		fence, err := s.lease(ctx, p, lease, s.node)
		if err == nil && fence != 0 {
			mu.Lock()
			defer mu.Unlock()
			held[p] = fence
		}
		return err
	})
	s.wished = wished
	return held, err
}

// giveUp lets go of partitions that we hold.
func (s *sharing) giveUp(ctx context.Context, partitions []int) error {
	given := make(map[int]int64, len(partitions))
	for _, p := range partitions {
		given[p] = s.fences[p]
	}
	return each(given, func(p int, fence int64) error {
		_, err := s.lease(ctx, p, fmt.Sprintf("%d %s", fence, s.node), "")
		return err
	})
}

// lease moves a lease from what it was to a node; 0 if it is another's by now.
func (s *sharing) lease(ctx context.Context, p int, was, node string) (int64, error) {
	reply, err := s.engine.run(ctx, p, leaseScript, []string{s.engine.keys.of(p, keyLeases)}, s.role, was, node)
	fence, _ := reply.(int64)
	return fence, err
}

// away ends work in time when the store cannot be asked to prolong our membership.
func (s *sharing) away(err error) error {
	if s.part != nil && time.Since(s.renewed) > leaseTime/2 {
		s.engine.log.Warn("leases cannot be kept", "role", s.role, "err", err)
		return s.stop()
	}
	return nil
}

func (s *sharing) start() {
	ctx, cancel := context.WithCancel(s.engine.ctx)
	part := &Part{engine: s.engine, role: s.role, fences: maps.Clone(s.fences), cancel: cancel, done: make(chan error, 1)}
	s.part = part
	go func() {
		err := s.work(ctx, part)
		if ctx.Err() != nil {
			err = nil
		}
		part.done <- err
	}()
}

// stop ends work and waits for it.
func (s *sharing) stop() error {
	if s.part == nil {
		return nil
	}
	s.part.cancel()
	err := <-s.part.done
	s.part = nil
	return err
}

// leave gives everything up.
func (s *sharing) leave() {
	_ = s.stop()
	ctx, cancel := context.WithTimeout(s.engine.ctx, s.engine.opts.Timeout)
	defer cancel()
	_ = s.giveUp(ctx, slices.Collect(maps.Keys(s.fences)))
	_, _ = s.members(ctx, 0)
}
