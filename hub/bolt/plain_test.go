package bolt_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
)

func TestPublishingWithoutHistoryAllocatesNothing(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "store.db"), bolt.Options{})
	if err := e.Follow(t.Context(), "news"); err != nil {
		t.Fatal(err)
	}
	ctx, m := t.Context(), &hub.Message{Channel: "news", Type: hub.MessagePublication, Data: []byte("x")}
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := e.Publish(ctx, m, hub.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations a publication", allocs)
	}
}

func TestAChannelThatBecomesDurableGoesOnWhereItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	e := open(t, path, bolt.Options{})
	opts := hub.PublishOptions{HistorySize: 5, HistoryTTL: time.Hour}
	var pos hub.Position
	for n := range 6 {
		opts.Durable = n >= 3
		next, err := e.Publish(t.Context(), &hub.Message{Channel: "news", Type: hub.MessagePublication, Data: []byte("x")}, opts)
		if err != nil || n > 0 && next.Epoch != pos.Epoch || next.Offset != uint64(n+1) {
			t.Fatalf("publication %d is at %v after %v, %v", n, next, pos, err)
		}
		pos = next
	}
	e.Close()
	e = open(t, path, bolt.Options{})
	h, err := e.History(t.Context(), "news", hub.HistoryQuery{Limit: -1})
	if err != nil || h.Position != pos || len(h.Messages) != 3 {
		t.Fatalf("%d messages up to %v, want 3 up to %v, %v", len(h.Messages), h.Position, pos, err)
	}
}
