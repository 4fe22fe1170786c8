package redis_test

import (
	"fmt"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

func TestConsumerThatFollowsIsToldEachRecordAndReadsNone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := open(t, redis.Options{Addresses: []string{server.URL()}, Partitions: 1})
	commit := func() {
		t.Helper()
		if _, err := e.Commit(t.Context(), added("k", `{}`)); err != nil {
			t.Fatal(err)
		}
	}
	commit()
	got := make(chan hub.Record)
	ctx := t.Context()
	go func() {
		defer close(got)
		for record, err := range e.Log(ctx, hub.Cursors{0: 0}) {
			if err != nil {
				return
			}
			got <- record
		}
	}()
	last := (<-got).Seq
	server.WaitFor("the partition's topic to be subscribed to", func() bool {
		return server.Do("PUBSUB", "CHANNELS", "samepage:{0}:records") == "*1"
	})
	server.Do("CONFIG", "RESETSTAT")
	const most = 50
	for range most {
		commit()
		r := <-got
		if r.Seq != last+1 || r.Message.Event.Type != "thing.changed" || r.Message.Position.Offset != r.Seq {
			t.Fatalf("after %d it was told %+v", last, r)
		}
		last = r.Seq
	}
	reads := 0
	_, _ = fmt.Sscanf(server.Info("cmdstat_xrange"), "calls=%d", &reads)
	if reads > most/5 { // it looks by itself now and then, and may be ahead of what it is told
		t.Errorf("%d records were read %d times", most, reads)
	}
}
