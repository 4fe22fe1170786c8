package enginetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func (s suite) LogHasEveryEventInItsPartitionWithoutGap(t *testing.T) {
	e := s.Open(t)
	const channels, each = 12, 5
	for range each {
		for n := range channels {
			commit(t, e, event(hub.Channel(fmt.Sprintf("context:c-%d", n)), "k", `{"n":1}`))
		}
	}
	commit(t, e, command(&hub.Commit{Channel: context42, Now: start}, "no event", 1))
	publish(t, e, "news", "x", hub.PublishOptions{HistorySize: 5, HistoryTTL: time.Hour, Durable: true})

	seqs, seen := allCursors(e), map[hub.Channel]uint64{}
	for _, r := range collect(t, e, allCursors(e), channels*each) {
		m := r.Message
		want(t, "partition of "+string(m.Channel), r.Partition, hub.Partition(m.Channel, e.Partitions()))
		want(t, "seq", r.Seq, seqs[r.Partition]+1)
		seqs[r.Partition] = r.Seq
		want(t, "offset in "+string(m.Channel), m.Position.Offset, seen[m.Channel]+1)
		seen[m.Channel] = m.Position.Offset
		want(t, "position", m.Position.Epoch, headOf(t, e, m.Channel).Epoch)
		if m.Type != hub.MessageEvent || m.Event == nil || m.Event.Changes[0].Version != m.Position.Offset || m.Time != start.UnixMilli() {
			t.Fatalf("message %+v", m)
		}
	}
	want(t, "channels", len(seen), channels)

	// From where one stopped, there is only what came after.
	r := commit(t, e, event("context:c-3", "k", `{"n":2}`))
	for _, record := range collect(t, e, seqs, 1) {
		want(t, "position", record.Message.Position, r.Position)
	}
}

func (s suite) LogYieldsOnlyThePartitionsAskedFor(t *testing.T) {
	e := s.Open(t)
	if e.Partitions() < 2 {
		t.Skip("the engine has a single partition")
	}
	mine := hub.Partition(context42, e.Partitions())
	for n := range 30 {
		commit(t, e, event(hub.Channel(fmt.Sprintf("store:s-%d", n)), "k", `{}`))
	}
	commit(t, e, event(context42, "last", `{}`))
	after := hub.Cursors{mine: 0}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for r, err := range e.Log(ctx, after) {
		if err != nil {
			t.Fatal(err)
		}
		want(t, "partition", r.Partition, mine)
		if r.Message.Channel == context42 {
			break
		}
	}
	want(t, "the caller's cursor", after[mine], 0)
	for _, err := range e.Log(ctx, hub.Cursors{e.Partitions(): 0}) {
		if err == nil {
			t.Fatal("a record of a partition that is not")
		}
		break
	}
}

func (s suite) LogWaitsForMoreUntilItsContextEnds(t *testing.T) {
	e := s.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	records, ended := make(chan hub.Record), make(chan error, 1)
	go func() {
		for r, err := range e.Log(ctx, allCursors(e)) {
			if err != nil {
				ended <- err
				return
			}
			records <- r
		}
		ended <- nil
	}()
	for n := range uint64(3) {
		r := commit(t, e, event(context42, "k", `{}`))
		select {
		case record := <-records:
			want(t, "seq", record.Seq, n+1)
			want(t, "position", record.Message.Position, r.Position)
		case <-time.After(patience):
			t.Fatal("the record did not come")
		}
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Log went on after its context ended")
	}
}

func (s suite) LogGoesOnAfterARestart(t *testing.T) {
	if s.Reopen == nil {
		skip(t, "Reopen")
	}
	e := s.Open(t)
	const restarts, each = 3, 7
	epoch := headOf(t, e, context42).Epoch
	for n := range uint64(restarts) {
		for i := range uint64(each) {
			want(t, "position", commit(t, e, event(context42, "k", `{}`)).Position, hub.Position{Epoch: epoch, Offset: n*each + i + 1})
		}
		e = s.Reopen(t, e)
	}
	commit(t, e, event(context42, "k", `{}`))
	mine := hub.Partition(context42, e.Partitions())
	for i, r := range collect(t, e, hub.Cursors{mine: 0}, restarts*each+1) {
		want(t, "seq", r.Seq, uint64(i+1))
		want(t, "offset", r.Message.Position.Offset, uint64(i+1))
	}
	want(t, "versions", load(t, e, context42).Entries["k"].Version, restarts*each+1)
}

