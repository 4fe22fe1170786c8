package redis_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis/redistest"
)

// BenchmarkCommit is one command after the other, and as many as a busy node
// has under way at once.
func BenchmarkCommit(b *testing.B) {
	server := redistest.Start(b)
	for _, callers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("callers-%d", callers), func(b *testing.B) {
			o := at(server.URL())
			o.Prefix = prefix()
			e := open(b, o)
			doc := json.RawMessage(fmt.Sprintf(`{"lines":{"l1":{"sku":"latte","quantity":2,"note":%q}}}`, "extra hot, oat milk, no lid, name on the cup, two sugars"))
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism((callers + 1) / 2)
			b.ResetTimer()
			commit := func() {
				n := next.Add(1)
				c := &hub.Commit{
					Channel: hub.Channel(fmt.Sprintf("context:c-%d", n%1000)), Now: time.Now(),
					Command: hub.Remembered{ID: fmt.Sprint(n), Hash: [32]byte{1}, Expires: time.Now().Add(time.Hour)},
					Event:   &hub.Event{Type: "cart.line_added", Changes: []hub.Change{{Key: "cart/ca1", Doc: doc}}},
					Entries: map[string]json.RawMessage{"cart/ca1": doc},
				}
				if _, err := e.Commit(b.Context(), c); err != nil {
					b.Error(err)
				}
			}
			if callers == 1 {
				for range b.N {
					commit()
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					commit()
				}
			})
		})
	}
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
