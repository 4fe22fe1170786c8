package enginetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func publish(t testing.TB, e hub.Engine, name hub.Channel, data string, opts hub.PublishOptions) hub.Position {
	t.Helper()
	pos, err := e.Publish(t.Context(), &hub.Message{
		Channel: name, Type: hub.MessagePublication, Data: []byte(data),
		Info: &hub.ClientInfo{Client: "cl", User: "u"}, Tags: map[string]string{"k": "v"},
	}, opts)
	if err != nil {
		t.Fatalf("publish to %s: %v", name, err)
	}
	return pos
}

// both runs a test of plain channels in memory and in the store.
func (s suite) both(t *testing.T, test func(t *testing.T, e hub.Engine, opts hub.PublishOptions)) {
	for name, durable := range map[string]bool{"in memory": false, "durable": true} {
		t.Run(name, func(t *testing.T) {
			test(t, s.Open(t), hub.PublishOptions{HistorySize: 3, HistoryTTL: time.Hour, Durable: durable})
		})
	}
}

// pass lets time pass for an engine.
func (s suite) pass(e hub.Engine, d time.Duration) {
	if s.Advance != nil {
		s.Advance(e, d)
	} else {
		time.Sleep(d)
	}
}

// soon is a time to live that tests wait for; the real clock may be meant.
const soon = 300 * time.Millisecond

func (s suite) PublicationIsKeptWithEverythingItCarries(t *testing.T) {
	s.both(t, func(t *testing.T, e hub.Engine, opts hub.PublishOptions) {
		before := headOf(t, e, "news")
		want(t, "offset before", before.Offset, 0)
		pos := publish(t, e, "news", "\x00binary\xff", opts)
		want(t, "position", pos, hub.Position{Epoch: before.Epoch, Offset: 1})
		h := history(t, e, "news", hub.HistoryQuery{Limit: -1})
		want(t, "kept", offsets(h.Messages), "[1]")
		m := h.Messages[0]
		if string(m.Data) != "\x00binary\xff" || m.Info == nil || m.Info.User != "u" || m.Tags["k"] != "v" ||
			m.Type != hub.MessagePublication || m.Channel != "news" || m.Position != pos || m.Time == 0 {
			t.Fatalf("message %+v", m)
		}
	})
}

func (s suite) HistoryKeepsTheLatestPublicationsAndThePositionGoesOn(t *testing.T) {
	s.both(t, func(t *testing.T, e hub.Engine, opts hub.PublishOptions) {
		for n := range uint64(5) {
			want(t, "offset", publish(t, e, "news", "x", opts).Offset, n+1)
		}
		want(t, "three are kept", offsets(history(t, e, "news", hub.HistoryQuery{Limit: -1}).Messages), "[3 4 5]")
		opts.HistorySize = 1
		publish(t, e, "news", "x", opts)
		want(t, "one is kept", offsets(history(t, e, "news", hub.HistoryQuery{Limit: -1}).Messages), "[6]")
		if err := e.RemoveHistory(t.Context(), "news"); err != nil {
			t.Fatal(err)
		}
		h := history(t, e, "news", hub.HistoryQuery{Limit: -1})
		want(t, "none is kept", offsets(h.Messages), "[]")
		want(t, "the position stays", h.Position.Offset, 6)
		publish(t, e, "news", "x", opts)
		want(t, "and goes on", offsets(history(t, e, "news", hub.HistoryQuery{Limit: -1}).Messages), "[7]")
		if err := e.RemoveHistory(t.Context(), "silent"); err != nil {
			t.Fatalf("remove nothing: %v", err)
		}
	})
}

