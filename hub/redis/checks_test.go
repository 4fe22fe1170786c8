package redis_test

import (
	"context"
	"encoding/json"
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

func TestStoreThatCannotBeTrustedIsRefusedWithReasonAndRemedy(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, c := range map[string]struct {
		prepare func(p string)
		options redis.Options
		want    []string
	}{
		"it may evict keys": {
			prepare: func(string) { server.Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru") },
			want:    []string{"allkeys-lru", "noeviction"},
		},
		"another number of partitions": {
			prepare: func(p string) { server.Do("HSET", p+":layout", "format", "samepage/1", "partitions", "32") },
			options: redis.Options{Partitions: 64},
			want:    []string{"32 partitions", "64", "prefix"},
		},
		"another format": {
			prepare: func(p string) { server.Do("HSET", p+":layout", "format", "samepage/9", "partitions", "32") },
			want:    []string{"samepage/9", "samepage/1"},
		},
		"keys of somebody else": {
			prepare: func(p string) { server.Do("SET", p+":session:1", "x") },
			want:    []string{":session:1", "another prefix"},
		},
		"a layout of somebody else": {
			prepare: func(p string) { server.Do("SET", p+":layout", "x") },
			want:    []string{":layout", "another prefix"},
		},
		"a corrupt layout": {
			prepare: func(p string) { server.Do("HSET", p+":layout", "format", "samepage/1", "partitions", "many") },
			want:    []string{":layout", "many"},
		},
		"the disk is to be waited for, and the server cannot": {
			options: redis.Options{Acks: "aof"},
			want:    []string{"WAITAOF", "7.2"},
		},
		"acks that are none":      {options: redis.Options{Acks: "all"}, want: []string{"replica:N"}},
		"a prefix with braces":    {options: redis.Options{Prefix: "a{b}"}, want: []string{"braces"}},
		"too many partitions":     {options: redis.Options{Partitions: 5000}, want: []string{"4096"}},
		"no server where it says": {options: redis.Options{Addresses: []string{"redis://127.0.0.1:1"}}, want: []string{"127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			server.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
			o := c.options
			if o.Prefix == "" {
				o.Prefix = prefix()
			}
			if o.Addresses == nil {
				o.Addresses = []string{server.URL()}
			}
			if c.prepare != nil {
				c.prepare(o.Prefix)
			}
			e, err := redis.Open(t.Context(), o)
			if err == nil {
				_ = e.Close()
				t.Fatal("opened")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not mention %q", err, want)
				}
			}
		})
	}
}

func TestServerThatIsTooOldIsRefused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	version := server.Info("redis_version")
	proxy := redistest.StartProxy(t, server)
	proxy.Instead = map[string]string{"redis_version:" + version: "redis_version:6" + version[1:]}
	if e, err := redis.Open(t.Context(), at(proxy.URL())); err == nil || !strings.Contains(err.Error(), `"6`+version[1:]+`"; 7.0 or newer`) {
		t.Errorf("opened %v, %v", e, err)
	}
}

func TestReplicaIsRefused(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	replica := redistest.Start(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", master.Port), "--replica-read-only", "no")
	if e, err := redis.Open(t.Context(), at(replica.URL())); err == nil || !strings.Contains(err.Error(), "master") {
		t.Errorf("opened %v, %v", e, err)
	}
}

func TestClusterIsNotTakenForOneServer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--cluster-enabled", "yes")
	if e, err := redis.Open(t.Context(), at(server.URL())); err == nil {
		t.Errorf("opened %v", e)
	}
}

func TestStoreKeepsItsPartitionsAndIsLaidOutAgainAfterAFlush(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	o := at(server.URL())
	o.Partitions = 8
	first := open(t, o)
	o.Partitions = 0
	if n := open(t, o).Partitions(); n != 8 {
		t.Fatalf("%d partitions, want the 8 of the first start", n)
	}
	server.Do("FLUSHALL")
	server.WaitFor("the layout is written again", func() bool { return server.Do("EXISTS", "samepage:layout") == ":1" })
	if n := open(t, o).Partitions(); n != 8 {
		t.Fatalf("%d partitions after a flush, want 8", n)
	}
	server.Do("HSET", "samepage:layout", "partitions", "16")
	server.WaitFor("a node that knows another layout stops", func() bool {
		_, err := first.Load(t.Context(), "context:c")
		return errors.Is(err, hub.ErrUnavailable) && strings.Contains(err.Error(), "restart")
	})
}

func TestNodesThatStartTogetherLayTheStoreOutOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for range 20 {
		o := at(server.URL())
		o.Prefix, o.Partitions = prefix(), 4
		var work sync.WaitGroup
		for range 6 {
			work.Go(func() {
				e, err := redis.Open(t.Context(), o)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := e.Commit(t.Context(), added("k", `{}`)); err != nil {
					t.Error(err)
				}
				_ = e.Close()
			})
		}
		work.Wait()
	}
}

