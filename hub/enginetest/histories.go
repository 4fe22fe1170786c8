package enginetest

import (
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

// The queries that both sorts of channel answer alike, on a log that ends at
// ten and of which all is there.
var queries = map[string]struct {
	q    hub.HistoryQuery
	want string
}{
	"no limit":                    {hub.HistoryQuery{Limit: -1}, to(1, 10)},
	"only the position":           {hub.HistoryQuery{Limit: 0}, "[]"},
	"the first three":             {hub.HistoryQuery{Limit: 3}, "[1 2 3]"},
	"more than there are":         {hub.HistoryQuery{Limit: 100}, to(1, 10)},
	"newest first":                {hub.HistoryQuery{Limit: 3, Reverse: true}, "[10 9 8]"},
	"since seven":                 {hub.HistoryQuery{Limit: -1, Since: &hub.Position{Offset: 7}}, "[8 9 10]"},
	"since seven, one":            {hub.HistoryQuery{Limit: 1, Since: &hub.Position{Offset: 7}}, "[8]"},
	"since zero":                  {hub.HistoryQuery{Limit: -1, Since: &hub.Position{}}, to(1, 10)},
	"since the end":               {hub.HistoryQuery{Limit: -1, Since: &hub.Position{Offset: 10}}, "[]"},
	"since beyond the end":        {hub.HistoryQuery{Limit: -1, Since: &hub.Position{Offset: 99}}, "[]"},
	"back from four":              {hub.HistoryQuery{Limit: -1, Since: &hub.Position{Offset: 4}, Reverse: true}, "[3 2 1]"},
	"back from four, two":         {hub.HistoryQuery{Limit: 2, Since: &hub.Position{Offset: 4}, Reverse: true}, "[3 2]"},
	"back from zero":              {hub.HistoryQuery{Limit: -1, Since: &hub.Position{}, Reverse: true}, "[]"},
	"back from beyond the end":    {hub.HistoryQuery{Limit: 2, Since: &hub.Position{Offset: 99}, Reverse: true}, "[10 9]"},
	"since seven, only the place": {hub.HistoryQuery{Since: &hub.Position{Offset: 7}}, "[]"},
}

func (s suite) askAll(t *testing.T, e hub.Engine, name hub.Channel) {
	t.Helper()
	end := headOf(t, e, name)
	want(t, "end", end.Offset, 10)
	for what, c := range queries {
		h := history(t, e, name, c.q)
		want(t, what+": position", h.Position, end)
		want(t, what, offsets(h.Messages), c.want)
		if c.q.Since != nil {
			since := *c.q.Since
			since.Epoch = end.Epoch
			c.q.Since = &since
			want(t, what+", with the epoch", offsets(history(t, e, name, c.q).Messages), c.want)
			since.Epoch = "another"
			h, err := e.History(t.Context(), name, c.q)
			wantErr(t, err, hub.ErrEpoch)
			want(t, what+", position with ErrEpoch", h.Position, end)
		}
	}
}

func (s suite) HistoryIsAnsweredAlikeForEvents(t *testing.T) {
	e := s.Open(t)
	if s.LogSize < 10 {
		t.Fatal("the harness's LogSize is below 10")
	}
	for range 10 {
		commit(t, e, event(context42, "cart/ca1", `{"n":1}`))
	}
	s.askAll(t, e, context42)
}

func (s suite) HistoryIsAnsweredAlikeForPublications(t *testing.T) {
	e := s.Open(t)
	for range 10 {
		publish(t, e, "memory", "x", hub.PublishOptions{HistorySize: 10, HistoryTTL: time.Hour})
		publish(t, e, "kept", "x", hub.PublishOptions{HistorySize: 10, HistoryTTL: time.Hour, Durable: true})
	}
	s.askAll(t, e, "memory")
	s.askAll(t, e, "kept")
}

func (s suite) LogKeepsItsNewestEventsByCount(t *testing.T) {
	e := s.Open(t)
	size := uint64(s.LogSize)
	for n := range 3 * size {
		commit(t, e, event(context42, "cart/ca1", `{"n":1}`))
		h := history(t, e, context42, hub.HistoryQuery{Limit: -1})
		from := uint64(1)
		if n+1 > size {
			from = n + 2 - size
		}
		want(t, "the log", offsets(h.Messages), to(from, n+1))
	}
	// Asked since before that, it answers what is there: the caller sees the gap.
	h := history(t, e, context42, hub.HistoryQuery{Limit: 2, Since: &hub.Position{Offset: 1}})
	want(t, "since 1", offsets(h.Messages), to(2*size+1, 2*size+2))
	want(t, "back from 1", offsets(history(t, e, context42, hub.HistoryQuery{Limit: -1, Since: &hub.Position{Offset: 1}, Reverse: true}).Messages), "[]")
	want(t, "entries", load(t, e, context42).Entries["cart/ca1"].Version, 3*size)
}

func (s suite) LogKeepsEventsByAgeCountedFromTheCommitsClock(t *testing.T) {
	e := s.Open(t)
	at := func(d time.Duration) *hub.Commit {
		return with(event(context42, "cart/ca1", `{"n":1}`), func(c *hub.Commit) { c.Now = start.Add(d) })
	}
	commit(t, e, at(0))
	commit(t, e, at(time.Hour))
	commit(t, e, at(s.LogAge-time.Millisecond))
	want(t, "nothing is too old", offsets(history(t, e, context42, hub.HistoryQuery{Limit: -1}).Messages), "[1 2 3]")
	commit(t, e, at(s.LogAge))
	want(t, "the first is", offsets(history(t, e, context42, hub.HistoryQuery{Limit: -1}).Messages), "[2 3 4]")
	commit(t, e, at(s.LogAge+2*time.Hour))
	want(t, "the second is", offsets(history(t, e, context42, hub.HistoryQuery{Limit: -1}).Messages), "[3 4 5]")
	commit(t, e, at(10*s.LogAge))
	want(t, "only the last is left", offsets(history(t, e, context42, hub.HistoryQuery{Limit: -1}).Messages), "[6]")
	want(t, "another channel's clock is its own", commit(t, e, event("store:s1", "a", `{}`)).Position.Offset, 1)
	want(t, "entries stay", load(t, e, context42).Entries["cart/ca1"].Version, 6)
}

func (s suite) HeadsAnswersInTheOrderAsked(t *testing.T) {
	e := s.Open(t)
	commit(t, e, event("context:a", "k", `{}`))
	commit(t, e, event("context:b", "k", `{}`))
	commit(t, e, event("context:b", "k", `{}`))
	publish(t, e, "news", "1", hub.PublishOptions{HistorySize: 5, HistoryTTL: time.Hour})
	for range 3 {
		publish(t, e, "kept", "1", hub.PublishOptions{HistorySize: 5, HistoryTTL: time.Hour, Durable: true})
	}
	names := []hub.Channel{"context:b", "news", "context:none", "context:a", "kept", "silent", "context:b"}
	heads, err := e.Heads(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "heads", len(heads), len(names))
	for i, offset := range []uint64{2, 1, 0, 1, 3, 0, 2} {
		want(t, "offset of "+string(names[i]), heads[i].Offset, offset)
		if heads[i].Epoch == "" {
			t.Fatalf("%s has no epoch", names[i])
		}
	}
	if heads, err := e.Heads(t.Context(), nil); err != nil || len(heads) != 0 {
		t.Fatalf("none asked: %v, %v", heads, err)
	}
}
