package bolt_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
)

func openBench(b *testing.B, opts bolt.Options) *bolt.Engine {
	b.Helper()
	e, err := bolt.Open(filepath.Join(b.TempDir(), "bench.db"), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	return e
}

const cart = `{"state":"active","currency":"USD","lines":{"l1":{"sku":"latte","name":"Latte","quantity":2,"price":{"amount":450,"currency":"USD"},"total":{"amount":900,"currency":"USD"}}},"total":{"amount":900,"currency":"USD"}}`

// line is a commit such as cart.add_line makes, on one of 1,000 contexts.
func line(n uint64) *hub.Commit {
	now := time.Now()
	id := fmt.Sprintf("0193-%016d", n)
	return &hub.Commit{
		Channel: hub.Channel(fmt.Sprintf("context:c-%d", n%1000)), Now: now,
		Command: hub.Remembered{ID: id, Hash: [32]byte{byte(n)}, Expires: now.Add(24 * time.Hour)},
		Event: &hub.Event{Type: "cart.line_added", At: hub.At(now), By: hub.Actor{Role: hub.RoleCustomer, ID: "c-42", Via: "app"}, Cause: id,
			Changes: []hub.Change{{Key: "cart/ca1", Patch: json.RawMessage(`{"lines":{"l1":{"quantity":2,"total":{"amount":900}}},"total":{"amount":900}}`)}}},
		Entries: map[string]json.RawMessage{"cart/ca1": json.RawMessage(cart)},
	}
}

func BenchmarkCommit(b *testing.B) {
	b.Run("bolt/serial", func(b *testing.B) {
		e := openBench(b, bolt.Options{})
		b.ReportAllocs()
		var n uint64
		for b.Loop() {
			n++
			if _, err := e.Commit(b.Context(), line(n)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bolt/parallel", func(b *testing.B) {
		e := openBench(b, bolt.Options{})
		var n atomic.Uint64
		b.ReportAllocs()
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := e.Commit(b.Context(), line(n.Add(1))); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkLoad(b *testing.B) {
	e := openBench(b, bolt.Options{})
	for n := range uint64(1000) {
		if _, err := e.Commit(b.Context(), line(n)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if s, err := e.Load(b.Context(), "context:c-7"); err != nil || len(s.Entries) != 1 {
			b.Fatal(s, err)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	for name, opts := range map[string]hub.PublishOptions{
		"plain":   {},
		"history": {HistorySize: 100, HistoryTTL: time.Minute},
	} {
		b.Run("bolt/"+name, func(b *testing.B) {
			e := openBench(b, bolt.Options{})
			if err := e.Follow(b.Context(), "news"); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				m := &hub.Message{Channel: "news", Type: hub.MessagePublication, Data: []byte(`{}`)}
				if _, err := e.Publish(b.Context(), m, opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPace commits 2,000 times a second, whether or not earlier commits
// are done, and tells how long they took.
func BenchmarkPace(b *testing.B) {
	b.Run("bolt", func(b *testing.B) { pace(b, bolt.Options{}) })
	b.Run("bolt/ungathered", func(b *testing.B) { pace(b, bolt.Options{Gather: -1}) })
}

func pace(b *testing.B, opts bolt.Options) {
	e := openBench(b, opts)
	took := make([]time.Duration, b.N)
	var work sync.WaitGroup
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	begin := time.Now()
	b.ResetTimer()
	for n := range b.N {
		if wait := time.Until(begin.Add(time.Duration(n) * 500 * time.Microsecond)); wait > 0 {
			time.Sleep(wait)
		}
		work.Go(func() {
			c, from := line(uint64(n)), time.Now()
			if _, err := e.Commit(b.Context(), c); err != nil {
				b.Error(err)
			}
			took[n] = time.Since(from)
		})
	}
	work.Wait()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(cpu)/1000/float64(b.N), "cpu-us/op")
}

// BenchmarkFollow tells what an idle followed channel costs.
func BenchmarkFollow(b *testing.B) {
	e := openBench(b, bolt.Options{})
	names := make([]hub.Channel, b.N)
	for n := range names {
		names[n] = hub.Channel(fmt.Sprintf("context:c-%d", n))
	}
	b.ReportAllocs()
	b.ResetTimer()
	if err := e.Follow(b.Context(), names...); err != nil {
		b.Fatal(err)
	}
}
