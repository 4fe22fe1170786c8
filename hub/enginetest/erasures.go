package enginetest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/samepage/samepage/hub"
)

// erase ends a channel's past; an engine that cannot is not tested further, and says why.
func erase(t testing.TB, e hub.Engine, name hub.Channel, before uint64) hub.Position {
	t.Helper()
	pos, err := e.Erase(t.Context(), name, before)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("this engine cannot erase: %v", err)
	}
	if err != nil {
		t.Fatalf("erase %s: %v", name, err)
	}
	return pos
}

// secret is an event that tells something, with and without a command behind it.
func secret(name hub.Channel, key, id string) *hub.Commit {
	c := event(name, key, `{"name":"secret"}`)
	c.Event.By.ID, c.Event.By.Name, c.Event.Data = "secret", "secret", json.RawMessage(`{"why":"secret"}`)
	return command(c, id, 1)
}

func (s suite) ErasedPastIsForgottenInAnEpochOfItsOwn(t *testing.T) {
	e := s.Open(t)
	before := commit(t, e, secret(context42, "cart/ca1", "c-1")).Position
	commit(t, e, secret(context42, "cart/ca2", "c-2"))
	besides := commit(t, e, secret("context:other", "cart/ca1", "c-1")).Position
	last := commit(t, e, secret(context42, "profile", "c-3"))
	pos := erase(t, e, context42, 3)
	if pos.Epoch == before.Epoch || pos.Offset != 3 {
		t.Fatalf("erased, it stands at %v, and stood at %v", pos, last.Position)
	}
	check := func(e hub.Engine) {
		t.Helper()
		want(t, "head", headOf(t, e, context42), pos)
		snapshot := load(t, e, context42)
		want(t, "position loaded", snapshot.Position, pos)
		want(t, "entries", len(snapshot.Entries), 3)
		want(t, "version", snapshot.Entries["cart/ca2"].Version, 2)
		h := history(t, e, context42, hub.HistoryQuery{Limit: -1})
		want(t, "offsets", offsets(h.Messages), "[3]")
		want(t, "position of what is left", h.Messages[0].Position, pos)
		if !sameEvent(h.Messages[0].Event, last.Event) {
			t.Fatalf("what is left: %+v", h.Messages[0].Event)
		}
		_, err := e.History(t.Context(), context42, hub.HistoryQuery{Since: &before, Limit: -1})
		wantErr(t, err, hub.ErrEpoch)
		other := history(t, e, "context:other", hub.HistoryQuery{Limit: -1})
		want(t, "another channel's epoch", other.Position.Epoch, besides.Epoch)
		want(t, "another channel's events", len(other.Messages), 1)
		for _, r := range collect(t, e, allCursors(e), 4) {
			raw, _ := json.Marshal(r.Message.Event)
			gone := r.Message.Channel == context42 && r.Message.Position.Offset < 3
			if gone && (strings.Contains(string(raw), "secret") || r.Message.Event.Type != "thing.changed" || len(r.Message.Event.Changes) > 0) {
				t.Fatalf("a forgotten record tells %s", raw)
			}
			if !gone && !strings.Contains(string(raw), "secret") {
				t.Fatalf("a record that was not meant tells %s", raw)
			}
			if r.Message.Channel == context42 {
				want(t, "epoch of a record", r.Message.Position.Epoch, pos.Epoch)
			}
		}
	}
	check(e)
	want(t, "erased again", erase(t, e, context42, 3), pos)
	if s.Reopen != nil {
		e = s.Reopen(t, e)
		check(e)
		want(t, "erased again, reopened", erase(t, e, context42, 3), pos)
	}
	next := commit(t, e, event(context42, "cart/ca1", `{"n":2}`))
	want(t, "position of what comes next", next.Position, hub.Position{Epoch: pos.Epoch, Offset: 4})
	old := with(event(context42, "cart/ca1", `{"n":3}`), func(c *hub.Commit) { c.Epoch = before.Epoch })
	_, err := e.Commit(t.Context(), old)
	wantErr(t, err, hub.ErrConflict)
}

func (s suite) ErasedCommandsAreKnownAndTellNothing(t *testing.T) {
	e := s.Open(t)
	commit(t, e, secret(context42, "cart/ca1", "made"))
	refused := command(&hub.Commit{Channel: context42, Now: start}, "refused", 1)
	refused.Command.Problem = json.RawMessage(`{"code":"conflict","message":"secret"}`)
	commit(t, e, refused)
	commit(t, e, secret(context42, "cart/ca2", "last"))
	pos := erase(t, e, context42, 2)
	for id, c := range map[string]*hub.Commit{"made": secret(context42, "cart/ca1", "made"), "refused": refused} {
		r := commit(t, e, c)
		if !r.Replayed || r.Event != nil || strings.Contains(string(r.Problem), "secret") {
			t.Errorf("%s is answered %+v %s", id, r, r.Problem)
		}
		want(t, "epoch of the answer to "+id, r.Position.Epoch, pos.Epoch)
		if id == "refused" && !strings.Contains(string(r.Problem), hub.CodeGone) {
			t.Errorf("the refusal reads %s", r.Problem)
		}
	}
	_, err := e.Commit(t.Context(), command(event(context42, "cart/ca1", `{"n":2}`), "made", 2))
	wantErr(t, err, hub.ErrCommandIDReused)
	if r := commit(t, e, secret(context42, "cart/ca2", "last")); !r.Replayed || r.Event == nil {
		t.Errorf("what was not erased is answered %+v", r)
	}
}

func (s suite) ErasingNothingChangesNothing(t *testing.T) {
	e := s.Open(t)
	never := headOf(t, e, "context:never")
	want(t, "a channel nobody wrote to", erase(t, e, "context:never", 100), never)
	at := commit(t, e, secret(context42, "cart/ca1", "c-1")).Position
	want(t, "before the first event", erase(t, e, context42, 1), at)
	whole := erase(t, e, context42, 100) // further than it goes
	want(t, "offset", whole.Offset, 1)
	want(t, "events left", len(history(t, e, context42, hub.HistoryQuery{Limit: -1}).Messages), 0)
	want(t, "what comes then", commit(t, e, event(context42, "cart/ca1", `{"n":2}`)).Position, hub.Position{Epoch: whole.Epoch, Offset: 2})
	want(t, "offsets", offsets(history(t, e, context42, hub.HistoryQuery{Limit: -1}).Messages), "[2]")
}

func (s suite) ErasedPastIsForgottenWhereTheLogHadLetGoOfIt(t *testing.T) {
	e := s.Open(t)
	n := s.LogSize + 20
	for i := range n {
		commit(t, e, secret(context42, "cart/ca1", "c-"+string(rune('a'+i%26))+strings.Repeat("x", i/26)))
	}
	erase(t, e, context42, uint64(n))
	for _, r := range collect(t, e, allCursors(e), n) {
		raw, _ := json.Marshal(r.Message.Event)
		if told := strings.Contains(string(raw), "secret"); told != (r.Message.Position.Offset == uint64(n)) {
			t.Fatalf("record of offset %d tells %s", r.Message.Position.Offset, raw)
		}
	}
}