func (s suite) TrimmedLogSaysSoOnceAPartitionAndGoesOn(t *testing.T) {
	if s.OpenSmall == nil {
		skip(t, "OpenSmall")
	}
	e := s.OpenSmall(t)
	names := []hub.Channel{"context:c-1", "context:c-2", "context:c-3"}
	written := hub.Cursors{}
	asked := hub.Cursors{}
	for n := range 600 {
		name := names[n%len(names)]
		commit(t, e, event(name, "k", `{}`))
		written[hub.Partition(name, e.Partitions())]++
	}
	for p := range written {
		asked[p] = 0
	}
	eventually(t, "the log lets go of its oldest records", func() bool {
		for _, err := range e.Log(t.Context(), asked) {
			return errors.Is(err, hub.ErrTrimmed)
		}
		return false
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cursors, trimmed := maps.Clone(asked), hub.Cursors{}
	for r, err := range e.Log(ctx, asked) {
		switch {
		case errors.Is(err, hub.ErrTrimmed):
			if trimmed[r.Partition]++; trimmed[r.Partition] > 1 || cursors[r.Partition] > 0 {
				t.Fatalf("ErrTrimmed for partition %d out of place", r.Partition)
			}
		case err != nil:
			t.Fatal(err)
		case cursors[r.Partition] == 0:
			if trimmed[r.Partition] == 0 && r.Seq != 1 {
				t.Fatalf("partition %d begins at %d without ErrTrimmed", r.Partition, r.Seq)
			}
			cursors[r.Partition] = r.Seq
		default:
			want(t, "seq", r.Seq, cursors[r.Partition]+1)
			cursors[r.Partition] = r.Seq
		}
		if fmt.Sprint(cursors) == fmt.Sprint(written) {
			break
		}
	}
	if len(trimmed) == 0 {
		t.Fatal("no ErrTrimmed")
	}
	for _, name := range names { // the channels' own logs are another matter
		h := history(t, e, name, hub.HistoryQuery{Limit: 5, Reverse: true})
		want(t, "log of "+string(name), offsets(h.Messages), "[200 199 198 197 196]")
	}
	commit(t, e, event(names[0], "k", `{}`))
	for _, r := range collect(t, e, cursors, 1) {
		want(t, "the next", r.Message.Position.Offset, 201)
	}
}

func (s suite) CursorsAreKeptAndNeverMoveBack(t *testing.T) {
	e := s.Open(t)
	ask := func(consumer string) hub.Cursors {
		t.Helper()
		c, err := e.Cursors(t.Context(), consumer)
		if err != nil || len(c) != e.Partitions() {
			t.Fatalf("%d cursors, %v", len(c), err)
		}
		return c
	}
	save := func(consumer string, c hub.Cursors) {
		t.Helper()
		if err := e.SaveCursors(t.Context(), consumer, c); err != nil {
			t.Fatal(err)
		}
	}
	last := e.Partitions() - 1
	want(t, "at first", ask("board")[0], 0)
	save("board", hub.Cursors{0: 5, last: 7})
	save("board", hub.Cursors{0: 3})
	save("board:other", hub.Cursors{0: 1})
	save("boar", hub.Cursors{0: 2})
	check := func() {
		t.Helper()
		want(t, "board", fmt.Sprint(ask("board")[0], ask("board")[last]), "5 7")
		want(t, "board:other", ask("board:other")[0], 1)
		want(t, "boar", ask("boar")[0], 2)
	}
	check()
	if s.Reopen != nil {
		e = s.Reopen(t, e)
		check()
	}
	if err := e.ResetCursors(t.Context(), "board"); err != nil {
		t.Fatal(err)
	}
	want(t, "after the reset", fmt.Sprint(ask("board")[0], ask("board")[last], ask("board:other")[0], ask("boar")[0]), "0 0 1 2")
	save("board", hub.Cursors{0: 1})
	want(t, "from the beginning", ask("board")[0], 1)
}

func (s suite) CheckIsContentWithAStoreThatWorks(t *testing.T) {
	e := s.Open(t)
	for range 2 {
		if err := e.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