func added(key, doc string) *hub.Commit {
	return &hub.Commit{
		Channel: "context:c", Now: time.Now(),
		Event:   &hub.Event{Type: "thing.changed", Changes: []hub.Change{{Key: key, Doc: json.RawMessage(doc)}}},
		Entries: map[string]json.RawMessage{key: json.RawMessage(doc)},
	}
}

func TestCorruptKeyIsNamedAndHarmsItsChannelAlone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	load := func() error { _, err := e.Load(t.Context(), "context:c"); return err }
	history := func() error {
		_, err := e.History(t.Context(), "context:c", hub.HistoryQuery{Limit: -1})
		return err
	}
	commit := func() error { _, err := e.Commit(t.Context(), added("k", `{}`)); return err }
	for name, c := range map[string]struct {
		damage []string
		look   func() error
		want   string
	}{
		"an entry that is no JSON":      {[]string{"HSET", "samepage:{0}:entry:context:c", "k", "1 {"}, load, "samepage:{0}:entry:context:c field k"},
		"an entry without a version":    {[]string{"HSET", "samepage:{0}:entry:context:c", "k", "{}"}, load, "samepage:{0}:entry:context:c field k"},
		"an event that is cut off":      {[]string{"XADD", "samepage:{0}:log:context:c", "2-0", "t", "1", "m", "\x01"}, history, "samepage:{0}:log:context:c at 2"},
		"an event that is no JSON":      {[]string{"XADD", "samepage:{0}:log:context:c", "2-0", "t", "1", "m", "\x01\x00\x00\x00{"}, history, "samepage:{0}:log:context:c at 2"},
		"a log that is ahead":           {[]string{"XADD", "samepage:{0}:log:context:c", "9-0", "t", "1", "m", "x"}, commit, "samepage:{0}:log:context:c"},
		"a log of another type, read":   {[]string{"SET", "samepage:{0}:log:context:c", "x"}, history, "samepage:{0}:log:context:c"},
		"a log of another type":         {[]string{"SET", "samepage:{0}:log:context:c", "x"}, commit, "samepage:{0}:log:context:c"},
		"entries of another type":       {[]string{"SET", "samepage:{0}:entry:context:c", "x"}, commit, "samepage:{0}:entry:context:c"},
		"entries of another type, read": {[]string{"SET", "samepage:{0}:entry:context:c", "x"}, load, "samepage:{0}:entry:context:c"},
		"a head that is no number":      {[]string{"SET", "samepage:{0}:head:context:c", "x"}, load, "samepage:{0}:head:context:c"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, what := range []string{"entry", "log", "head"} {
				server.Do("DEL", "samepage:{0}:"+what+":context:c")
			}
			if err := commit(); err != nil {
				t.Fatal(err)
			}
			server.Do(c.damage...)
			err := c.look()
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "corrupt") {
				t.Errorf("error %v, want one that says %s is corrupt", err, c.want)
			}
			if errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("it looks as if trying again would help: %v", err)
			}
			other := added("k", `{}`)
			other.Channel = "context:other"
			if _, err := e.Commit(t.Context(), other); err != nil {
				t.Errorf("another channel: %v", err)
			}
		})
	}
}

func TestCommitIsUndoneWhereItsPartitionsLogIsCorrupt(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	server.Do("SET", "samepage:{0}:records", "x")
	for range 2 {
		if _, err := e.Commit(t.Context(), added("k", `{}`)); err == nil || !strings.Contains(err.Error(), "samepage:{0}:records") {
			t.Fatalf("error %v", err)
		}
	}
	if h, err := e.History(t.Context(), "context:c", hub.HistoryQuery{Limit: -1}); err != nil || h.Position.Offset != 0 || len(h.Messages) != 0 {
		t.Errorf("left behind: %+v, %v", h, err)
	}
	server.Do("DEL", "samepage:{0}:records")
	if r, err := e.Commit(t.Context(), added("k", `{}`)); err != nil || r.Position.Offset != 1 {
		t.Errorf("when it is healed: %+v, %v", r, err)
	}
}

func TestCorruptRecordIsYieldedAsAnErrorAndTheLogGoesOn(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	for n := range 3 {
		if _, err := e.Commit(t.Context(), added("k", fmt.Sprintf(`{"n":%d}`, n))); err != nil {
			t.Fatal(err)
		}
	}
	server.Do("DEL", "samepage:{0}:records")
	for seq, m := range []string{"1-0", "2-0"} {
		server.Do("XADD", "samepage:{0}:records", m, "t", fmt.Sprint(time.Now().UnixMilli()), "m", "\x01", "c", "context:c", "o", fmt.Sprint(seq+1))
	}
	if _, err := e.Commit(t.Context(), added("k", `{}`)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []string
	for r, err := range e.Log(ctx, hub.Cursors{0: 0}) {
		got = append(got, fmt.Sprintf("%d:%t", r.Seq, err == nil))
		if r.Seq == 4 {
			break
		}
	}
	if s := strings.Join(got, " "); s != "1:false 2:false 3:false 4:true" {
		t.Errorf("yielded %s", s)
	}
}

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
