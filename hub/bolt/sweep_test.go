package bolt_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
)

func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestWhatHasExpiredLeavesTheFile(t *testing.T) {
	clock := &clock{now: time.Now()}
	e := open(t, filepath.Join(t.TempDir(), "store.db"), bolt.Options{
		Now: clock.Now, SweepEvery: time.Millisecond, RecordsStep: 8, LogSize: 10,
	})
	const commits = 640
	for n := range uint64(commits) {
		c := line(n)
		c.Channel = "context:c-1"
		if _, err := e.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 20 {
		_, err := e.Publish(t.Context(), &hub.Message{Channel: "news", Type: hub.MessagePublication, Data: []byte("x")}, hub.PublishOptions{
			HistorySize: 10, HistoryTTL: time.Hour, Durable: true, IdempotencyKey: fmt.Sprint(n), IdempotencyTTL: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := e.Rows("commands"); n != commits+20 {
		t.Errorf("%d answers", n)
	}
	if n := e.Rows("log"); n != commits {
		t.Errorf("%d records", n)
	}
	if n := e.Rows("channels"); n > 2+10+16+1 {
		t.Errorf("%d rows of a channel whose log shows ten events", n)
	}
	if n := e.Rows("plain"); n != 11 {
		t.Errorf("%d rows of a plain channel that keeps ten", n)
	}
	clock.advance(time.Hour)
	waitFor(t, "keys and publications go after their hour", func() bool {
		return e.Rows("commands") == commits && e.Rows("plain") == 1
	})
	clock.advance(25 * time.Hour)
	waitFor(t, "answers go after their day", func() bool { return e.Rows("commands")+e.Rows("expiry") == 0 })
	if n := e.Rows("log"); n != commits {
		t.Errorf("%d records after a day", n)
	}
	clock.advance(7 * 24 * time.Hour)
	waitFor(t, "records go after their week, but for those the channel shows", func() bool {
		return e.Rows("log") <= 10+16 && e.Rows("checkpoints") == 1
	})
	h, err := e.History(t.Context(), "context:c-1", hub.HistoryQuery{Limit: -1})
	if err != nil || len(h.Messages) != 10 || h.Position.Offset != commits {
		t.Errorf("%d messages up to %v, %v", len(h.Messages), h.Position, err)
	}
}
