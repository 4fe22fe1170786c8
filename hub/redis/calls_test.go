package redis_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

func TestWhatIsTooLargeIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, MaxCommit: 10_000})
	big := `{"x":"` + strings.Repeat("x", 10_000) + `"}`
	if _, err := e.Commit(t.Context(), added("k", big)); err == nil || !strings.Contains(err.Error(), "10000") {
		t.Errorf("a large commit: %v", err)
	}
	if _, err := e.Publish(t.Context(), &hub.Message{Channel: "news", Type: hub.MessagePublication, Data: []byte(big)}, hub.PublishOptions{}); err == nil {
		t.Error("a large publication was taken")
	}
	if s, err := e.Load(t.Context(), "context:c"); err != nil || s.Position.Offset != 0 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestServerWithoutMemoryOrDiskRefusesWritesWholeAndIsStillRead(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}})
	if _, err := e.Commit(t.Context(), added("k", `{}`)); err != nil {
		t.Fatal(err)
	}
	server.Do("CONFIG", "SET", "maxmemory", "1000000")
	if _, err := e.Commit(t.Context(), added("k", `{}`)); !errors.Is(err, hub.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("out of memory: %v", err)
	}
	if err := e.Check(t.Context()); err == nil {
		t.Error("a store that takes no writes passes its check")
	}
	if s, err := e.Load(t.Context(), "context:c"); err != nil || s.Position.Offset != 1 {
		t.Errorf("read while out of memory: %v, %v", s, err)
	}
	server.Do("CONFIG", "SET", "maxmemory", "0")
	if r, err := e.Commit(t.Context(), added("k", `{}`)); err != nil || r.Position.Offset != 2 {
		t.Errorf("with memory again: %+v, %v", r, err)
	}
}

