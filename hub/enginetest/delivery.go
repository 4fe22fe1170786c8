package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func (s suite) ListenerGetsWhatIsFollowedInOrderAndAsStored(t *testing.T) {
	e := s.Open(t)
	ear := listen(t, e, context42, "news", "kept")
	for range 10 {
		commit(t, e, event(context42, "k", `{"n":1}`))
		commit(t, e, event("context:c-43", "k", `{"n":1}`))
		publish(t, e, "news", "x", hub.PublishOptions{HistorySize: 3, HistoryTTL: time.Hour})
		publish(t, e, "other", "x", hub.PublishOptions{HistorySize: 3, HistoryTTL: time.Hour})
		publish(t, e, "kept", "x", hub.PublishOptions{HistorySize: 20, HistoryTTL: time.Hour, Durable: true})
	}
	want(t, "events", offsets(ear.waitFor(t, context42, 10)), to(1, 10))
	want(t, "publications", offsets(ear.waitFor(t, "news", 10)), to(1, 10))
	want(t, "durable publications", offsets(ear.waitFor(t, "kept", 10)), to(1, 10))
	want(t, "of those not followed", len(ear.of("context:c-43"))+len(ear.of("other")), 0)
	stored := history(t, e, context42, hub.HistoryQuery{Limit: -1}).Messages
	for i, m := range ear.of(context42) {
		if m.Type != hub.MessageEvent || m.Position != stored[i].Position || m.Time != stored[i].Time || !sameEvent(m.Event, stored[i].Event) {
			t.Fatalf("heard %+v, stored %+v", m, stored[i])
		}
	}
	for _, name := range []hub.Channel{"news", "kept"} {
		m := ear.of(name)[9]
		end := headOf(t, e, name)
		if m.Type != hub.MessagePublication || m.Position != end || string(m.Data) != "x" || m.Info.User != "u" || m.Tags["k"] != "v" || m.Time == 0 {
			t.Fatalf("heard %+v, the end is %v", m, end)
		}
	}
}

func (s suite) RefusedAndReplayedCommitsAreNotDelivered(t *testing.T) {
	e := s.Open(t)
	ear := listen(t, e, context42)
	commit(t, e, command(event(context42, "k", `{"n":1}`), "one", 1))
	commit(t, e, command(event(context42, "k", `{"n":1}`), "one", 1))
	conflict := event(context42, "k", `{"n":1}`)
	conflict.Expect = map[string]uint64{"k": 9}
	_, err := e.Commit(t.Context(), conflict)
	wantErr(t, err, hub.ErrConflict)
	commit(t, e, command(&hub.Commit{Channel: context42, Now: start}, "nothing", 1))
	commit(t, e, event(context42, "k", `{"n":2}`))
	want(t, "heard", offsets(ear.waitFor(t, context42, 2)), "[1 2]")
}

func (s suite) UnfollowedChannelIsNotHeardAndFollowedAgainIs(t *testing.T) {
	e := s.Open(t)
	ear := listen(t, e, context42, "store:s1")
	if err := e.Follow(t.Context(), context42); err != nil { // twice is once
		t.Fatal(err)
	}
	commit(t, e, event(context42, "k", `{}`))
	ear.waitFor(t, context42, 1)
	e.Unfollow(context42, "never followed")
	eventually(t, "nothing is heard after Unfollow", func() bool {
		n := len(ear.of(context42))
		commit(t, e, event(context42, "k", `{}`))
		r := commit(t, e, event("store:s1", "k", `{}`))
		ear.waitFor(t, "store:s1", int(r.Position.Offset))
		return len(ear.of(context42)) == n
	})
	if err := e.Follow(t.Context(), context42); err != nil {
		t.Fatal(err)
	}
	n := len(ear.of(context42))
	r := commit(t, e, event(context42, "k", `{}`))
	want(t, "heard again", ear.waitFor(t, context42, n+1)[n].Position, r.Position)
}

func (s suite) SentMessagesAreNotStoredAndControlNeedsNoFollowing(t *testing.T) {
	e := s.Open(t)
	ear := listen(t, e, "news", context42)
	info := &hub.ClientInfo{Client: "cl", User: "u", ConnInfo: json.RawMessage(`{"a":1}`)}
	for _, m := range []*hub.Message{
		{Channel: "news", Type: hub.MessageJoin, Info: info},
		{Channel: "unheard", Type: hub.MessageJoin, Info: info},
		{Channel: "news", Type: hub.MessageLeave, Info: info},
		{Channel: context42, Type: hub.MessageSignal, Data: []byte(`{"type":"signal.typing"}`)},
		{Type: hub.MessageControl, Data: []byte(`{"block":"u"}`)},
	} {
		if err := e.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	heard := ear.waitFor(t, "news", 2)
	if heard[0].Type != hub.MessageJoin || heard[1].Type != hub.MessageLeave || heard[0].Info.User != "u" || string(heard[0].Info.ConnInfo) != `{"a":1}` {
		t.Fatalf("heard %+v, %+v", heard[0], heard[1])
	}
	signal := ear.waitFor(t, context42, 1)[0]
	if signal.Type != hub.MessageSignal || string(signal.Data) != `{"type":"signal.typing"}` || signal.Position != (hub.Position{}) {
		t.Fatalf("heard %+v", signal)
	}
	control := ear.waitFor(t, "", 1)[0]
	if control.Type != hub.MessageControl || string(control.Data) != `{"block":"u"}` {
		t.Fatalf("heard %+v", control)
	}
	want(t, "of the one not followed", len(ear.of("unheard")), 0)
	want(t, "stored", headOf(t, e, "news").Offset+headOf(t, e, context42).Offset, 0)
}

func (s suite) EngineHasOneListenerAtATime(t *testing.T) {
	e := s.Open(t)
	listen(t, e, "news")
	if err := e.Listen(t.Context(), func(*hub.Message) {}); err == nil {
		t.Fatal("a second listener")
	}
	e = s.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	heard := make(chan struct{}, 1000)
	go func() { ended <- e.Listen(ctx, func(*hub.Message) { heard <- struct{}{} }) }()
	eventually(t, "the first hears", func() bool {
		_ = e.Send(t.Context(), &hub.Message{Type: hub.MessageControl, Data: []byte("are you there")})
		return len(heard) > 0
	})
	cancel()
	select {
	case err := <-ended:
		wantErr(t, err, context.Canceled)
	case <-time.After(patience):
		t.Fatal("Listen did not end")
	}
	ear := listen(t, e, "news")
	publish(t, e, "news", "x", hub.PublishOptions{})
	ear.waitFor(t, "news", 1)
}

func (s suite) ConcurrentPublishersAreHeardInTheOrderOfOffsets(t *testing.T) {
	s.both(t, func(t *testing.T, e hub.Engine, opts hub.PublishOptions) {
		const publishers, each = 8, 25
		names := []hub.Channel{"a", "b", "c"}
		ear := listen(t, e, names...)
		var work sync.WaitGroup
		for p := range publishers {
			work.Go(func() {
				for i := range each {
					for _, name := range names {
						m := &hub.Message{Channel: name, Type: hub.MessagePublication, Data: fmt.Appendf(nil, "%d-%d", p, i)}
						if _, err := e.Publish(t.Context(), m, opts); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		work.Wait()
		for _, name := range names {
			want(t, "heard of "+string(name), offsets(ear.waitFor(t, name, publishers*each)), to(1, publishers*each))
		}
	})
}
