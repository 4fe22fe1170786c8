package hub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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

// flaky is an engine that does what it is told to for calls that would only read or follow.
type flaky struct {
	hub.Engine
	follow  func() error
	history func(name hub.Channel) error
}

func (f *flaky) Follow(ctx context.Context, names ...hub.Channel) error {
	if f.follow != nil {
		if err := f.follow(); err != nil {
			return err
		}
	}
	return f.Engine.Follow(ctx, names...)
}

func (f *flaky) History(ctx context.Context, name hub.Channel, q hub.HistoryQuery) (hub.History, error) {
	if f.history != nil {
		if err := f.history(name); err != nil {
			return hub.History{}, err
		}
	}
	return f.Engine.History(ctx, name, q)
}

func TestAChannelThatCouldNotBeFollowedCanBeAtTheNextTry(t *testing.T) {
	tries := 0
	h := newHub(t, &flaky{Engine: newStore(t), follow: func() error {
		if tries++; tries == 1 {
			return hub.ErrUnavailable
		}
		return nil
	}}, hub.Options{Linger: time.Hour})
	if _, err := h.Attach(t.Context(), "context:c", true, newSink()); !errors.Is(err, hub.ErrUnavailable) {
		t.Fatalf("while the store is away: %v", err)
	}
	s := newSink()
	feed, err := h.Attach(t.Context(), "context:c", true, s)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	addMany(t, h, 0, 1)
	s.await(t, 1)
}

func TestWhoGivesUpFollowingTakesNobodyAlong(t *testing.T) {
	began, first := make(chan struct{}), true
	impatient, giveUp := context.WithCancel(t.Context())
	h := newHub(t, &flaky{Engine: newStore(t), follow: func() error {
		if !first {
			return nil
		}
		first = false
		close(began)
		<-impatient.Done()
		time.Sleep(20 * time.Millisecond) // the other one waits by now
		return impatient.Err()
	}}, hub.Options{})
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		if _, err := h.Attach(impatient, "context:c", true, newSink()); !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up: %v", err)
		}
	})
	<-began
	group.Go(func() {
		feed, err := h.Attach(t.Context(), "context:c", true, newSink())
		if err != nil {
			t.Errorf("who did not give up: %v", err)
			return
		}
		feed.Close()
	})
	giveUp()
}

func TestAGapThatCannotBeReadWhileTheStoreIsAwayIsRepairedLater(t *testing.T) {
	var away atomic.Int64
	away.Store(3)
	l := &lossy{Engine: newStore(t), drop: func(m *hub.Message) bool { return m.Position.Offset < 5 }}
	h := newHub(t, &flaky{Engine: l, history: func(hub.Channel) error {
		if away.Add(-1) >= 0 {
			return hub.ErrUnavailable
		}
		return nil
	}}, hub.Options{CheckInterval: 5 * time.Millisecond})
	s := newSink()
	feed, err := h.Attach(t.Context(), "context:c", true, s)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	addMany(t, h, 0, 6)
	if got, lost := s.await(t, 6); lost != nil || !slices.Equal(got, upTo(6)) {
		t.Errorf("given %v, %v; want 1 to 6 and nothing false", got, lost)
	}
}

func TestChannelsAreRepairedAFewAtATime(t *testing.T) {
	const channels, few = 100, 16
	var reading, most atomic.Int64
	back := make(chan struct{})
	engine := &lossy{Engine: newStore(t), drop: func(*hub.Message) bool { return true }}
	h := newHub(t, &flaky{Engine: engine, history: func(hub.Channel) error {
		n := reading.Add(1)
		defer reading.Add(-1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		<-back
		time.Sleep(time.Millisecond)
		return nil
	}}, hub.Options{CheckInterval: 5 * time.Millisecond})
	var sinks []*sink
	for n := range channels {
		name := hub.Channel(fmt.Sprintf("context:c-%d", n))
		s := newSink()
		feed, err := h.Attach(t.Context(), name, true, s)
		if err != nil {
			t.Fatal(err)
		}
		defer feed.Close()
		sinks = append(sinks, s)
		if a := h.Do(t.Context(), command(fmt.Sprint("n", n), "jar.add", name, addArgs{1})); a.Problem != nil {
			t.Fatal(a.Problem)
		}
	}
	time.Sleep(50 * time.Millisecond) // all of them are found to be behind
	close(back)
	for _, s := range sinks {
		s.await(t, 1)
	}
	if n := most.Load(); n > few {
		t.Errorf("%d channels were read at once, want %d at most", n, few)
	}
}
