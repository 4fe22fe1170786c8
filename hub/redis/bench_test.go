package redis_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

// BenchmarkCommit is one command after the other, and as many as a busy node
// has under way at once.
func BenchmarkCommit(b *testing.B) {
	// What adding a line to a cart reads and writes.
	reads := map[string]uint64{"profile": 0, "loyalty": 0, "alias": 0, "erased": 0, "consent": 0}
	doc := json.RawMessage(fmt.Sprintf(`{"lines":{"l1":{"sku":"latte","quantity":2,"note":%q}}}`, "extra hot, oat milk, no lid, name on the cup, two sugars"))
	benchmark(b, func(e *redis.Engine, n int64) error {
		_, err := e.Commit(b.Context(), &hub.Commit{
			Channel: hub.Channel(fmt.Sprintf("context:c-%d", n%1000)), Now: time.Now(),
			Command: hub.Remembered{ID: fmt.Sprint(n), Hash: [32]byte{1}, Expires: time.Now().Add(time.Hour)},
			Event:   &hub.Event{Type: "cart.line_added", Changes: []hub.Change{{Key: "cart/ca1", Doc: doc}}},
			Expect:  reads,
			Entries: map[string]json.RawMessage{"cart/ca1": doc, "activity": doc},
			Timers:  []hub.TimerChange{{Key: "abandoned", Due: time.Now().Add(time.Hour), Method: "cart.abandon"}},
		})
		return err
	})
}

// BenchmarkPublish is the same of a plain channel with a history.
func BenchmarkPublish(b *testing.B) {
	keep := hub.PublishOptions{HistorySize: 100, HistoryTTL: 5 * time.Minute, HistoryMetaTTL: time.Hour}
	data := fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("x", 190))
	benchmark(b, func(e *redis.Engine, n int64) error {
		_, err := e.Publish(b.Context(), &hub.Message{Channel: hub.Channel(fmt.Sprintf("news:%d", n%1000)), Type: hub.MessagePublication, Data: data}, keep)
		return err
	})
}

// benchmark calls from one and from many, and reports what a call costs the server.
func benchmark(b *testing.B, call func(e *redis.Engine, n int64) error) {
	server := redistest.Start(b)
	for _, callers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("callers-%d", callers), func(b *testing.B) {
			o := at(server.URL())
			o.Prefix = prefix()
			e := open(b, o)
			var next atomic.Int64
			if err := call(e, 0); err != nil { // the first call sends the script
				b.Fatal(err)
			}
			before := cpu(b, server)
			b.ReportAllocs()
			b.SetParallelism((callers + 1) / 2)
			b.ResetTimer()
			if callers == 1 {
				for range b.N {
					if err := call(e, next.Add(1)); err != nil {
						b.Error(err)
					}
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := call(e, next.Add(1)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.StopTimer()
			b.ReportMetric((cpu(b, server)-before)*1e6/float64(b.N), "redis-us/op")
		})
	}
}

// cpu is how many seconds of a processor the server has used.
func cpu(b *testing.B, server *redistest.Server) (seconds float64) {
	b.Helper()
	for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
		s, err := strconv.ParseFloat(server.Info(field), 64)
		if err != nil {
			b.Fatal(err)
		}
		seconds += s
	}
	return seconds
}

// BenchmarkPipelining holds our own queue against the driver's, with the same
// small script from many callers.
func BenchmarkPipelining(b *testing.B) {
	server := redistest.Start(b)
	e := open(b, at(server.URL()))
	auto, err := e.Client().AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = auto.Close() })
	args := []any{"EVAL", "return redis.call('HINCRBY', KEYS[1], 'n', 1)", 1, "counter"}
	for name, run := range map[string]func() error{
		"own": func() error { return e.Run(b.Context(), args) },
		"driver": func() error {
			return auto.Eval(b.Context(), "return redis.call('HINCRBY', KEYS[1], 'n', 1)", []string{"counter"}).Err()
		},
		"none": func() error { return e.Client().Do(b.Context(), args...).Err() },
	} {
		for _, callers := range []int{16, 128} {
			b.Run(fmt.Sprintf("%s-%d", name, callers), func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(callers / 2)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := run(); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
