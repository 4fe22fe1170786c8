package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func (s suite) ChannelNobodyWroteToStandsAtZeroOfItsEpoch(t *testing.T) {
	e := s.Open(t)
	for _, name := range []hub.Channel{context42, "store:s1"} {
		before := headOf(t, e, name)
		want(t, "offset", before.Offset, 0)
		if before.Epoch == "" {
			t.Fatal("no epoch")
		}
		want(t, "position loaded", load(t, e, name).Position, before)
		want(t, "position of history", history(t, e, name, hub.HistoryQuery{Limit: -1}).Position, before)
		want(t, "entries", len(load(t, e, name).Entries), 0)
		r := commit(t, e, event(name, "cart/ca1", `{"n":1}`))
		want(t, "position after the first write", r.Position, hub.Position{Epoch: before.Epoch, Offset: 1})
	}
}

func (s suite) CommitGivesItsEventTheNextOffsetAndItsEntriesThatVersion(t *testing.T) {
	e := s.Open(t)
	commit(t, e, event(context42, "cart/ca1", `{"n":1}`))
	in := event(context42, "order/o1", `{"n":2}`)
	in.Entries["cart/ca1"] = json.RawMessage(`{"n":3}`)
	in.Event.Changes = append(in.Event.Changes, hub.Change{Key: "cart/ca1", Patch: json.RawMessage(`{"n":3}`), Labels: []string{"a"}, Moved: true, Was: []string{"b"}})
	in.Event.Data = json.RawMessage(`{"why":"test"}`)
	r := commit(t, e, in)
	want(t, "offset", r.Position.Offset, 2)
	want(t, "changes", len(r.Event.Changes), 2)
	for _, c := range r.Event.Changes {
		want(t, "version of change "+c.Key, c.Version, 2)
	}
	want(t, "version in the caller's event", in.Event.Changes[0].Version, 0)
	snapshot := load(t, e, context42)
	want(t, "position", snapshot.Position, r.Position)
	want(t, "cart", fmt.Sprintf("%d %s", snapshot.Entries["cart/ca1"].Version, snapshot.Entries["cart/ca1"].Doc), `2 {"n":3}`)
	want(t, "order", fmt.Sprintf("%d %s", snapshot.Entries["order/o1"].Version, snapshot.Entries["order/o1"].Doc), `2 {"n":2}`)
	h := history(t, e, context42, hub.HistoryQuery{Limit: -1})
	want(t, "offsets", offsets(h.Messages), "[1 2]")
	m := h.Messages[1]
	if m.Type != hub.MessageEvent || m.Channel != context42 || m.Position != r.Position || m.Time != start.UnixMilli() {
		t.Fatalf("message %+v", m)
	}
	if !sameEvent(m.Event, r.Event) {
		t.Fatalf("in the log: %+v\nanswered:   %+v", m.Event, r.Event)
	}
}

func (s suite) NullEntryIsGone(t *testing.T) {
	e := s.Open(t)
	commit(t, e, event(context42, "cart/ca1", `{"n":1}`))
	commit(t, e, event(context42, "cart/ca2", `{"n":1}`))
	commit(t, e, event(context42, "cart/ca1", ""))
	if entries := load(t, e, context42).Entries; len(entries) != 1 || entries["cart/ca2"].Version != 2 {
		t.Fatalf("entries %v", entries)
	}
	commit(t, e, event(context42, "cart/never", ""))
	want(t, "offset", headOf(t, e, context42).Offset, 4)
}

func (s suite) CommitConflictsWhereAVersionMoved(t *testing.T) {
	e := s.Open(t)
	commit(t, e, event(context42, "cart/ca1", `{"n":1}`))
	commit(t, e, event(context42, "cart/ca2", `{"n":1}`))
	for name, expect := range map[string]map[string]uint64{
		"an older version":               {"cart/ca1": 0},
		"a version that never was":       {"cart/ca1": 2},
		"absent, and it was expected":    {"cart/ca9": 1},
		"one of several moved":           {"cart/ca1": 1, "cart/ca2": 1},
		"present, and it was not to be ": {"cart/ca2": 0},
	} {
		c := command(event(context42, "cart/ca1", `{"n":2}`), "id-"+name, 1)
		c.Expect = expect
		c.Timers = []hub.TimerChange{{Key: "t", Due: start}}
		_, err := e.Commit(t.Context(), c)
		wantErr(t, err, hub.ErrConflict)
		again := command(event(context42, "cart/ca1", `{"n":2}`), "id-"+name, 2)
		again.Expect = expect
		_, err = e.Commit(t.Context(), again)
		wantErr(t, err, hub.ErrConflict) // and not ErrCommandIDReused: nothing was stored
	}
	snapshot := load(t, e, context42)
	want(t, "offset", snapshot.Position.Offset, 2)
	want(t, "cart", string(snapshot.Entries["cart/ca1"].Doc), `{"n":1}`)
	timers, err := e.Due(t.Context(), start, time.Minute, 10)
	if err != nil || len(timers) > 0 {
		t.Fatalf("timers %v, %v", timers, err)
	}
	c := event(context42, "cart/ca1", `{"n":2}`)
	c.Expect = map[string]uint64{"cart/ca1": 1, "cart/ca2": 2, "cart/ca3": 0}
	want(t, "offset", commit(t, e, c).Position.Offset, 3)
}

