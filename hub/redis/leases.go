package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

//go:embed lease.lua
var leaseLua string

//go:embed members.lua
var membersLua string

var (
	leaseScript   = newScript(writes + leaseLua)
	membersScript = newScript(writes + membersLua)
)

// How leases go. A node that dies is missed after leaseTime at most, and its
// partitions are taken over at somebody's next round.
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
	s := &sharing{engine: e, role: role, node: fmt.Sprintf("%s.%d", e.name, e.shares.Add(1)), work: work, fences: map[int]int64{}}
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

// sharing is one call of Share.
type sharing struct {
	engine *Engine
	role   string
	node   string
	work   func(ctx context.Context, part *Part) error

	fences  map[int]int64 // what we hold
	renewed time.Time     // when all of it was last renewed, before asking
	part    *Part         // what work runs on; nil if it does not
}

func (s *sharing) ended() chan error {
	if s.part == nil {
		return nil
	}
	return s.part.done
}

// round says that we live, keeps what is ours, gives up what has become
// another's, takes what is free, and lets work know.
func (s *sharing) round(ctx context.Context) error {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, leaseRound) // a store that hangs is to be noticed before the leases end
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
		if err := s.lease(ctx, given, 0, nil); err != nil {
			return s.away(err)
		}
	}
	var mu sync.Mutex
	held := map[int]int64{}
	err = s.lease(ctx, wanted, leaseTime, func(p int, fence int64) {
		mu.Lock()
		defer mu.Unlock()
		if fence != 0 {
			held[p] = fence
		}
	})
	if err != nil {
		return s.away(err)
	}
	s.renewed = asked
	if s.part != nil && maps.Equal(held, s.part.fences) {
		s.fences = held
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

// away ends work in time when the store cannot be asked to prolong the leases.
func (s *sharing) away(err error) error {
	if s.part != nil && time.Since(s.renewed) > leaseTime/2 {
		s.engine.log.Warn("leases cannot be kept", "role", s.role, "err", err)
		return s.stop()
	}
	return nil
}

func (s *sharing) members(ctx context.Context, stay time.Duration) ([]string, error) {
	key := s.engine.keys.of(0, keyMembers+s.role)
	reply, err := s.engine.run(ctx, 0, membersScript, []string{key}, s.node, stay.Milliseconds())
	if err != nil {
		return nil, err
	}
	l, err := list(reply, 0)
	nodes := make([]string, len(l))
	for i, v := range l {
		nodes[i] = text(v)
	}
	return nodes, err
}

func (s *sharing) lease(ctx context.Context, partitions []int, stay time.Duration, got func(p int, fence int64)) error {
	of := make(map[int]struct{}, len(partitions))
	for _, p := range partitions {
		of[p] = struct{}{}
	}
	return each(of, func(p int, _ struct{}) error {
		reply, err := s.engine.run(ctx, p, leaseScript, []string{s.engine.keys.of(p, keyLeases)}, s.role, s.node, stay.Milliseconds())
		if err == nil && got != nil {
			fence, _ := reply.(int64)
			got(p, fence)
		}
		return err
	})
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
	_ = s.lease(ctx, slices.Collect(maps.Keys(s.fences)), 0, nil)
	_, _ = s.members(ctx, 0)
}

// chosen is the node that a partition belongs to: the one that weighs most
// for it, so that a node which comes or goes moves its own share alone.
func chosen(nodes []string, partition int) string {
	best, most := "", uint64(0)
	for _, n := range nodes {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %s", partition, n)
		weight := h.Sum64()
		weight ^= weight >> 33 // FNV alone mixes its last bytes too little
		weight *= 0xff51afd7ed558ccd
		weight ^= weight >> 33
		if best == "" || weight > most {
			best, most = n, weight
		}
	}
	return best
}
