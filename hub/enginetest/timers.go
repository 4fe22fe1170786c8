package enginetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

// timed is a commit that changes timers only.
func timed(name hub.Channel, changes ...hub.TimerChange) *hub.Commit {
	return &hub.Commit{Channel: name, Now: start, Timers: changes}
}

func at(d time.Duration) time.Time { return start.Add(d) }

// due claims and describes: "context:c-42/offer=offer.end{…} …", sorted.
func due(t testing.TB, e hub.Engine, now time.Time, lease time.Duration, limit int) string {
	t.Helper()
	timers, err := e.Due(t.Context(), now, lease, limit)
	if err != nil {
		t.Fatalf("due: %v", err)
	}
	return describe(timers)
}

func describe(timers []hub.Timer) string {
	var list []string
	for _, t := range timers {
		list = append(list, fmt.Sprintf("%s/%s=%s%s@%d", t.Channel, t.Key, t.Method, t.Args, t.Due.Sub(start).Milliseconds()))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func (s suite) TimerIsDueFromItsTimeOnWithItsCommand(t *testing.T) {
	e := s.Open(t)
	commit(t, e, timed(context42, hub.TimerChange{Key: "offer/v1", Due: at(time.Minute), Method: "offer.end", Args: json.RawMessage(`{"n":1}`)}))
	c := event("context:c-43", "k", `{}`)
	c.Timers = []hub.TimerChange{{Key: "offer/v1", Due: at(2 * time.Minute), Method: "offer.end"}}
	commit(t, e, c)
	want(t, "before", due(t, e, at(time.Minute-time.Millisecond), time.Hour, 10), "")
	want(t, "at its time", due(t, e, at(time.Minute), time.Hour, 10), `context:c-42/offer/v1=offer.end{"n":1}@60000`)
	want(t, "the other", due(t, e, at(time.Hour), time.Hour, 10), `context:c-43/offer/v1=offer.end@120000`)
}

func (s suite) TimerSetAgainIsReplacedAndClearedIsGone(t *testing.T) {
	e := s.Open(t)
	commit(t, e, timed(context42,
		hub.TimerChange{Key: "a", Due: at(time.Minute), Method: "m1"},
		hub.TimerChange{Key: "b", Due: at(time.Minute), Method: "m1"},
		hub.TimerChange{Key: "c", Due: at(time.Minute), Method: "m1"}))
	commit(t, e, timed(context42,
		hub.TimerChange{Key: "a", Due: at(time.Hour), Method: "m2"},
		hub.TimerChange{Key: "b"},
		hub.TimerChange{Key: "never set"}))
	want(t, "due", due(t, e, at(time.Minute), time.Minute, 10), `context:c-42/c=m1@60000`)
	want(t, "due later", due(t, e, at(time.Hour), time.Minute, 10), "context:c-42/a=m2@3600000 context:c-42/c=m1@60000")
}

func (s suite) ClaimedTimerIsInvisibleForItsLeaseAndComesBack(t *testing.T) {
	e := s.Open(t)
	commit(t, e, timed(context42, hub.TimerChange{Key: "a", Due: at(0), Method: "m"}))
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{0, "context:c-42/a=m@0"},
		{0, ""},
		{time.Minute - time.Millisecond, ""},
		{time.Minute, "context:c-42/a=m@0"},
		{time.Minute, ""},
		{2 * time.Minute, "context:c-42/a=m@0"},
	} {
		want(t, "due after "+step.after.String(), due(t, e, at(step.after), time.Minute, 10), step.want)
	}
}

func (s suite) ClaimedTimerThatACommitMovesOrClearsFollowsTheCommit(t *testing.T) {
	e := s.Open(t)
	commit(t, e, timed(context42,
		hub.TimerChange{Key: "cleared", Due: at(0), Method: "m"},
		hub.TimerChange{Key: "later", Due: at(0), Method: "m"},
		hub.TimerChange{Key: "again", Due: at(0), Method: "m"},
		hub.TimerChange{Key: "left", Due: at(0), Method: "m"}))
	want(t, "claimed", strings.Count(due(t, e, at(0), time.Hour, 10), "="), 4)
	commit(t, e, timed(context42,
		hub.TimerChange{Key: "cleared"},
		hub.TimerChange{Key: "later", Due: at(time.Minute), Method: "m2"},
		hub.TimerChange{Key: "again", Due: at(0), Method: "m3"}))
	want(t, "set anew, it is unclaimed", due(t, e, at(0), time.Hour, 10), "context:c-42/again=m3@0")
	want(t, "moved", due(t, e, at(time.Minute), time.Hour, 10), "context:c-42/later=m2@60000")
	want(t, "after the first lease", due(t, e, at(time.Hour), 24*time.Hour, 10), "context:c-42/again=m3@0 context:c-42/left=m@0")
	want(t, "after all of them", due(t, e, at(time.Hour+time.Minute), 24*time.Hour, 10), "context:c-42/later=m2@60000")
}

func (s suite) ClearTimerForgetsItOnlyWithTheDueTimeItKnows(t *testing.T) {
	e := s.Open(t)
	commit(t, e, timed(context42, hub.TimerChange{Key: "a", Due: at(0), Method: "m"}))
	timers, err := e.Due(t.Context(), at(0), time.Minute, 1)
	if err != nil || len(timers) != 1 {
		t.Fatalf("%v, %v", timers, err)
	}
	commit(t, e, timed(context42, hub.TimerChange{Key: "a", Due: at(time.Second), Method: "moved"}))
	if err := e.ClearTimer(t.Context(), timers[0]); err != nil {
		t.Fatal(err)
	}
	timers, err = e.Due(t.Context(), at(time.Second), time.Minute, 1)
	if err != nil || describe(timers) != "context:c-42/a=moved@1000" {
		t.Fatalf("it was moved before it was cleared: %v, %v", timers, err)
	}
	for range 2 {
		if err := e.ClearTimer(t.Context(), timers[0]); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "cleared", due(t, e, at(time.Hour), time.Minute, 10), "")
	commit(t, e, timed(context42, hub.TimerChange{Key: "a", Due: at(time.Second), Method: "anew"}))
	want(t, "set anew", due(t, e, at(time.Hour), time.Minute, 10), "context:c-42/a=anew@1000")
}

func (s suite) DueGivesNoMoreThanItsLimitAndEachTimerToOneCaller(t *testing.T) {
	e := s.Open(t)
	const timers = 40
	for n := range timers {
		commit(t, e, timed(hub.Channel(fmt.Sprintf("context:c-%d", n)), hub.TimerChange{Key: "a", Due: at(0), Method: "m"}))
	}
	want(t, "of none", due(t, e, at(0), time.Hour, 0), "")
	var mu sync.Mutex
	claimed := map[hub.Channel]int{}
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range 2 * timers { // an engine that never runs out fails below
				list, err := e.Due(t.Context(), at(0), time.Hour, 3)
				if err != nil || len(list) > 3 {
					t.Errorf("due: %d timers, %v", len(list), err)
					return
				}
				if len(list) == 0 {
					return
				}
				mu.Lock()
				for _, timer := range list {
					claimed[timer.Channel]++
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	want(t, "timers claimed", len(claimed), timers)
	for name, times := range claimed {
		want(t, "claims of "+string(name), times, 1)
	}
}

func (s suite) TimersSurviveARestartAndClearedOnesDoNot(t *testing.T) {
	if s.Reopen == nil {
		skip(t, "Reopen")
	}
	e := s.Open(t)
	commit(t, e, timed(context42,
		hub.TimerChange{Key: "claimed", Due: at(0), Method: "m"},
		hub.TimerChange{Key: "cleared", Due: at(0), Method: "m"}))
	commit(t, e, timed(context42, hub.TimerChange{Key: "cleared"}))
	want(t, "claimed", due(t, e, at(0), time.Minute, 10), "context:c-42/claimed=m@0")
	commit(t, e, timed(context42, hub.TimerChange{Key: "waiting", Due: at(time.Hour), Method: "m"}))
	e = s.Reopen(t, e)
	want(t, "after the lease", due(t, e, at(time.Minute), time.Hour, 10), "context:c-42/claimed=m@0")
	want(t, "waiting", due(t, e, at(time.Hour), time.Minute, 10), "context:c-42/waiting=m@3600000")
}
