package redis_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	hubredis "github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/presence/presencetest"
	"github.com/samepage/samepage/presence/redis"
)

var prefixes atomic.Int64

// start runs a store; stop ends it as a deploy would.
func start(t *testing.T, url string, o redis.Options) (s *redis.Store, stop func()) {
	t.Helper()
	client, err := hubredis.NewClient(hubredis.Options{Addresses: []string{url}})
	if err != nil {
		t.Fatal(err)
	}
	s = redis.New(client, o)
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = s.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		run.Wait()
		_ = client.Close()
	})
	t.Cleanup(stop)
	return s, stop
}

func prefix() string { return fmt.Sprintf("t%d", prefixes.Add(1)) }

func TestStoreOnOneServer(t *testing.T) {
	url := redistest.Start(t).URL()
	presencetest.Run(t, func(t *testing.T) presence.Store {
		s, _ := start(t, url, redis.Options{Prefix: prefix()})
		return s
	})
}

func TestStoreOnACluster(t *testing.T) {
	url := redistest.StartCluster(t).URL()
	presencetest.Run(t, func(t *testing.T) presence.Store {
		s, _ := start(t, url, redis.Options{Prefix: prefix()})
		return s
	})
}

// told counts what is announced.
type told struct {
	mu           sync.Mutex
	left, joined map[string]int
}

func newTold() *told { return &told{left: map[string]int{}, joined: map[string]int{}} }

func (n *told) options(o redis.Options) redis.Options {
	note := func(in map[string]int) func(string, presence.Member) {
		return func(channel string, m presence.Member) {
			n.mu.Lock()
			defer n.mu.Unlock()
			in[channel+" "+m.Client+" "+m.User]++
		}
	}
	o.Left, o.Joined = note(n.left), note(n.joined)
	return o
}

func (n *told) counts(in map[string]int) (members, most int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, times := range in {
		most = max(most, times)
	}
	return len(in), most
}

func fill(t *testing.T, s *redis.Store, who string, members int) {
	t.Helper()
	for i := range members {
		m := presence.Member{Client: fmt.Sprintf("%s-%d", who, i), User: who}
		if _, err := s.Join(t.Context(), fmt.Sprintf("chat:%d", i%7), m); err != nil {
			t.Fatal(err)
		}
	}
}

func clients(t *testing.T, s *redis.Store) int {
	t.Helper()
	channels, err := s.Channels(t.Context(), "")
	if err != nil {
		return -1
	}
	n := 0
	for _, count := range channels {
		n += count
	}
	return n
}

func TestMembersOfADeadNodeLeaveAndAreAnnouncedOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	n := newTold()
	o := n.options(redis.Options{Lease: time.Second})
	a, _ := start(t, server.URL(), o)
	start(t, server.URL(), o)
	proxy := redistest.StartProxy(t, server)
	dead, _ := start(t, proxy.URL(), redis.Options{Lease: time.Second})
	fill(t, a, "ada", 20)
	fill(t, dead, "bob", 50)
	if got := clients(t, a); got != 70 {
		t.Fatalf("%d members, want 70", got)
	}
	proxy.Deny()
	server.WaitFor("the dead node's members are gone", func() bool { return clients(t, a) == 20 })
	server.WaitFor("and were announced", func() bool { members, _ := n.counts(n.left); return members == 50 })
	if members, most := n.counts(n.left); members != 50 || most != 1 {
		t.Errorf("%d members announced, one of them %d times; want 50, once", members, most)
	}
	if s, err := a.Stats(t.Context(), "chat:0"); err != nil || s.Users != 1 {
		t.Errorf("%+v, %v: users of the dead node are still counted", s, err)
	}
}

func TestNodeThatIsBusyWithTheDeadIsNotTakenForDead(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	n := newTold()
	slow := func(pause func() time.Duration) redis.Options {
		o := n.options(redis.Options{Lease: time.Second})
		note := o.Left
		o.Left = func(channel string, m presence.Member) {
			time.Sleep(pause())
			note(channel, m)
		}
		return o
	}
	var once sync.Once
	a, _ := start(t, server.URL(), slow(func() (pause time.Duration) {
		once.Do(func() { pause = 3 * time.Second })
		return pause
	}))
	b, _ := start(t, server.URL(), slow(func() time.Duration { return 20 * time.Millisecond }))
	proxy := redistest.StartProxy(t, server)
	dead, _ := start(t, proxy.URL(), redis.Options{Lease: time.Second})
	fill(t, a, "ada", 5)
	fill(t, b, "cyd", 5)
	for i := range 100 {
		if _, err := dead.Join(t.Context(), "chat:lobby", presence.Member{Client: fmt.Sprint(i), User: "bob"}); err != nil {
			t.Fatal(err)
		}
	}
	proxy.Deny()
	server.WaitFor("all of the dead were announced", func() bool { members, _ := n.counts(n.left); return members >= 100 })
	time.Sleep(2 * time.Second) // what is announced wrongly comes afterwards
	if members, most := n.counts(n.left); members != 100 || most != 1 || clients(t, a) != 10 {
		t.Errorf("%d members announced, one of them %d times, and %d are left; want 100, once, and 10", members, most, clients(t, a))
	}
}

func TestNodeThatWasTakenForDeadComesBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	n := newTold()
	a, _ := start(t, server.URL(), n.options(redis.Options{Lease: time.Second}))
	proxy := redistest.StartProxy(t, server)
	b, _ := start(t, proxy.URL(), n.options(redis.Options{Lease: time.Second}))
	fill(t, a, "ada", 3)
	fill(t, b, "bob", 10)
	proxy.Deny()
	server.WaitFor("it is taken for dead", func() bool { return clients(t, a) == 3 })
	if _, err := b.Leave(t.Context(), "chat:0", "bob-0"); err == nil {
		t.Error("a node that is cut off takes a leave for done")
	}
	proxy.Allow()
	server.WaitFor("it is back, but for who left meanwhile", func() bool { return clients(t, a) == 12 })
	server.WaitFor("and was announced", func() bool { members, most := n.counts(n.joined); return members == 9 && most == 1 })
}

func TestMembersOutliveAFlushedStore(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, _ := start(t, server.URL(), redis.Options{Lease: time.Second})
	fill(t, a, "ada", 30)
	server.Do("FLUSHALL")
	server.WaitFor("they have joined again", func() bool { return clients(t, a) == 30 })
}

func TestNodeThatEndsLeavesNobodyBehind(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, _ := start(t, server.URL(), redis.Options{Lease: time.Second})
	b, stop := start(t, server.URL(), redis.Options{Lease: time.Second})
	fill(t, a, "ada", 3)
	fill(t, b, "bob", 10)
	stop()
	server.WaitFor("its members are gone", func() bool { return clients(t, a) == 3 })
}