func TestUnacknowledgedCommitIsUnavailableAndItsRetryIsSettled(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	o := at(server.URL())
	o.Acks, o.AckTimeout = "replica:1", 50*time.Millisecond
	e := open(t, o)
	c := added("k", `{}`)
	c.Command = hub.Remembered{ID: "one", Hash: [32]byte{1}, Expires: time.Now().Add(time.Hour)}
	if _, err := e.Commit(t.Context(), c); !errors.Is(err, hub.ErrUnavailable) {
		t.Fatalf("without a replica: %v", err)
	}
	redistest.Start(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", server.Port))
	server.WaitFor("the retry is acknowledged", func() bool {
		r, err := e.Commit(t.Context(), c)
		return err == nil && r.Replayed && r.Position.Offset == 1
	})
}

// WAIT and WAITAOF are about what their own connection has written (since Redis
// 7.2), and a retry may come by another one.
func TestReplayIsAWriteSoThatItIsAcknowledgedToo(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	c := added("k", `{}`)
	c.Command = hub.Remembered{ID: "one", Hash: [32]byte{1}, Expires: time.Now().Add(time.Hour)}
	for replayed := range 2 {
		server.Do("CONFIG", "RESETSTAT")
		r, err := e.Commit(t.Context(), c)
		if err != nil || r.Replayed != (replayed == 1) {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if server.Info("cmdstat_pexpire") == "" {
		t.Error("a replay has written nothing")
	}
}

func TestCommandCostsOneRoundTrip(t *testing.T) {
	t.Parallel()
	proxy := redistest.StartProxy(t, redistest.Start(t))
	o := at(proxy.URL())
	o.Connections, o.ProbeInterval = 1, time.Hour
	e := open(t, o)
	commit := func(n int) {
		c := added("k", fmt.Sprintf(`{"n":%d}`, n))
		c.Command = hub.Remembered{ID: fmt.Sprint(n), Hash: [32]byte{1}, Expires: time.Now().Add(time.Hour)}
		c.Expect = map[string]uint64{"k": uint64(n)}
		c.Timers = []hub.TimerChange{{Key: "t", Due: time.Now().Add(time.Hour), Method: "m"}}
		if _, err := e.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	commit(0) // the script's first call sends it
	before := proxy.Requests()
	for n := range 20 {
		commit(n + 1)
	}
	if trips := proxy.Requests() - before; trips < 20 || trips > 22 { // the layout is looked at meanwhile
		t.Errorf("20 commands cost %d round trips", trips)
	}
}

// What a hub has decided on before it has in memory.
func TestCommandOfAHubCostsOneRoundTrip(t *testing.T) {
	t.Parallel()
	proxy := redistest.StartProxy(t, redistest.Start(t))
	o := at(proxy.URL())
	o.Connections, o.ProbeInterval = 1, time.Hour
	h := hub.New(open(t, o), hub.Options{Shared: true}, ledger)
	add := func(n int) {
		a := h.Do(t.Context(), hub.Command{
			Method: "ledger.add", ID: fmt.Sprint(n), On: "context:c", Args: []byte(`{"page":"p"}`),
			Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "s"}},
		})
		if a.Problem != nil {
			t.Fatal(a.Problem)
		}
	}
	add(0) // loads the context, and the first call of a script sends it
	before := proxy.Requests()
	for n := range 20 {
		add(n + 1)
	}
	if trips := proxy.Requests() - before; trips < 20 || trips > 22 { // the layout is looked at meanwhile
		t.Errorf("20 commands cost %d round trips", trips)
	}
}

func TestNodeIsSubscribedToWhatIsFollowedAndNoMore(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, linger := range map[string]time.Duration{"lets go": 100 * time.Millisecond, "lingers": time.Hour} {
		t.Run(name, func(t *testing.T) {
			o := at(server.URL())
			o.Prefix = prefix()
			h := hub.New(open(t, o), hub.Options{Shared: true, CheckInterval: 20 * time.Millisecond, Linger: linger}, ledger)
			ctx, cancel := context.WithCancel(t.Context())
			var work sync.WaitGroup
			defer work.Wait()
			defer cancel()
			work.Go(func() { _ = h.Run(ctx) })
			subscribed := func() string {
				return server.Do("EVAL", "return #redis.call('PUBSUB', 'CHANNELS', ARGV[1] .. ':*:on:*')", "0", o.Prefix)
			}
			var feeds []*hub.Feed
			for n := range 30 {
				feed, err := h.Attach(ctx, hub.Channel(fmt.Sprintf("context:c-%d", n%10)), true, ignore{})
				if err != nil {
					t.Fatal(err)
				}
				feeds = append(feeds, feed)
			}
			if n := subscribed(); n != ":10" {
				t.Errorf("subscribed to %s channels, want the 10 that are followed", n)
			}
			for _, feed := range feeds[1:] {
				feed.Close()
			}
			if linger < time.Hour {
				server.WaitFor("nothing but what is followed is subscribed to", func() bool { return subscribed() == ":1" })
				return
			}
			before := server.Info("cmdstat_subscribe")
			if _, err := h.Attach(ctx, "context:c-9", true, ignore{}); err != nil { // a phone that reconnects
				t.Fatal(err)
			}
			if after := server.Info("cmdstat_subscribe"); subscribed() != ":10" || after != before {
				t.Errorf("%s channels, and it was subscribed anew: %s, before %s", subscribed(), after, before)
			}
		})
	}
}

// ignore is a sink that wants to know nothing.
type ignore struct{}

func (ignore) Deliver(*hub.Message) {}
func (ignore) Lost(error)           {}

func TestCallsDoNotPileUpWhileTheServerStandsStill(t *testing.T) {
	server := redistest.Start(t) // not beside others, whose goroutines would count
	o := at(server.URL())
	o.Queue, o.Timeout = 64, 500*time.Millisecond
	e := open(t, o)
	if _, err := e.Load(t.Context(), "context:c"); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	server.Pause()
	defer server.Resume()
	for range 3000 {
		go func() {
			if _, err := e.Load(t.Context(), "context:c"); !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("while the server stands still: %v", err)
			}
		}()
	}
	most := before + o.Queue + 3*256 // those in the queue, and on their way by two connections
	server.WaitFor("whoever finds no place is answered", func() bool { return runtime.NumGoroutine() <= most })
	server.WaitFor("and then all are", func() bool { return runtime.NumGoroutine() <= before+8 })
}

func TestStoreThatIsAwayIsUnavailableAtOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	o := at(server.URL())
	o.Queue = 16
	e := open(t, o)
	server.Kill()
	time.Sleep(20 * time.Millisecond)
	errs := make(chan error, 500)
	for range cap(errs) {
		go func() { _, err := e.Load(t.Context(), "context:c"); errs <- err }()
	}
	for range cap(errs) {
		select {
		case err := <-errs:
			if !errors.Is(err, hub.ErrUnavailable) {
				t.Fatalf("error %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a call waits for a server that is away")
		}
	}
	if err := e.Follow(t.Context(), "news"); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("follow: %v", err)
	}
	server.Restart()
	server.WaitFor("it is found again", func() bool { _, err := e.Load(t.Context(), "context:c"); return err == nil })
	server.WaitFor("and can be followed", func() bool { return e.Follow(t.Context(), "news") == nil })
}