func (s suite) CommitConflictsWhereTheWholeOffsetMoved(t *testing.T) {
	e := s.Open(t)
	whole := func(offset uint64) *hub.Commit {
		return with(event(context42, "cart/ca1", `{"n":1}`), func(c *hub.Commit) { c.Offset = &offset })
	}
	want(t, "offset", commit(t, e, whole(0)).Position.Offset, 1)
	_, err := e.Commit(t.Context(), whole(0))
	wantErr(t, err, hub.ErrConflict)
	_, err = e.Commit(t.Context(), whole(2))
	wantErr(t, err, hub.ErrConflict)
	want(t, "offset", commit(t, e, whole(1)).Position.Offset, 2)
}

func (s suite) CommitConflictsWhereItWasDecidedInAnotherEpoch(t *testing.T) {
	e := s.Open(t)
	of := func(epoch, id string) *hub.Commit {
		return with(command(event(context42, "cart/ca1", `{"n":1}`), id, 1), func(c *hub.Commit) { c.Epoch = epoch })
	}
	epoch := headOf(t, e, context42).Epoch
	_, err := e.Commit(t.Context(), of("another", "a"))
	wantErr(t, err, hub.ErrConflict)
	want(t, "offset", commit(t, e, of(epoch, "b")).Position.Offset, 1)
	_, err = e.Commit(t.Context(), of("another", "c"))
	wantErr(t, err, hub.ErrConflict)
	want(t, "offset", commit(t, e, of(epoch, "d")).Position.Offset, 2)
	want(t, "the known command", commit(t, e, of("another", "b")).Position.Offset, 1)
}

func (s suite) CommandHasOneEffectHoweverOftenItIsSent(t *testing.T) {
	e := s.Open(t)
	first := commit(t, e, command(event(context42, "cart/ca1", `{"n":1}`), "one", 1))
	want(t, "replayed at first", first.Replayed, false)
	commit(t, e, event(context42, "cart/ca1", `{"n":2}`))
	for range 3 {
		c := command(event(context42, "cart/ca1", `{"n":99}`), "one", 1)
		c.Expect = map[string]uint64{"cart/ca1": 77} // not looked at: the id is known
		r := commit(t, e, c)
		want(t, "replayed", r.Replayed, true)
		want(t, "position", r.Position, first.Position)
		if !sameEvent(r.Event, first.Event) {
			t.Fatalf("event %+v, want %+v", r.Event, first.Event)
		}
	}
	want(t, "offset", headOf(t, e, context42).Offset, 2)
	want(t, "cart", string(load(t, e, context42).Entries["cart/ca1"].Doc), `{"n":2}`)

	_, err := e.Commit(t.Context(), command(event(context42, "cart/ca1", `{"n":3}`), "one", 2))
	wantErr(t, err, hub.ErrCommandIDReused)
}

func (s suite) RefusalIsRememberedLikeAResult(t *testing.T) {
	e := s.Open(t)
	commit(t, e, event(context42, "cart/ca1", `{"n":1}`))
	refusal := func() *hub.Commit {
		c := command(&hub.Commit{Channel: context42, Now: start}, "no", 1)
		c.Command.Problem = json.RawMessage(`{"code":"out_of_stock"}`)
		return c
	}
	r := commit(t, e, refusal())
	if r.Event != nil || r.Position.Offset != 1 || r.Replayed {
		t.Fatalf("refusal %+v", r)
	}
	commit(t, e, event(context42, "cart/ca1", `{"n":2}`))
	again := refusal()
	again.Command.Problem = nil
	r = commit(t, e, again)
	if string(r.Problem) != `{"code":"out_of_stock"}` || !r.Replayed || r.Event != nil || r.Position.Offset != 1 {
		t.Fatalf("replayed refusal %+v", r)
	}
	want(t, "offset", headOf(t, e, context42).Offset, 2)
}

func (s suite) CommandThatChangedNothingIsAnsweredWithThePositionOfThen(t *testing.T) {
	e := s.Open(t)
	commit(t, e, event(context42, "cart/ca1", `{"n":1}`))
	for _, replayed := range []bool{false, true} {
		r := commit(t, e, command(&hub.Commit{Channel: context42, Now: start}, "same", 1))
		if r.Event != nil || r.Problem != nil || r.Position.Offset != 1 || r.Replayed != replayed {
			t.Fatalf("answer %+v", r)
		}
		commit(t, e, event(context42, "cart/ca1", `{"n":2}`))
	}
}

