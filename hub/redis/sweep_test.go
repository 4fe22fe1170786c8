package redis_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

func TestPositionThatMovedOnIsSweptWhenItExpiresAndNotBefore(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var ahead atomic.Int64
	name := prefix()
	e := open(t, redis.Options{
		Addresses: []string{server.URL()}, Prefix: name,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	publish := func() hub.Position {
		at, err := e.Publish(t.Context(), &hub.Message{Channel: "news", Type: hub.MessagePublication, Data: []byte(`1`)},
			hub.PublishOptions{HistorySize: 10, HistoryTTL: time.Minute, HistoryMetaTTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	first := publish()
	ahead.Store(int64(40 * time.Minute))
	publish()
	ahead.Store(int64(80 * time.Minute)) // the first one's hour is over, the second one's is not
	e.Sweep()
	if third := publish(); third.Epoch != first.Epoch || third.Offset != 3 {
		t.Fatalf("after a sweep before its time it goes on at %v; it began at %v", third, first)
	}
	ahead.Store(int64(150 * time.Minute))
	e.Sweep()
	if keys := server.Do("KEYS", name+":*:plain:news"); strings.Contains(keys, "news") {
		t.Errorf("an expired position stays: %s", keys)
	}
	if fourth := publish(); fourth.Epoch == first.Epoch || fourth.Offset != 1 {
		t.Errorf("an expired position goes on at %v", fourth)
	}
}

// A log that holds different times to live is looked through whole each time.
func TestClocksThatDifferALittleDoNotMixTimesToLive(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	keep := hub.PublishOptions{HistorySize: 100, HistoryTTL: time.Minute}
	var nodes []*redis.Engine
	for _, behind := range []time.Duration{0, 50 * time.Millisecond} {
		o := redis.Options{Addresses: []string{server.URL()}, Partitions: 1}
		o.Now = func() time.Time { return time.Now().Add(-behind) }
		nodes = append(nodes, open(t, o))
	}
	publish := func(e *redis.Engine, keep hub.PublishOptions) {
		t.Helper()
		if _, err := e.Publish(t.Context(), &hub.Message{Channel: "news", Type: hub.MessagePublication, Data: []byte(`1`)}, keep); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		publish(nodes[n%2], keep)
	}
	if mixed := server.Do("HGET", "samepage:{0}:plain:news", "mixed"); mixed != "" {
		t.Error("one time to live is taken for several")
	}
	keep.HistoryTTL = 10 * time.Second
	publish(nodes[0], keep)
	if mixed := server.Do("HGET", "samepage:{0}:plain:news", "mixed"); mixed == "" {
		t.Error("another time to live is not noticed")
	}
}