func (s suite) PublicationIsKeptForItsTimeToLiveAndThePositionLonger(t *testing.T) {
	s.both(t, func(t *testing.T, e hub.Engine, opts hub.PublishOptions) {
		pos := publish(t, e, "news", "long", opts)
		opts.HistoryTTL = soon
		publish(t, e, "news", "short", opts)
		s.pass(e, soon)
		h := history(t, e, "news", hub.HistoryQuery{Limit: -1})
		want(t, "the short one is gone", offsets(h.Messages), "[1]")
		want(t, "position", h.Position, hub.Position{Epoch: pos.Epoch, Offset: 2})
		publish(t, e, "other", "short", opts)
		s.pass(e, soon)
		want(t, "head of other", headOf(t, e, "other").Offset, 1)
		want(t, "history of other", offsets(history(t, e, "other", hub.HistoryQuery{Limit: -1}).Messages), "[]")
	})
}

func (s suite) ForgottenPositionBeginsAnotherEpoch(t *testing.T) {
	s.both(t, func(t *testing.T, e hub.Engine, opts hub.PublishOptions) {
		opts.HistoryMetaTTL = soon
		old := publish(t, e, "news", "x", opts)
		publish(t, e, "news", "x", opts)
		s.pass(e, soon)
		forgotten := headOf(t, e, "news")
		if forgotten.Offset != 0 || forgotten.Epoch == old.Epoch || forgotten.Epoch == "" {
			t.Fatalf("forgotten %v, was %v", forgotten, old)
		}
		want(t, "its history", offsets(history(t, e, "news", hub.HistoryQuery{Limit: -1}).Messages), "[]")
		_, err := e.History(t.Context(), "news", hub.HistoryQuery{Since: &old, Limit: -1})
		wantErr(t, err, hub.ErrEpoch)
		opts.HistoryMetaTTL = 0
		want(t, "the next", publish(t, e, "news", "x", opts), hub.Position{Epoch: forgotten.Epoch, Offset: 1})
		want(t, "its history", offsets(history(t, e, "news", hub.HistoryQuery{Limit: -1}).Messages), "[1]")
		s.pass(e, soon)
		want(t, "without a time it is kept for ever", headOf(t, e, "news"), hub.Position{Epoch: forgotten.Epoch, Offset: 1})
	})
}

func (s suite) WithoutHistoryThereIsNoPosition(t *testing.T) {
	e := s.Open(t)
	ear := listen(t, e, "news")
	for name, opts := range map[string]hub.PublishOptions{
		"neither":      {},
		"no size":      {HistoryTTL: time.Hour},
		"no time":      {HistorySize: 10},
		"but durable":  {Durable: true},
		"with version": {Version: 1},
	} {
		want(t, name, publish(t, e, "news", "x", opts), hub.Position{})
	}
	for _, m := range ear.waitFor(t, "news", 5) {
		want(t, "position", m.Position, hub.Position{})
	}
	want(t, "head", headOf(t, e, "news").Offset, 0)
}

func (s suite) IdempotencyKeyMakesOnePublicationOfMany(t *testing.T) {
	s.both(t, func(t *testing.T, e hub.Engine, opts hub.PublishOptions) {
		ear := listen(t, e, "news")
		opts.IdempotencyKey, opts.IdempotencyTTL = "k", time.Hour
		first := publish(t, e, "news", "1", opts)
		for range 3 {
			want(t, "again", publish(t, e, "news", "1", opts), first)
		}
		want(t, "the same key elsewhere", publish(t, e, "other", "1", opts).Offset, 1)
		want(t, "is another publication", headOf(t, e, "other").Offset, 1)
		opts.IdempotencyKey, opts.IdempotencyTTL = "short", soon
		want(t, "another key", publish(t, e, "news", "2", opts).Offset, 2)
		s.pass(e, soon)
		want(t, "after its time", publish(t, e, "news", "3", opts).Offset, 3)
		want(t, "sent", offsets(ear.waitFor(t, "news", 3)), "[1 2 3]")
		want(t, "kept", offsets(history(t, e, "news", hub.HistoryQuery{Limit: -1}).Messages), "[1 2 3]")
	})
}

func (s suite) IdempotencyKeyHoldsWithoutHistoryToo(t *testing.T) {
	e := s.Open(t)
	ear := listen(t, e, "news")
	for _, data := range []string{"a", "b"} {
		for range 3 {
			publish(t, e, "news", data, hub.PublishOptions{IdempotencyKey: data, IdempotencyTTL: time.Hour})
		}
	}
	publish(t, e, "news", "end", hub.PublishOptions{})
	var got strings.Builder
	for _, m := range ear.waitFor(t, "news", 3) {
		got.WriteString(string(m.Data) + " ")
	}
	want(t, "sent", got.String(), "a b end ")
}

