package care_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
)

// TestTransitions is the whole table: every command from every status, for the
// callers that make a difference. Alice is the agent who has the thread where
// an agent has it.
func TestTransitions(t *testing.T) {
	statuses := []care.Status{care.StatusBot, care.StatusQueued, care.StatusAssigned, care.StatusSnoozed, care.StatusWrapUp, care.StatusResolved}
	const (
		it   = "invalid_transition"
		no   = "not_owner"
		mine = "assigned staff-alice"
		gone = "offer_expired"

		toBen = `,"to":{"type":"agent","id":"staff-ben"},"kind":"cold"`
	)
	rows := []struct {
		who    hub.Caller
		method string
		more   string
		want   [6]string // bot, queued, assigned, snoozed, wrapup, resolved
	}{
		{bot, "escalate", `,"reason":"policy"`, [6]string{"queued", no, no, no, no, no}},
		{otherBot, "escalate", `,"reason":"policy"`, [6]string{no, no, no, no, no, no}},
		{customer, "escalate", `,"reason":"user_request"`, [6]string{"queued", "queued", it, it, it, it}},
		{service, "escalate", `,"reason":"policy"`, [6]string{"queued", "queued", it, it, it, it}},
		{alice, "escalate", `,"reason":"policy"`, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},

		{alice, "claim", ``, [6]string{it, mine, "same", "already_claimed", "already_claimed", it}},
		{ben, "claim", ``, [6]string{it, "assigned staff-ben", "already_claimed", "already_claimed", "already_claimed", it}},
		{stranger, "claim", ``, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},
		{supervisor, "claim", ``, [6]string{it, "assigned staff-sue", "already_claimed", "already_claimed", "already_claimed", it}},
		{supervisor, "take_over", ``, [6]string{"assigned staff-sue", it, "assigned staff-sue", "assigned staff-sue", it, it}},
		{system, "claim", ``, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},
		{alice, "take_over", ``, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},

		{alice, "release", ``, [6]string{it, it, "queued", it, it, it}},
		{ben, "release", ``, [6]string{it, it, no, it, it, it}},
		{supervisor, "release", ``, [6]string{it, it, "queued", it, it, it}},
		{alice, "return_to_bot", ``, [6]string{it, "bot helper", "bot helper", it, it, it}},
		{ben, "return_to_bot", ``, [6]string{it, "bot helper", no, it, it, it}},

		{alice, "transfer", toBen, [6]string{it, it, mine, it, it, it}},
		{ben, "transfer", toBen, [6]string{it, it, no, it, it, it}},
		{supervisor, "transfer", toBen, [6]string{it, it, mine, it, it, it}},
		{bot, "transfer", toBen, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},
		{ben, "accept", ``, [6]string{gone, gone, gone, gone, gone, gone}}, // nothing is offered: see TestTransfer
		{ben, "decline", ``, [6]string{gone, gone, gone, gone, gone, gone}},
		{alice, "complete_transfer", ``, [6]string{it, it, it, it, it, it}},
		{supervisor, "expire_offer", ``, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},

		{alice, "snooze", ``, [6]string{it, it, "snoozed staff-alice", it, it, it}},
		{ben, "snooze", ``, [6]string{it, it, no, it, it, it}},
		{alice, "resolve", ``, [6]string{no, "resolved", "wrapup staff-alice", it, it, it}},
		{ben, "resolve", ``, [6]string{no, "resolved", no, it, it, it}},
		{stranger, "resolve", ``, [6]string{no, "forbidden", no, it, it, it}},
		{supervisor, "resolve", ``, [6]string{"resolved", "resolved", "wrapup staff-alice", it, it, it}},
		{bot, "resolve", ``, [6]string{"resolved", no, no, it, it, it}},
		{alice, "wrap_up", ``, [6]string{it, it, it, it, "resolved", it}},
		{ben, "wrap_up", ``, [6]string{it, it, it, it, no, it}},
		{alice, "reopen", ``, [6]string{it, it, it, it, it, "queued"}},
		{customer, "reopen", ``, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},

		{customer, "post", `,"text":"still there?"`, [6]string{"bot helper", "queued", mine, mine, mine, "queued"}},
		{bot, "post", `,"text":"hi"`, [6]string{"bot helper", no, no, no, no, no}},
		{otherBot, "post", `,"text":"hi"`, [6]string{no, no, no, no, no, no}},
		{alice, "post", `,"text":"hi"`, [6]string{no, no, mine, "snoozed staff-alice", "wrapup staff-alice", no}},
		{ben, "post", `,"text":"hi"`, [6]string{no, no, no, no, no, no}},
		{supervisor, "post", `,"text":"hi"`, [6]string{no, no, no, no, no, no}},
		{till, "post", `,"text":"hi"`, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},
		{ben, "note", `,"text":"hm"`, [6]string{"bot helper", "queued", mine, "snoozed staff-alice", "wrapup staff-alice", "resolved"}},
		{stranger, "note", `,"text":"hm"`, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},
		{customer, "note", `,"text":"hm"`, [6]string{"forbidden", "forbidden", "forbidden", "forbidden", "forbidden", "forbidden"}},
		{customer, "mark_read", ``, [6]string{"same", "same", "same", "same", "same", "same"}}, // nobody answered yet
		{alice, "mark_read", ``, [6]string{no, no, mine, "snoozed staff-alice", "wrapup staff-alice", no}},
		{ben, "mark_read", ``, [6]string{no, no, no, no, no, no}},
	}
	for _, row := range rows {
		for i, status := range statuses {
			t.Run(string(row.who.Role)+" "+row.who.ID+" "+row.method+" from "+string(status), func(t *testing.T) {
				b := newBench(t, withBot)
				b.reach(status)
				before := b.state
				d := b.try(row.who, row.method, `{"conversation":"v1"`+row.more+`}`)
				if got := b.outcome(d); got != row.want[i] {
					t.Fatalf("got %s, want %s (%v)", got, row.want[i], d.Problem)
				}
				if d.Problem != nil {
					if b.state.Position != before.Position {
						t.Error("a refusal changed the context")
					}
					if d.Problem.Code == it {
						checkTransitionDetails(t, d.Problem, status)
					}
				}
			})
		}
	}
}

