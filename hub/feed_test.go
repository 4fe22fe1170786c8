package hub_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

// lossy is an engine whose way to its listener loses what drop says.
type lossy struct {
	hub.Engine
	mu   sync.Mutex
	drop func(m *hub.Message) bool
}

func (l *lossy) Listen(ctx context.Context, deliver func(*hub.Message)) error {
	return l.Engine.Listen(ctx, func(m *hub.Message) {
		l.mu.Lock()
		lost := l.drop != nil && m.Type != hub.MessageControl && l.drop(m)
		l.mu.Unlock()
		if !lost {
			deliver(m)
		}
	})
}

// sink notes what it is given.
type sink struct {
	mu      sync.Mutex
	offsets []uint64
	lost    error
	news    chan struct{}
}

func newSink() *sink { return &sink{news: make(chan struct{}, 10000)} }

func (s *sink) Deliver(m *hub.Message) {
	s.mu.Lock()
	s.offsets = append(s.offsets, m.Position.Offset)
	s.mu.Unlock()
	s.news <- struct{}{}
}

func (s *sink) Lost(err error) {
	s.mu.Lock()
	s.lost = err
	s.mu.Unlock()
	s.news <- struct{}{}
}

// await waits until the sink was given n messages, or lost the thread.
func (s *sink) await(t *testing.T, n int) ([]uint64, error) {
	t.Helper()
	for {
		s.mu.Lock()
		offsets, lost := slices.Clone(s.offsets), s.lost
		s.mu.Unlock()
		if len(offsets) >= n || lost != nil {
			return offsets, lost
		}
		select {
		case <-s.news:
		case <-time.After(10 * time.Second):
			t.Fatalf("given %v after 10 s, want %d messages", offsets, n)
		}
	}
}

func upTo(n int) (offsets []uint64) {
	for i := range n {
		offsets = append(offsets, uint64(i+1))
	}
	return offsets
}

func addMany(t *testing.T, h *hub.Hub, from, n int) {
	t.Helper()
	for i := range n {
		if a := h.Do(t.Context(), command(fmt.Sprint("n", from+i), "jar.add", "context:c", addArgs{1})); a.Problem != nil {
			t.Fatal(a.Problem)
		}
	}
}

func TestAGapIsRepairedBeforeAnythingLaterIsDelivered(t *testing.T) {
	engine := &lossy{Engine: newStore(t), drop: func(m *hub.Message) bool { return m.Position.Offset%3 == 1 }}
	h := newHub(t, engine, hub.Options{})
	s := newSink()
	feed, err := h.Attach(t.Context(), "context:c", true, s)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	addMany(t, h, 0, 20) // the last one, 20, arrives and shows the gap before it
	got, lost := s.await(t, 20)
	if lost != nil || !slices.Equal(got, upTo(20)) {
		t.Errorf("given %v, %v; want 1 to 20 in order", got, lost)
	}
}

func TestALostLastMessageIsFound(t *testing.T) {
	engine := &lossy{Engine: newStore(t), drop: func(*hub.Message) bool { return true }}
	h := newHub(t, engine, hub.Options{CheckInterval: 5 * time.Millisecond})
	s := newSink()
	feed, err := h.Attach(t.Context(), "context:c", true, s)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	addMany(t, h, 0, 3)
	if got, lost := s.await(t, 3); lost != nil || !slices.Equal(got, upTo(3)) {
		t.Errorf("given %v, %v; want 1 to 3", got, lost)
	}
}

func TestAFollowerThatCannotBeRepairedIsTold(t *testing.T) {
	engine := newStore(t)
	l := &lossy{Engine: engine, drop: func(m *hub.Message) bool { return m.Position.Offset < 9 }}
	h := hub.New(l, hub.Options{Namespaces: hub.Namespaces{WithoutNamespace: hub.ChannelOptions{HistorySize: 2, HistoryTTL: hub.Duration(time.Hour)}}}, beans)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { h.Run(ctx) })
	defer run.Wait()
	defer cancel()
	s := newSink()
	if _, err := h.Attach(t.Context(), "news", true, s); err != nil {
		t.Fatal(err)
	}
	for range 9 {
		if _, err := h.Publish(t.Context(), "news", hub.Publication{Data: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if got, lost := s.await(t, 1); lost == nil {
		t.Errorf("given %v and not told that 1 to 7 are lost", got)
	}
}

func TestEveryFollowerSeesTheSameWhileOthersComeAndGo(t *testing.T) {
	h := newHub(t, newStore(t), hub.Options{})
	s := newSink()
	feed, err := h.Attach(t.Context(), "context:c", true, s)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				other := newSink()
				f, err := h.Attach(t.Context(), "context:c", true, other)
				if err != nil {
					t.Error(err)
					return
				}
				snapshot, err := h.Snapshot(t.Context(), "context:c")
				if err != nil {
					t.Error(err)
				}
				f.Close()
				other.mu.Lock()
				for i, o := range other.offsets {
					if i > 0 && o != other.offsets[i-1]+1 || i == 0 && o > snapshot.Position.Offset+1 {
						t.Errorf("given %v beside a snapshot at %d", other.offsets, snapshot.Position.Offset)
					}
				}
				other.mu.Unlock()
			}
		})
	}
	addMany(t, h, 0, 200)
	group.Wait()
	if got, lost := s.await(t, 200); lost != nil || !slices.Equal(got, upTo(200)) {
		t.Errorf("given %v, %v; want 1 to 200", got, lost)
	}
}

func TestReadyOnceAMessageCameBack(t *testing.T) {
	h := newHub(t, newStore(t), hub.Options{ProbeInterval: 5 * time.Millisecond})
	for start := time.Now(); h.Ready() != nil; time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal(h.Ready())
		}
	}
	deaf := hub.New(&lossyControl{newStore(t)}, hub.Options{ProbeInterval: 5 * time.Millisecond}, beans)
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	_ = deaf.Run(ctx)
	if deaf.Ready() == nil {
		t.Error("a hub that hears nothing says it is ready")
	}
}

// lossyControl carries nothing at all.
type lossyControl struct{ hub.Engine }

func (l *lossyControl) Listen(ctx context.Context, _ func(*hub.Message)) error {
	<-ctx.Done()
	return ctx.Err()
}