func (s suite) CommandIDIsForgottenWhenItExpires(t *testing.T) {
	e := s.Open(t)
	send := func(now time.Time, hash byte) (hub.Result, error) {
		c := event(context42, "cart/ca1", `{"n":1}`)
		c.Now = now
		c.Command = hub.Remembered{ID: "once", Hash: [32]byte{hash}, Expires: now.Add(time.Hour)}
		return e.Commit(t.Context(), c)
	}
	for i, step := range []struct {
		after  time.Duration
		hash   byte
		offset uint64
		err    error
	}{
		{0, 1, 1, nil},
		{59 * time.Minute, 1, 1, nil},
		{59 * time.Minute, 2, 0, hub.ErrCommandIDReused},
		{60 * time.Minute, 2, 2, nil}, // known no more, so another body is as good
		{119 * time.Minute, 2, 2, nil},
		{121 * time.Minute, 2, 3, nil},
	} {
		r, err := send(start.Add(step.after), step.hash)
		if step.err != nil {
			wantErr(t, err, step.err)
		} else if err != nil || r.Position.Offset != step.offset {
			t.Fatalf("step %d: %+v, %v", i, r, err)
		}
	}
}

func (s suite) ReplayHasNoEventOnceTheLogLetItGo(t *testing.T) {
	e := s.Open(t)
	first := commit(t, e, command(event(context42, "cart/ca1", `{"n":1}`), "old", 1))
	for range s.LogSize {
		commit(t, e, event(context42, "cart/ca1", `{"n":2}`))
	}
	r := commit(t, e, command(event(context42, "cart/ca1", `{"n":1}`), "old", 1))
	if !r.Replayed || r.Event != nil || r.Position != first.Position {
		t.Fatalf("replay %+v", r)
	}
}

func (s suite) ChannelsYieldsThoseThatWereWrittenToOnceEach(t *testing.T) {
	e := s.Open(t)
	for _, name := range []hub.Channel{"context:c-1", "context:c-10", "context:c-2", "store:s1", "contextual:x"} {
		commit(t, e, event(name, "a", `{"n":1}`))
		commit(t, e, event(name, "b", `{"n":1}`))
	}
	commit(t, e, command(&hub.Commit{Channel: "context:refused", Now: start}, "id", 1))
	load(t, e, "context:looked-at")
	publish(t, e, "news", "1", hub.PublishOptions{HistorySize: 10, HistoryTTL: time.Minute})
	for prefix, names := range map[string]map[hub.Channel]bool{
		"context:":    {"context:c-1": true, "context:c-10": true, "context:c-2": true},
		"context:c-1": {"context:c-1": true, "context:c-10": true},
		"store:":      {"store:s1": true},
		"board:":      {},
		"":            {"context:c-1": true, "context:c-10": true, "context:c-2": true, "store:s1": true, "contextual:x": true},
	} {
		got := map[hub.Channel]bool{}
		for name, err := range e.Channels(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if got[name] {
				t.Fatalf("%s twice", name)
			}
			got[name] = true
		}
		if fmt.Sprint(got) != fmt.Sprint(names) {
			t.Fatalf("prefix %q: %v, want %v", prefix, got, names)
		}
		for range e.Channels(t.Context(), prefix) {
			break // a loop may be left early
		}
	}
}

func (s suite) EndedContextIsAnsweredWithItsError(t *testing.T) {
	e := s.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := e.Commit(ctx, event(context42, "cart/ca1", `{"n":1}`))
	wantErr(t, err, context.Canceled)
	_, err = e.Load(ctx, context42)
	wantErr(t, err, context.Canceled)
	_, err = e.History(ctx, context42, hub.HistoryQuery{})
	wantErr(t, err, context.Canceled)
	_, err = e.Heads(ctx, []hub.Channel{context42})
	wantErr(t, err, context.Canceled)
	_, err = e.Publish(ctx, &hub.Message{Channel: "news", Type: hub.MessagePublication}, hub.PublishOptions{})
	wantErr(t, err, context.Canceled)
	wantErr(t, e.Send(ctx, &hub.Message{Channel: "news", Type: hub.MessageSignal}), context.Canceled)
	wantErr(t, e.SaveCursors(ctx, "c", hub.Cursors{1: 1}), context.Canceled)
	wantErr(t, e.Follow(ctx, "news"), context.Canceled)
	wantErr(t, e.Check(ctx), context.Canceled)
	want(t, "offset", headOf(t, e, context42).Offset, 0)
}
