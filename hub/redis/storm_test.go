package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
)

// ledger is a model whose commands each leave one event and raise one count.
var ledger = hub.Model{Methods: []hub.Method{
	hub.NewMethod("ledger.add", hub.KindContext, hub.ModeGuarded, []hub.Role{hub.RoleService}, func(tx *hub.Tx, args addArgs) *hub.Problem {
		var page struct {
			Count int    `json:"count"`
			Last  string `json:"last"`
		}
		tx.Get("page/"+args.Page, &page)
		page.Count++
		page.Last = tx.Command.ID
		tx.Put("page/"+args.Page, page)
		tx.Emit("ledger.added", nil)
		return nil
	}),
}}

type addArgs struct {
	Page string `json:"page"`
}

// storm is load on several nodes while something goes wrong.
type storm struct {
	t       *testing.T
	nodes   []*hub.Hub
	engines []*redis.Engine
	names   []hub.Channel
	lossy   bool // what was acknowledged may be lost

	mu      sync.Mutex
	acked   map[string]time.Time // command id -> when it was answered
	open    map[string]bool      // its outcome is not known
	clients []*client
	stale   atomic.Int64 // longest time from an answer to a client that has seen it, ns
	began   atomic.Int64
}

func newStorm(t *testing.T, o redis.Options, nodes, channels int) *storm {
	s := &storm{t: t, acked: map[string]time.Time{}, open: map[string]bool{}}
	o.Prefix, o.LogSize, o.Partitions = prefix(), 1_000_000, 16
	for n := range channels {
		s.names = append(s.names, hub.Channel(fmt.Sprintf("context:c-%d", n)))
	}
	for range nodes {
		s.engines = append(s.engines, open(t, o))
	}
	var work sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); work.Wait() })
	for _, e := range s.engines {
		h := hub.New(e, hub.Options{Shared: true, CheckInterval: 500 * time.Millisecond, Linger: time.Second, CommitTimeout: 3 * time.Second}, ledger)
		work.Go(func() {
			if err := h.Run(ctx); err != nil {
				t.Errorf("a hub ended: %v", err)
			}
		})
		s.nodes = append(s.nodes, h)
		for _, name := range s.names {
			c := &client{storm: s, hub: h, name: name}
			s.clients = append(s.clients, c)
			work.Go(func() { c.run(ctx) })
		}
	}
	return s
}

// blow runs load until the fault is over, and checks what is left.
func (s *storm) blow(what string, fault func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var work sync.WaitGroup
	for n, h := range s.nodes {
		for w := range 4 {
			work.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					s.add(ctx, h, s.names[i%len(s.names)], fmt.Sprintf("%s-%d-%d-%d", what, n, w, i), fmt.Sprint(w))
					time.Sleep(2 * time.Millisecond)
				}
			})
		}
	}
	time.Sleep(300 * time.Millisecond)
	fault()
	time.Sleep(300 * time.Millisecond)
	cancel()
	work.Wait()
	s.settle(what)
}

// add sends one command until it is answered.
func (s *storm) add(ctx context.Context, h *hub.Hub, name hub.Channel, id, page string) {
	s.mu.Lock()
	s.open[id] = true
	s.mu.Unlock()
	s.began.Add(1)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a := h.Do(context.WithoutCancel(ctx), hub.Command{
			Method: "ledger.add", ID: id, On: name, Args: fmt.Appendf(nil, `{"page":%q}`, page),
			Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "s"}},
		})
		switch {
		case a.Problem == nil:
			s.mu.Lock()
			delete(s.open, id)
			s.acked[id] = time.Now()
			s.mu.Unlock()
			return
		case a.Problem.Code != hub.CodeUnavailable:
			s.t.Errorf("command %s: %v", id, a.Problem)
			return
		case time.Now().After(deadline):
			s.t.Errorf("command %s was unavailable for 30 s", id)
			return
		}
	}
}

