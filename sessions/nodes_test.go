package sessions_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/sessions"
)

// store is one engine that several nodes share, each over a line of its own.
type store struct {
	hub.Engine
	mu    sync.Mutex
	lines []*line
}

// line is the way of one node to the store. It can be cut, and it can lose messages.
type line struct {
	hub.Engine
	store   *store
	deliver func(*hub.Message) // guarded by the store
	cut     atomic.Bool
	blind   atomic.Bool                   // contexts cannot be read
	gate    atomic.Pointer[chan struct{}] // reads of contexts wait for it
	drop    atomic.Pointer[func(*hub.Message) bool]
}

// newStore runs an engine until the test ends, after all nodes.
func newStore(t *testing.T, engine hub.Engine) *store {
	t.Helper()
	s := &store{Engine: engine}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		_ = engine.Listen(ctx, func(m *hub.Message) {
			s.mu.Lock()
			lines := s.lines
			s.mu.Unlock()
			for _, l := range lines {
				l.take(m)
			}
		})
	})
	t.Cleanup(func() { cancel(); run.Wait(); engine.Close() })
	return s
}

func (l *line) take(m *hub.Message) {
	l.store.mu.Lock()
	deliver := l.deliver
	l.store.mu.Unlock()
	if drop := l.drop.Load(); deliver == nil || l.cut.Load() || drop != nil && m.Type != hub.MessageControl && (*drop)(m) {
		return
	}
	deliver(m)
}

func (l *line) Listen(ctx context.Context, deliver func(*hub.Message)) error {
	l.store.mu.Lock()
	l.deliver = deliver
	l.store.mu.Unlock()
	<-ctx.Done()
	l.store.mu.Lock()
	l.deliver = nil
	l.store.mu.Unlock()
	return ctx.Err()
}

func (l *line) Unfollow(...hub.Channel) {} // others may still follow
func (l *line) Close() error            { return nil }

// held waits where a read has to, and is true if it fails.
func (l *line) held(name hub.Channel) bool {
	if name.Kind() != hub.KindContext {
		return false
	}
	if gate := l.gate.Load(); gate != nil {
		<-*gate
	}
	return l.blind.Load()
}

var errCut = errors.Join(hub.ErrUnavailable, errors.New("the line is cut"))

func (l *line) Load(ctx context.Context, name hub.Channel) (hub.Snapshot, error) {
	if l.cut.Load() || l.held(name) {
		return hub.Snapshot{}, errCut
	}
	return l.Engine.Load(ctx, name)
}

func (l *line) Heads(ctx context.Context, names []hub.Channel) ([]hub.Position, error) {
	if l.cut.Load() || l.held(names[0]) {
		return nil, errCut
	}
	return l.Engine.Heads(ctx, names)
}

func (l *line) History(ctx context.Context, name hub.Channel, q hub.HistoryQuery) (hub.History, error) {
	if l.cut.Load() {
		return hub.History{}, errCut
	}
	return l.Engine.History(ctx, name, q)
}

// node is a house on a store that others write to as well.
type node struct {
	*house
	line *line
	stop func()
}

// node starts one behind a real socket; it stops at the end of the test, or when told.
func (s *store) node(t *testing.T, opts sessions.Options, hubOpts hub.Options) *node {
	t.Helper()
	n := s.bare(t, opts, hubOpts)
	n.http = httptest.NewServer(n.server)
	t.Cleanup(n.http.Close)
	return n
}

// bare is a node that nobody can dial.
func (s *store) bare(t *testing.T, opts sessions.Options, hubOpts hub.Options) *node {
	t.Helper()
	l := &line{Engine: s.Engine, store: s}
	s.mu.Lock()
	s.lines = append(s.lines[:len(s.lines):len(s.lines)], l)
	s.mu.Unlock()
	n := start(t, l, 1000*len(s.lines), opts, hubOpts)
	n.line = l
	return n
}

// start runs a hub and a server on an engine that others write to as well. The
// ids of its commands begin behind ids.
func start(t *testing.T, engine hub.Engine, ids int, opts sessions.Options, hubOpts hub.Options) *node {
	t.Helper()
	n := &node{house: &house{t: t, ids: ids}}
	opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	hubOpts.Logger, hubOpts.Shared = opts.Logger, true
	hubOpts.OnControl = func(data []byte) { n.server.OnControl(data) }
	hubOpts.Namespaces = channels
	n.hub = hub.New(engine, hubOpts, commerce.Model(commerce.Config{}), care.Model(care.Config{}), sessions.Model())
	tokens, err := sessions.NewTokens(sessions.TokenOptions{HMACSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	n.server = sessions.NewServer(n.hub, presence.NewMemory(), tokens, opts)
	ctx, cancel := context.WithCancel(context.Background())
	hubCtx, hubCancel := context.WithCancel(context.Background())
	var run, hubRun sync.WaitGroup
	hubRun.Go(func() { _ = n.hub.Run(hubCtx) })
	run.Go(func() { _ = n.server.Run(ctx) })
	n.stop = sync.OnceFunc(func() {
		cancel()
		run.Wait()
		hubCancel()
		hubRun.Wait()
	})
	t.Cleanup(n.stop)
	for n.hub.Ready() != nil {
		time.Sleep(time.Millisecond)
	}
	return n
}

// nodes are n of them on one engine in memory.
func nodes(t *testing.T, n int, opts sessions.Options) []*node {
	t.Helper()
	s := newStore(t, enginetest.NewModel(enginetest.ModelOptions{}))
	var all []*node
	for range n {
		all = append(all, s.node(t, opts, hub.Options{}))
	}
	return all
}

func TestNodesKnowEachOther(t *testing.T) {
	all := nodes(t, 3, sessions.Options{})
	p := all[0].connected(jwt.MapClaims{"sub": "u1"})
	p.subscribe(`{"channel":"feed:a"}`)
	for at, n := range all {
		for len(n.server.Nodes()) < len(all) {
			time.Sleep(time.Millisecond)
		}
		if own := n.server.Nodes()[0]; own.NumClients != 0 && at > 0 || own.NumSubs != 1 && at == 0 {
			t.Errorf("node %d says of itself: %+v", at, own)
		}
	}
}