func checkTransitionDetails(t *testing.T, p *hub.Problem, from care.Status) {
	t.Helper()
	raw, err := json.Marshal(p.Details)
	if err != nil {
		t.Fatal(err)
	}
	var details struct {
		From care.Status
		At   hub.Time
		By   hub.Actor
	}
	if err := json.Unmarshal(raw, &details); err != nil {
		t.Fatal(err)
	}
	if details.From != from || details.At.IsZero() || details.By.Role == "" {
		t.Errorf("details %s do not say from %s, when and by whom", raw, from)
	}
}

func TestOpen(t *testing.T) {
	tests := map[string]struct {
		config care.Config
		who    hub.Caller
		args   string
		want   string
	}{
		"a customer gets the queue's bot":           {withBot, customer, `{"conversation":"v1","channel":"web"}`, "bot helper"},
		"a customer waits where there is no bot":    {withBot, customer, `{"conversation":"v1","channel":"web","queue":"returns"}`, "queued"},
		"a customer waits in an unconfigured shop":  {care.Config{}, customer, `{"conversation":"v1","channel":"web"}`, "queued"},
		"an agent who opens owns":                   {withBot, alice, `{"conversation":"v1","channel":"web"}`, "assigned staff-alice"},
		"a bot that opens owns":                     {care.Config{}, otherBot, `{"conversation":"v1","channel":"web"}`, "bot rival"},
		"an agent opens in own queues only":         {withBot, alice, `{"conversation":"v1","channel":"web","queue":"returns"}`, "forbidden"},
		"an agent without queues works the default": {withBot, hub.Caller{Actor: alice.Actor}, `{"conversation":"v1","channel":"web"}`, "assigned staff-alice"},
		"a queue nobody configured is refused":      {withBot, customer, `{"conversation":"v1","channel":"web","queue":"nope"}`, "invalid"},
		"any queue goes where none are configured":  {care.Config{}, customer, `{"conversation":"v1","channel":"web","queue":"vip"}`, "queued"},
		"a channel is required":                     {care.Config{}, customer, `{"conversation":"v1"}`, "invalid"},
		"an id with a slash is refused":             {care.Config{}, customer, `{"conversation":"v/1","channel":"web"}`, "invalid"},
		"an unknown field is refused":               {care.Config{}, customer, `{"conversation":"v1","channel":"web","owner":"me"}`, "invalid"},
		"a till cannot open":                        {care.Config{}, till, `{"conversation":"v1","channel":"web"}`, "forbidden"},
		"a service cannot open (it receives)":       {care.Config{}, service, `{"conversation":"v1","channel":"web"}`, "forbidden"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.config)
			if got := b.outcome(b.try(tt.who, "open", tt.args)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("an id that is left out is made and told", func(t *testing.T) {
		b := newBench(t, care.Config{})
		e := b.do(customer, "open", `{"channel":"web"}`)
		var data struct{ Conversation string }
		if err := json.Unmarshal(e.Data, &data); err != nil || data.Conversation == "" {
			t.Fatalf("data %s", e.Data)
		}
		b.conversation(data.Conversation)
	})
	t.Run("opened again alike changes nothing, otherwise is refused", func(t *testing.T) {
		b := newBench(t, withBot)
		b.do(customer, "open", `{"conversation":"v1","channel":"web"}`)
		if got := b.outcome(b.try(customer, "open", `{"conversation":"v1","channel":"web"}`)); got != "same" {
			t.Errorf("alike: %s", got)
		}
		if got := b.outcome(b.try(customer, "open", `{"conversation":"v1","channel":"web","queue":"returns"}`)); got != "invalid" {
			t.Errorf("otherwise: %s", got)
		}
	})
	t.Run("opened again alike after it moved on changes nothing", func(t *testing.T) {
		b := newBench(t, withBot)
		b.do(customer, "open", `{"conversation":"v1","channel":"web"}`)
		b.do(bot, "escalate", `{"conversation":"v1","reason":"policy","queue":"returns"}`)
		if got := b.outcome(b.try(customer, "open", `{"conversation":"v1","channel":"web"}`)); got != "same" {
			t.Errorf("alike: %s", got)
		}
	})
	t.Run("open conversations are bounded", func(t *testing.T) {
		b := newBench(t, care.Config{})
		for range care.MaxOpen {
			b.do(customer, "open", `{"channel":"web"}`)
		}
		if d := b.try(customer, "open", `{"channel":"web"}`); d.Problem == nil || d.Problem.Code != hub.CodeTooLarge {
			t.Errorf("one more: %v", d.Problem)
		}
	})
}

func TestQueueKeepsThePlace(t *testing.T) {
	b := newBench(t, withBot)
	b.reach(care.StatusAssigned)
	since := b.conversation("v1").WaitingSince
	b.wait(time.Hour)
	b.do(alice, "release", `{"conversation":"v1"}`)
	if got := b.conversation("v1").WaitingSince; got != since || since.IsZero() {
		t.Errorf("waiting since %v after the release, %v before", got, since)
	}
	if last := b.conversation("v1").LastOwner; last == nil || last.ID != alice.ID {
		t.Errorf("last owner %v", last)
	}
	b.claim()
	b.resolve()
	b.wrapUp()
	b.wait(time.Hour)
	b.do(customer, "post", `{"conversation":"v1","text":"one more thing"}`)
	if got := b.conversation("v1").WaitingSince; got != hub.At(b.now) {
		t.Errorf("reopened, it waits since %v, not %v", got, b.now)
	}
}

func TestReopenWindow(t *testing.T) {
	for name, tt := range map[string]struct {
		after time.Duration
		want  string
	}{
		"within 7 days": {7*24*time.Hour - 2*time.Second, "queued"},
		"after 7 days":  {7 * 24 * time.Hour, "invalid_transition"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, who := range []hub.Caller{customer, ben} {
				b := newBench(t, withBot)
				b.reach(care.StatusResolved)
				b.wait(tt.after)
				method, args := "post", `{"conversation":"v1","text":"hello?"}`
				if who.Role == hub.RoleAgent {
					method, args = "reopen", `{"conversation":"v1"}`
				}
				if got := b.outcome(b.try(who, method, args)); got != tt.want {
					t.Errorf("%s: got %s, want %s", method, got, tt.want)
				}
			}
		})
	}
}

func TestCapacity(t *testing.T) {
	desk := func(load string) map[hub.Channel]hub.State {
		return map[hub.Channel]hub.State{"desk:staff-alice": {Entries: map[string]hub.Entry{care.LoadKey: {Version: 1, Doc: json.RawMessage(load)}}}}
	}
	three := alice
	three.Capacity = 3
	for name, tt := range map[string]struct {
		who  hub.Caller
		load string
		want string
	}{
		"room by default up to four": {alice, `{"assigned":2,"snoozed":9,"wrapup":1}`, "assigned staff-alice"},
		"wrap-up counts":             {alice, `{"assigned":3,"snoozed":0,"wrapup":1}`, "agent_at_capacity"},
		"the token says less":        {three, `{"assigned":3,"snoozed":0,"wrapup":0}`, "agent_at_capacity"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, withBot)
			b.reach(care.StatusQueued)
			b.refs = desk(tt.load)
			if got := b.outcome(b.try(tt.who, "claim", `{"conversation":"v1"}`)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTimers(t *testing.T) {
	t.Run("a snooze ends at its time", func(t *testing.T) {
		b := newBench(t, withBot)
		b.reach(care.StatusAssigned)
		b.do(alice, "snooze", `{"conversation":"v1","until":"2026-11-23T10:00:00Z"}`)
		b.now = start.Add(59 * time.Minute)
		b.fire()
		if got := b.conversation("v1").Status; got != care.StatusSnoozed {
			t.Fatalf("%s a minute early", got)
		}
		b.now = start.Add(time.Hour)
		b.fire()
		if c := b.conversation("v1"); c.Status != care.StatusAssigned || c.Owner.ID != alice.ID || !c.SnoozedUntil.IsZero() {
			t.Fatalf("%+v at its time", c)
		}
	})
	t.Run("a customer's word wakes and stops the timer", func(t *testing.T) {
		b := newBench(t, withBot)
		b.reach(care.StatusAssigned)
		b.do(alice, "snooze", `{"conversation":"v1","until":"2026-11-23T10:00:00Z"}`)
		b.do(customer, "post", `{"conversation":"v1","text":"hello?"}`)
		if len(b.timers) != 0 {
			t.Errorf("timers left: %v", b.timers)
		}
	})
	t.Run("a snooze into the past is refused", func(t *testing.T) {
		b := newBench(t, withBot)
		b.reach(care.StatusAssigned)
		if d := b.try(alice, "snooze", `{"conversation":"v1","until":"2026-11-23T08:00:00Z"}`); d.Problem == nil || d.Problem.Code != hub.CodeInvalid {
			t.Errorf("%v", d.Problem)
		}
	})
	t.Run("wrap-up ends by itself after 60 seconds", func(t *testing.T) {
		b := newBench(t, withBot)
		b.reach(care.StatusWrapUp)
		b.wait(59 * time.Second)
		b.fire()
		if c := b.conversation("v1"); c.Status != care.StatusResolved || c.Owner.Type != care.OwnerNone || c.ResolvedAt != hub.At(b.now) {
			t.Fatalf("%+v", c)
		}
	})
	t.Run("a timer that comes late finds nothing to do", func(t *testing.T) {
		b := newBench(t, withBot)
		b.reach(care.StatusResolved)
		for _, method := range []string{"wake", "wrap_up"} {
			if got := b.outcome(b.try(system, method, `{"conversation":"v1"}`)); got != "same" {
				t.Errorf("%s: %s", method, got)
			}
		}
	})
	t.Run("only the hub wakes", func(t *testing.T) {
		b := newBench(t, withBot)
		b.reach(care.StatusSnoozed)
		if got := b.outcome(b.try(supervisor, "wake", `{"conversation":"v1"}`)); got != "forbidden" {
			t.Error(got)
		}
	})
	t.Run("a shop can do without wrap-up", func(t *testing.T) {
		c := withBot
		c.WrapUp = -1
		b := newBench(t, c)
		b.reach(care.StatusAssigned)
		b.resolve()
		if got := b.conversation("v1").Status; got != care.StatusResolved {
			t.Error(got)
		}
	})
}