// settle waits until every client has what the store has, and counts.
func (s *storm) settle(what string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	events, twice, lost := 0, 0, 0
	seen := map[string]int{}
	for _, name := range s.names {
		var snapshot hub.Snapshot
		for {
			var err error
			if snapshot, err = s.engines[0].Load(ctx, name); err == nil {
				break
			}
			if !errors.Is(err, hub.ErrUnavailable) {
				s.t.Fatalf("load %s: %v", name, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		for _, c := range s.clients {
			if c.name == name {
				c.await(snapshot)
			}
		}
		h, err := s.engines[0].History(ctx, name, hub.HistoryQuery{Limit: -1})
		if err != nil {
			s.t.Fatalf("history of %s: %v", name, err)
		}
		counts := map[string]int{}
		for i, m := range h.Messages {
			if m.Position.Offset != uint64(i)+1 {
				s.t.Errorf("%s has offset %d at place %d", name, m.Position.Offset, i+1)
				break
			}
			seen[m.Event.Cause]++
			counts[m.Event.Changes[0].Key]++
			events++
		}
		for key, entry := range snapshot.Entries {
			if want := fmt.Appendf(nil, `{"count":%d,`, counts[key]); !bytes.HasPrefix(entry.Doc, want) {
				s.t.Errorf("%s %s is %s after %d events", name, key, entry.Doc, counts[key])
			}
		}
	}
	for id, n := range seen {
		if n > 1 {
			twice++
			s.t.Errorf("command %s had %d effects", id, n)
		}
	}
	for id := range s.acked {
		if seen[id] == 0 {
			lost++
		}
	}
	if lost > 0 && !s.lossy {
		s.t.Errorf("%d acknowledged commands are lost", lost)
	}
	s.t.Logf("%s: %d commands answered, %d events, lost %d, duplicated %d, longest staleness %s",
		what, len(s.acked), events, lost, twice, time.Duration(s.stale.Load()).Round(time.Millisecond))
}

// client follows a channel as a session does, and starts again when it is told that it lost the thread.
type client struct {
	storm *storm
	hub   *hub.Hub
	name  hub.Channel

	mu      sync.Mutex
	pos     hub.Position
	entries map[string]hub.Entry
	queue   []*hub.Message
	lost    chan struct{}
	resyncs int
}

func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		lost := make(chan struct{})
		c.mu.Lock()
		c.lost, c.queue, c.entries = lost, nil, nil
		c.resyncs++
		c.mu.Unlock()
		feed, err := c.hub.Attach(ctx, c.name, true, &sink{c, lost})
		if err == nil {
			var s hub.Snapshot
			if s, err = c.hub.Snapshot(ctx, c.name); err == nil {
				c.mu.Lock()
				c.pos, c.entries = s.Position, maps.Clone(s.Entries)
				for _, m := range c.queue {
					c.apply(m)
				}
				c.queue = nil
				c.mu.Unlock()
				select {
				case <-lost:
					continue
				case <-ctx.Done():
				}
			}
			feed.Close()
		}
		if ctx.Err() == nil {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// apply takes an event. c.mu is held.
func (c *client) apply(m *hub.Message) {
	if m.Position.Epoch != c.pos.Epoch {
		if m.Position.Offset > c.pos.Offset { // the snapshot is of the epoch before
			c.storm.t.Errorf("%s: an event of epoch %s at %v", c.name, m.Position.Epoch, c.pos)
		}
		return
	}
	if m.Position.Offset <= c.pos.Offset {
		return
	}
	if m.Position.Offset != c.pos.Offset+1 {
		c.storm.t.Errorf("%s: offset %d after %d", c.name, m.Position.Offset, c.pos.Offset)
	}
	c.pos = m.Position
	for _, change := range m.Event.Changes {
		doc := change.Doc
		if doc == nil {
			doc = hub.Apply(c.entries[change.Key].Doc, change.Patch)
		}
		c.entries[change.Key] = hub.Entry{Version: change.Version, Doc: doc}
	}
	c.storm.mu.Lock()
	at, ok := c.storm.acked[m.Event.Cause]
	c.storm.mu.Unlock()
	if ok {
		stale := int64(time.Since(at))
		for was := c.storm.stale.Load(); stale > was && !c.storm.stale.CompareAndSwap(was, stale); was = c.storm.stale.Load() {
		}
	}
}

type sink struct {
	c    *client
	lost chan struct{}
}

func (s *sink) Deliver(m *hub.Message) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.c.lost != s.lost || m.Type != hub.MessageEvent {
		return
	}
	if s.c.entries == nil {
		s.c.queue = append(s.c.queue, m)
		return
	}
	s.c.apply(m)
}

func (s *sink) Lost(error) { close(s.lost) }

// await waits until the client has what the store has.
func (c *client) await(want hub.Snapshot) {
	c.storm.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		same := c.pos == want.Position && len(c.entries) == len(want.Entries)
		for key, e := range want.Entries {
			same = same && c.entries[key].Version == e.Version && bytes.Equal(c.entries[key].Doc, e.Doc)
		}
		pos, entries := c.pos, maps.Clone(c.entries)
		c.mu.Unlock()
		if same {
			return
		}
		if time.Now().After(deadline) {
			c.storm.t.Errorf("%s: a client stands at %v with %v; the store at %v with %v", c.name, pos, entries, want.Position, want.Entries)
			return
		}
	}
}