func (s suite) OlderVersionIsDropped(t *testing.T) {
	s.both(t, func(t *testing.T, e hub.Engine, opts hub.PublishOptions) {
		ear := listen(t, e, "price")
		for i, step := range []struct {
			version uint64
			epoch   string
			offset  uint64
		}{
			{5, "", 1}, {5, "", 1}, {4, "", 1}, {6, "", 2},
			{1, "e1", 3}, // another epoch: versions begin anew
			{1, "e1", 3}, {2, "e1", 4},
			{2, "", 4}, // no epoch: held against what stands
			{3, "", 5},
			{0, "", 6}, // no version: always
			{3, "", 6},
		} {
			opts.Version, opts.VersionEpoch = step.version, step.epoch
			if got := publish(t, e, "price", "x", opts).Offset; got != step.offset {
				t.Fatalf("step %d: offset %d, want %d", i, got, step.offset)
			}
		}
		want(t, "sent", offsets(ear.waitFor(t, "price", 6)), "[1 2 3 4 5 6]")
	})
}

func (s suite) DurablePublicationsSurviveARestart(t *testing.T) {
	if s.Reopen == nil {
		skip(t, "Reopen")
	}
	e := s.Open(t)
	opts := hub.PublishOptions{
		HistorySize: 3, HistoryTTL: time.Hour, Durable: true,
		IdempotencyKey: "k", IdempotencyTTL: time.Hour, Version: 7,
	}
	first := publish(t, e, "news", "x", opts)
	e = s.Reopen(t, e)
	want(t, "head", headOf(t, e, "news"), first)
	want(t, "kept", offsets(history(t, e, "news", hub.HistoryQuery{Limit: -1}).Messages), "[1]")
	want(t, "the key is known", publish(t, e, "news", "x", opts), first)
	opts.IdempotencyKey = ""
	want(t, "the version is known", publish(t, e, "news", "x", opts), first)
	opts.Version = 8
	want(t, "it goes on", publish(t, e, "news", "x", opts), hub.Position{Epoch: first.Epoch, Offset: 2})
}

func (s suite) ClosedEngineAnswersErrClosed(t *testing.T) {
	e := s.Open(t)
	commit(t, e, event(context42, "k", `{}`))
	ended := make(chan error, 2)
	go func() { ended <- e.Listen(context.Background(), func(*hub.Message) {}) }()
	go func() {
		for _, err := range e.Log(context.Background(), allCursors(e)) {
			if err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case err := <-ended:
			wantErr(t, err, hub.ErrClosed)
		case <-time.After(patience):
			t.Fatal("Listen or Log went on after Close")
		}
	}
	_, err := e.Commit(t.Context(), event(context42, "k", `{}`))
	wantErr(t, err, hub.ErrClosed)
	_, err = e.Load(t.Context(), context42)
	wantErr(t, err, hub.ErrClosed)
	_, err = e.History(t.Context(), context42, hub.HistoryQuery{})
	wantErr(t, err, hub.ErrClosed)
	_, err = e.Publish(t.Context(), &hub.Message{Channel: "news", Type: hub.MessagePublication}, hub.PublishOptions{})
	wantErr(t, err, hub.ErrClosed)
	wantErr(t, e.Send(t.Context(), &hub.Message{Channel: "news", Type: hub.MessageSignal}), hub.ErrClosed)
	wantErr(t, e.Follow(t.Context(), "news"), hub.ErrClosed)
	wantErr(t, e.Check(t.Context()), hub.ErrClosed)
	_, err = e.Due(t.Context(), start, time.Minute, 1)
	wantErr(t, err, hub.ErrClosed)
	e.Unfollow("news")
	if err := e.Close(); err != nil {
		t.Fatalf("closed twice: %v", err)
	}
}
