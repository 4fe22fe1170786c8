package care_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
)

var (
	customer   = hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: "c-42", Name: "Mara"}, Context: "c-42"}
	alice      = hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "staff-alice", Name: "Alice"}, Queues: []string{"support"}}
	ben        = hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "staff-ben", Name: "Ben"}, Queues: []string{"support"}}
	stranger   = hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "staff-stu", Name: "Stu"}, Queues: []string{"returns"}}
	supervisor = hub.Caller{Actor: hub.Actor{Role: hub.RoleSupervisor, ID: "staff-sue", Name: "Sue"}}
	bot        = hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: "helper", Name: "Helper"}}
	otherBot   = hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: "rival"}}
	service    = hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "backend"}}
	system     = hub.Caller{Actor: hub.Actor{Role: hub.RoleSystem}}
	till       = hub.Caller{Actor: hub.Actor{Role: hub.RolePOS, ID: "till-1"}, Store: "s1"}
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

var withBot = care.Config{Queues: map[string]care.Queue{"support": {Bot: "helper", BotName: "Helper"}, "returns": {}}}

// reporter is what fails: a test, a fuzz target or a property.
type reporter interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// bench is one context under one model, its clock in the test's hand.
type bench struct {
	t       reporter
	methods hub.Methods
	sights  *hub.Sights
	state   hub.State
	refs    map[hub.Channel]hub.State
	now     time.Time
	n       int
	timers  map[string]hub.TimerChange
	events  []*hub.Event
}

func newBench(t reporter, c care.Config) *bench {
	m := care.Model(c)
	return &bench{
		t: t, methods: hub.NewMethods(m), sights: hub.NewSights(m), now: start,
		state:  hub.State{Position: hub.Position{Epoch: "e"}},
		timers: map[string]hub.TimerChange{},
	}
}

// try decides a command; what is accepted stays.
func (b *bench) try(who hub.Caller, method, args string) hub.Decision {
	b.t.Helper()
	b.n++
	return b.tryID(fmt.Sprintf("cmd-%d", b.n), who, method, args)
}

func (b *bench) tryID(id string, who hub.Caller, method, args string) hub.Decision {
	b.t.Helper()
	cmd := hub.Command{Method: "conversation." + method, ID: id, On: "context:c-42", Args: json.RawMessage(args), Caller: who}
	d := hub.Decide(b.methods, b.sights, cmd, b.now, b.state, b.refs)
	if d.Problem != nil {
		if d.Problem.Code == hub.CodeInternal {
			b.t.Fatalf("%s %s: %v", method, args, d.Problem)
		}
		return d
	}
	b.accept(d)
	return d
}

func (b *bench) accept(d hub.Decision) {
	b.state = d.State
	for _, timer := range d.Commit.Timers {
		if timer.Due.IsZero() {
			delete(b.timers, timer.Key)
		} else {
			b.timers[timer.Key] = timer
		}
	}
	if d.Commit.Event != nil {
		e := *d.Commit.Event
		for i := range e.Changes {
			e.Changes[i].Version = d.State.Position.Offset
		}
		b.events = append(b.events, &e)
	}
}

// do is try for what must be accepted.
func (b *bench) do(who hub.Caller, method, args string) *hub.Event {
	b.t.Helper()
	d := b.try(who, method, args)
	if d.Problem != nil {
		b.t.Fatalf("%s by %s: %v %v", method, who.ID, d.Problem, d.Problem.Details)
	}
	return d.Commit.Event
}

func (b *bench) conversation(id string) care.Conversation {
	b.t.Helper()
	var c care.Conversation
	e, ok := b.state.Entries[care.Key(id)]
	if !ok {
		b.t.Fatalf("no conversation %s", id)
	}
	if err := json.Unmarshal(e.Doc, &c); err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) wait(d time.Duration) { b.now = b.now.Add(d) }

// fire runs the timers that are due by now, as the hub does.
func (b *bench) fire() {
	b.t.Helper()
	for _, key := range slices.Sorted(maps.Keys(b.timers)) {
		timer := b.timers[key]
		if timer.Due.After(b.now) {
			continue
		}
		delete(b.timers, key)
		b.n++
		cmd := hub.Command{Method: timer.Method, ID: fmt.Sprintf("timer-%d", b.n), On: "context:c-42", Args: timer.Args, Caller: system}
		d := hub.Decide(b.methods, b.sights, cmd, b.now, b.state, b.refs)
		if d.Problem != nil {
			b.t.Fatalf("timer %s: %v", key, d.Problem)
		}
		b.accept(d)
	}
}

// outcome is a decision in a word: a problem's code, "same" where nothing
// changed, else the conversation's status and owner.
func (b *bench) outcome(d hub.Decision) string {
	b.t.Helper()
	switch {
	case d.Problem != nil:
		return d.Problem.Code
	case d.Commit.Event == nil:
		return "same"
	}
	c := b.conversation("v1")
	if c.Owner.ID == "" {
		return string(c.Status)
	}
	return string(c.Status) + " " + c.Owner.ID
}

// reach brings conversation v1 to a status; agents' ones are Alice's.
func (b *bench) reach(status care.Status) {
	b.t.Helper()
	b.do(customer, "open", `{"conversation":"v1","channel":"web"}`)
	b.do(customer, "post", `{"conversation":"v1","message":"m1","text":"hello"}`)
	steps := map[care.Status][]func(){
		care.StatusBot:      {},
		care.StatusQueued:   {b.escalate},
		care.StatusAssigned: {b.escalate, b.claim},
		care.StatusSnoozed:  {b.escalate, b.claim, b.snooze},
		care.StatusWrapUp:   {b.escalate, b.claim, b.resolve},
		care.StatusResolved: {b.escalate, b.claim, b.resolve, b.wrapUp},
	}
	for _, step := range steps[status] {
		b.wait(time.Second)
		step()
	}
	if got := b.conversation("v1").Status; got != status {
		b.t.Fatalf("reached %s, not %s", got, status)
	}
	b.wait(time.Second)
}

func (b *bench) escalate() { b.do(bot, "escalate", `{"conversation":"v1","reason":"user_request"}`) }
func (b *bench) claim()    { b.do(alice, "claim", `{"conversation":"v1"}`) }
func (b *bench) snooze()   { b.do(alice, "snooze", `{"conversation":"v1"}`) }
func (b *bench) resolve()  { b.do(alice, "resolve", `{"conversation":"v1"}`) }
func (b *bench) wrapUp()   { b.do(alice, "wrap_up", `{"conversation":"v1"}`) }
