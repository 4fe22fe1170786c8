package redis_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

// telling is a commit whose event, not its entry, tells a secret.
func telling(name hub.Channel, n int) *hub.Commit {
	c := added("k", fmt.Sprintf(`{"n":%d}`, n))
	c.Channel = name
	c.Event.Data = json.RawMessage(fmt.Sprintf(`{"why":"hunter2 of %d"}`, n))
	return c
}

func refusal(name hub.Channel, id string) *hub.Commit {
	return &hub.Commit{Channel: name, Now: time.Now(), Command: hub.Remembered{
		ID: id, Expires: time.Now().Add(time.Hour), Problem: json.RawMessage(`{"code":"conflict","message":"hunter2"}`),
	}}
}

// secrets are the keys of which the server would write the secret to disk.
func secrets(t *testing.T, e *redis.Engine) (keys []string) {
	t.Helper()
	all, err := e.Client().Keys(t.Context(), "samepage:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range all {
		raw, err := e.Client().Dump(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(raw, "hunter2") {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestErasedPastIsNowhereInTheStore(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--rdbcompression", "no")
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	must := func(c *hub.Commit) {
		t.Helper()
		if _, err := e.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	const n = 600 // several pages of rows
	for i := range n {
		must(telling("context:c", i))
	}
	for i := range 3 {
		must(refusal("context:c", fmt.Sprint("r", i)))
	}
	if found := secrets(t, e); len(found) != 5 {
		t.Fatalf("the secret is in %v; want it in the log, the records and three answers", found)
	}
	pos, err := e.Erase(t.Context(), "context:c", n+1)
	if err != nil || pos.Offset != n {
		t.Fatalf("erased: %v, %v", pos, err)
	}
	if found := secrets(t, e); len(found) != 0 {
		t.Errorf("the secret is still in %v", found)
	}
	if ttl := server.Do("PTTL", "samepage:{0}:id:context:c r0"); strings.HasPrefix(ttl, ":-") {
		t.Errorf("an erased answer is kept for ever: %s", ttl)
	}
	seq := uint64(0)
	for r, err := range e.Log(t.Context(), hub.Cursors{0: 0}) {
		if seq++; err != nil || r.Seq != seq || r.Message.Position != (hub.Position{Epoch: pos.Epoch, Offset: seq}) || r.Message.Time == 0 {
			t.Fatalf("record %d: %+v, %v", seq, r, err)
		}
		if seq == n {
			break
		}
	}
	must(telling("context:c", n))
	h, err := e.History(t.Context(), "context:c", hub.HistoryQuery{Since: &pos, Limit: -1})
	if err != nil || len(h.Messages) != 1 || h.Position != (hub.Position{Epoch: pos.Epoch, Offset: n + 1}) {
		t.Errorf("what came then: %+v, %v", h, err)
	}
}

func TestErasingAmongCommitsLosesNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	names := []hub.Channel{"context:a", "context:b", "context:c"}
	const n = 60
	var work sync.WaitGroup
	for _, name := range names {
		work.Go(func() {
			for i := range n {
				if _, err := e.Commit(t.Context(), telling(name, i)); err != nil {
					t.Error(err)
				}
				if i%7 == 0 && name != "context:c" {
					if _, err := e.Erase(t.Context(), name, uint64(i)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	work.Wait()
	seen, erased := map[hub.Channel]uint64{}, map[hub.Channel]int{}
	total := 0
	for r, err := range e.Log(t.Context(), hub.Cursors{0: 0}) {
		if err != nil {
			t.Fatal(err)
		}
		name := r.Message.Channel
		if seen[name]++; r.Message.Position.Offset != seen[name] {
			t.Fatalf("%s: offset %d is the record number %d", name, r.Message.Position.Offset, seen[name])
		}
		if r.Message.Event.Data == nil {
			erased[name]++
		}
		if total++; total == n*len(names) {
			break
		}
	}
	for _, name := range names {
		want := 55 // before offset 56, the last asked for
		if name == "context:c" {
			want = 0
		}
		if erased[name] != want {
			t.Errorf("%s: %d records are husks, want %d", name, erased[name], want)
		}
		h, err := e.History(t.Context(), name, hub.HistoryQuery{Limit: -1})
		if err != nil || len(h.Messages) != n-want || h.Position.Offset != n {
			t.Errorf("%s: %d events at %v, want %d; %v", name, len(h.Messages), h.Position, n-want, err)
		}
	}
}

func TestErasedChannelHasAnEpochOfItsOwnAfterARestart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	for i := range 2 {
		if _, err := e.Commit(t.Context(), telling("context:c", i)); err != nil {
			t.Fatal(err)
		}
	}
	pos, err := e.Erase(t.Context(), "context:c", 2)
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Restart()
	var after []hub.Position
	server.WaitFor("it answers again", func() bool {
		after, err = e.Heads(t.Context(), []hub.Channel{"context:c", "context:other"})
		return err == nil
	})
	if after[0].Epoch == pos.Epoch || after[0].Epoch == after[1].Epoch || after[0].Offset != 2 {
		t.Errorf("it stood at %v, and stands at %v; another at %v", pos, after[0], after[1])
	}
	again, err := e.Erase(t.Context(), "context:c", 2)
	if err != nil || again != after[0] {
		t.Errorf("erased again: %v, %v; want %v", again, err, after[0])
	}
}

func TestWhatCannotBeErasedIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	if _, err := e.Erase(t.Context(), "news", 1); !errors.Is(err, hub.ErrUnknownChannel) {
		t.Errorf("a plain channel: %v", err)
	}
	for name, damage := range map[string][]string{
		"samepage:{0}:records at 2":       {"XADD", "samepage:{0}:records", "2-0", "t", "1", "m", "\x01", "c", "context:c", "o", "1"},
		"samepage:{0}:refused:context:c":  {"SET", "samepage:{0}:refused:context:c", "x"},
		"samepage:{0}:log:context:c":      {"SET", "samepage:{0}:log:context:c", "x"},
		"samepage:{0}:head:context:c":     {"SET", "samepage:{0}:head:context:c", "x"},
		"samepage:{0}:records is corrupt": {"SET", "samepage:{0}:records", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			server.Do("DEL", "samepage:{0}:records", "samepage:{0}:refused:context:c", "samepage:{0}:log:context:c",
				"samepage:{0}:head:context:c", "samepage:{0}:partition")
			if _, err := e.Commit(t.Context(), telling("context:c", 1)); err != nil {
				t.Fatal(err)
			}
			server.Do(damage...)
			before := server.Do("HGETALL", "samepage:{0}:partition")
			_, err := e.Erase(t.Context(), "context:c", 2)
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "corrupt") {
				t.Errorf("error %v, want one that says %s is corrupt", err, name)
			}
			if after := server.Do("HGETALL", "samepage:{0}:partition"); after != before {
				t.Errorf("it began all the same: %s, then %s", before, after)
			}
		})
	}
}
