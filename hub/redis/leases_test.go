package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

// holders notes who works on which partitions.
type holders struct {
	mu    sync.Mutex
	parts map[string][]int
	twice []string
}

func (h *holders) work(name string) func(ctx context.Context, p *redis.Part) error {
	return func(ctx context.Context, p *redis.Part) error {
		h.set(name, p.Partitions())
		<-ctx.Done()
		h.set(name, nil)
		return ctx.Err()
	}
}

func (h *holders) set(name string, parts []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for other, theirs := range h.parts {
		for _, p := range parts {
			if other != name && slices.Contains(theirs, p) {
				h.twice = append(h.twice, fmt.Sprintf("%s and %s hold %d", name, other, p))
			}
		}
	}
	h.parts[name] = parts
}

// whole reports whether all partitions are held, by every one of the given nodes some.
func (h *holders) whole(partitions int, by ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	held := 0
	for _, name := range by {
		if len(h.parts[name]) == 0 {
			return false
		}
		held += len(h.parts[name])
	}
	return held == partitions
}

func TestPartitionsAreSharedOutAndMoveWhenANodeComesOrGoes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := &holders{parts: map[string][]int{}}
	o := at(server.URL())
	o.Prefix, o.Partitions = prefix(), 32
	ends := map[string]context.CancelFunc{}
	var work sync.WaitGroup
	defer work.Wait()
	begin := func(name string) *redis.Engine {
		e := open(t, o)
		ctx, cancel := context.WithCancel(context.Background())
		ends[name] = cancel
		work.Go(func() {
			if err := e.Share(ctx, "views", h.work(name)); !errors.Is(err, context.Canceled) && !errors.Is(err, hub.ErrClosed) {
				t.Errorf("%s ended with %v", name, err)
			}
		})
		return e
	}
	begin("a")
	server.WaitFor("one node has all", func() bool { return h.whole(32, "a") })
	begin("b")
	server.WaitFor("two nodes share", func() bool { return h.whole(32, "a", "b") })
	c := begin("c")
	server.WaitFor("three nodes share", func() bool { return h.whole(32, "a", "b", "c") })
	ends["a"]() // leaves
	server.WaitFor("the others take over", func() bool { return h.whole(32, "b", "c") })
	if err := c.Close(); err != nil { // dies: nothing is given up
		t.Fatal(err)
	}
	died := time.Now()
	server.WaitFor("the last takes over", func() bool { return h.whole(32, "b") })
	t.Logf("a dead node's partitions moved after %s", time.Since(died).Round(10*time.Millisecond))
	ends["b"]()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.twice) > 0 {
		t.Errorf("held twice: %v", h.twice)
	}
}

// After a failover leases may be those of some time ago.
func TestLeasesThatTheirNodesDoNotKnowOfMoveOn(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := &holders{parts: map[string][]int{}}
	o := at(server.URL())
	o.Prefix, o.Partitions = prefix(), 32
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	for _, name := range []string{"a", "b"} {
		e := open(t, o)
		work.Go(func() { _ = e.Share(ctx, "views", h.work(name)) })
	}
	server.WaitFor("two nodes share", func() bool { return h.whole(32, "a", "b") })
	others := server.Do("EVAL", `
		local nodes = redis.call('ZRANGE', redis.call('KEYS', ARGV[1] .. ':*:members:views')[1], 0, -1)
		local n = 0
		for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':*:leases')) do
			local holder = string.match(redis.call('HGET', key, 'views'), ' (.+)$')
			redis.call('HSET', key, 'views', '99 ' .. (holder == nodes[1] and nodes[2] or nodes[1]))
			n = n + 1
		end
		return n`, "0", o.Prefix)
	if others != ":32" {
		t.Fatalf("%s leases were changed", others)
	}
	server.WaitFor("they are let go", func() bool { return !h.whole(32, "a", "b") })
	server.WaitFor("and taken again", func() bool { return h.whole(32, "a", "b") })
}

func TestCursorOfAPartThatMovedIsNotSaved(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	o := at(server.URL())
	o.Prefix, o.Partitions = prefix(), 32
	e, other := open(t, o), open(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	type held struct {
		by   *redis.Engine
		part *redis.Part
	}
	parts := make(chan held, 100)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	share := func(e *redis.Engine) {
		work.Go(func() {
			_ = e.Share(ctx, "views", func(ctx context.Context, p *redis.Part) error {
				parts <- held{e, p}
				<-ctx.Done()
				return nil
			})
		})
	}
	share(e)
	first := (<-parts).part
	if len(first.Partitions()) != 32 || first.Fence(0) == 0 {
		t.Fatalf("a lone node has %v", first.Partitions())
	}
	if err := first.SaveCursors(ctx, "board", hub.Cursors{0: 5, 1: 5}); err != nil {
		t.Fatal(err)
	}
	share(other)
	now := map[*redis.Engine]*redis.Part{}
	for both := 0; both < 32 || len(now) < 2; { // it may move in several steps
		h := <-parts
		now[h.by], both = h.part, 0
		for _, p := range now {
			both += len(p.Partitions())
		}
	}
	for _, p := range now {
		for _, partition := range p.Partitions() {
			if p.Fence(partition) != first.Fence(partition) {
				if err := first.SaveCursors(ctx, "board", hub.Cursors{partition: 9}); !errors.Is(err, redis.ErrFenced) {
					t.Errorf("partition %d, saved by who had it before: %v", partition, err)
				}
			}
			if err := p.SaveCursors(ctx, "board", hub.Cursors{partition: 7}); err != nil {
				t.Errorf("partition %d, saved by who has it: %v", partition, err)
			}
		}
	}
	cursors, err := e.Cursors(ctx, "board")
	for p, seq := range cursors {
		if seq != 7 {
			t.Errorf("cursor of partition %d is %d, %v", p, seq, err)
		}
	}
}
