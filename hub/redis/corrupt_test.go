package redis_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

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
			if !errors.Is(err, hub.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
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
		if r.Seq < 3 && !(errors.Is(err, hub.ErrTrimmed) && strings.Contains(err.Error(), fmt.Sprintf("key samepage:{0}:records at %d is corrupt", r.Seq))) {
			t.Errorf("record %d: %v", r.Seq, err)
		}
		if r.Seq == 4 {
			break
		}
	}
	if s := strings.Join(got, " "); s != "1:false 2:false 3:false 4:true" {
		t.Errorf("yielded %s", s)
	}
}

func TestPartitionThatIsCorruptHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 2})
	of := map[int]hub.Channel{}
	for n := 0; len(of) < 2; n++ {
		name := hub.Channel(fmt.Sprintf("context:c-%d", n))
		of[hub.Partition(name, 2)] = name
	}
	commit := func(p int) error {
		c := added("k", `{}`)
		c.Channel = of[p]
		_, err := e.Commit(t.Context(), c)
		return err
	}
	if err := commit(0); err != nil {
		t.Fatal(err)
	}
	corrupt := server.Do("EVAL", "return redis.call('KEYS', '*:records')[1]", "0")
	server.Do("SET", corrupt, "x")
	if err := commit(1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	healed := false
	for r, err := range e.Log(ctx, hub.Cursors{0: 0, 1: 0}) {
		if err != nil && !errors.Is(err, hub.ErrTrimmed) {
			t.Fatal(err)
		}
		if r.Partition == 0 {
			if !healed {
				t.Error("a partition that is corrupt has records")
			}
			return
		}
		if !healed { // the other one was read: now the first
			healed = true
			server.Do("DEL", corrupt)
			if err := commit(0); err != nil {
				t.Fatal(err)
			}
		}
	}
}
