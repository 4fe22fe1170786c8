package redis_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

var prefixes atomic.Int64

// prefix is a key space of a test's own.
func prefix() string { return fmt.Sprintf("t%d", prefixes.Add(1)) }

func open(t testing.TB, o redis.Options) *redis.Engine {
	t.Helper()
	if testing.Verbose() && os.Getenv("REDIS_TEST_LOG") != "" {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	e, err := redis.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// longAgo is before every clock of the tests.
const longAgo = 100 * 365 * 24 * time.Hour

// conformance runs the suite that every engine passes, on a store that is there.
func conformance(t *testing.T, addresses ...string) {
	var mu sync.Mutex
	options := map[hub.Engine]redis.Options{}
	clocks := map[hub.Engine]*atomic.Int64{}
	start := func(t *testing.T, o redis.Options, ahead *atomic.Int64) hub.Engine {
		o.Addresses = addresses
		o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		e := open(t, o)
		mu.Lock()
		defer mu.Unlock()
		options[e], clocks[e] = o, ahead
		return e
	}
	enginetest.Run(t, enginetest.Harness{
		LogSize: 20,
		Open: func(t *testing.T) hub.Engine {
			return start(t, redis.Options{Prefix: prefix(), LogSize: 20, Partitions: 16, RecordsAge: longAgo}, new(atomic.Int64))
		},
		OpenSmall: func(t *testing.T) hub.Engine {
			return start(t, redis.Options{Prefix: prefix(), RecordsSize: 16, Partitions: 16}, new(atomic.Int64))
		},
		Reopen: func(t *testing.T, e hub.Engine) hub.Engine {
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			o, ahead := options[e], clocks[e]
			mu.Unlock()
			return start(t, o, ahead)
		},
		Advance: func(e hub.Engine, d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			clocks[e].Add(int64(d))
		},
	})
}

func TestEngineOnOneServer(t *testing.T) {
	conformance(t, redistest.Start(t).URL())
}

func TestEngineOnACluster(t *testing.T) {
	conformance(t, redistest.StartCluster(t).URL())
}

func TestClosedEngineLeavesNothingRunning(t *testing.T) {
	server := redistest.Start(t)
	before := runtime.NumGoroutine()
	for range 3 {
		e := open(t, at(server.URL()))
		var work sync.WaitGroup
		work.Go(func() { _ = e.Listen(context.Background(), func(*hub.Message) {}) })
		work.Go(func() {
			for range e.Log(context.Background(), hub.Cursors{0: 0}) {
			}
		})
		work.Go(func() {
			_ = e.Share(context.Background(), "views", func(ctx context.Context, _ *redis.Part) error {
				<-ctx.Done()
				return ctx.Err()
			})
		})
		if err := e.Follow(t.Context(), "news", "context:c"); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		work.Wait()
	}
	server.WaitFor("the last goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}
