package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/flow"
)

// clock is one engine with one timer, and a record of what was run.
type clock struct {
	t      *testing.T
	engine hub.Engine
	start  time.Time

	mu     sync.Mutex
	ran    []string
	answer func(n int) hub.Answer
}

func newClock(t *testing.T) *clock {
	return &clock{t: t, engine: enginetest.NewModel(enginetest.ModelOptions{}), start: time.Now(), answer: func(int) hub.Answer { return hub.Answer{} }}
}

func (c *clock) set(key string, after time.Duration) {
	c.t.Helper()
	_, err := c.engine.Commit(c.t.Context(), &hub.Commit{Channel: "context:c-1", Now: time.Now(), Timers: []hub.TimerChange{
		{Key: key, Due: c.start.Add(after), Method: "test.ring", Args: json.RawMessage(`{"key":"` + key + `"}`)},
	}})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *clock) do(_ context.Context, cmd hub.Command) hub.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd.Caller.Role != hub.RoleSystem || cmd.On != "context:c-1" {
		c.t.Errorf("command %+v", cmd)
	}
	c.ran = append(c.ran, fmt.Sprintf("%s %s at %v", cmd.Method, cmd.Args, time.Since(c.start)))
	return c.answer(len(c.ran))
}

func (c *clock) run(nodes int) (stop func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var running sync.WaitGroup
	for range nodes {
		timers := flow.NewTimers(c.engine, c.do, flow.Options{Interval: time.Second, Lease: 10 * time.Second})
		running.Go(func() {
			if err := timers.Run(ctx); err != nil {
				c.t.Errorf("timers: %v", err)
			}
		})
	}
	return func() { cancel(); running.Wait() }
}

func (c *clock) want(rings ...string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if fmt.Sprint(c.ran) != fmt.Sprint(rings) {
		c.t.Errorf("ran %v, want %v", c.ran, rings)
	}
}

func TestTimers(t *testing.T) {
	refuse := func(code string) hub.Answer { return hub.Answer{Problem: hub.Problemf(code, "no")} }
	tests := map[string]func(t *testing.T, c *clock){
		"a timer runs at its time and once": func(t *testing.T, c *clock) {
			c.set("k", 5*time.Second)
			defer c.run(1)()
			time.Sleep(4500 * time.Millisecond)
			c.want()
			time.Sleep(time.Minute)
			c.want(`test.ring {"key":"k"} at 5s`)
		},
		"two nodes run it once": func(t *testing.T, c *clock) {
			c.set("k", 5*time.Second)
			defer c.run(2)()
			time.Sleep(time.Minute)
			c.want(`test.ring {"key":"k"} at 5s`)
		},
		"what was due while nobody ran is made up for": func(t *testing.T, c *clock) {
			c.set("k", 5*time.Second)
			time.Sleep(time.Hour)
			defer c.run(1)()
			time.Sleep(time.Minute)
			c.want(`test.ring {"key":"k"} at 1h0m0s`)
		},
		"a refusal is an answer": func(t *testing.T, c *clock) {
			c.answer = func(int) hub.Answer { return refuse(hub.CodeInvalidTransition) }
			c.set("k", 5*time.Second)
			defer c.run(1)()
			time.Sleep(time.Minute)
			c.want(`test.ring {"key":"k"} at 5s`)
		},
		"a store that is away is no answer: it runs again after the lease": func(t *testing.T, c *clock) {
			c.answer = func(n int) hub.Answer {
				if n == 1 {
					return refuse(hub.CodeUnavailable)
				}
				return hub.Answer{}
			}
			c.set("k", 5*time.Second)
			defer c.run(2)()
			time.Sleep(time.Minute)
			c.want(`test.ring {"key":"k"} at 5s`, `test.ring {"key":"k"} at 15s`)
		},
		"many at once all run": func(t *testing.T, c *clock) {
			for i := range 300 {
				c.set(fmt.Sprintf("k%d", i), 5*time.Second)
			}
			defer c.run(1)()
			time.Sleep(5500 * time.Millisecond)
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.ran) != 300 {
				t.Errorf("%d ran", len(c.ran))
			}
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClock(t)
				test(t, c)
				if err := c.engine.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAClosedStoreEndsTheTimers(t *testing.T) {
	engine := enginetest.NewModel(enginetest.ModelOptions{})
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	if err := flow.NewTimers(engine, nil, flow.Options{}).Run(t.Context()); err == nil {
		t.Error("no error")
	}
}

// TestOneEffect is the way of a timer whose node dies between command and
// forgetting: another one runs it again, and nothing happens twice.
func TestOneEffect(t *testing.T) {
	type bell struct {
		Rings int `json:"rings"`
	}
	ring := func(tx *hub.Tx, _ struct{}) *hub.Problem {
		var b bell
		tx.Get("bell", &b)
		b.Rings++
		tx.Put("bell", b)
		tx.Emit("bell.rung", nil)
		return nil
	}
	model := hub.Model{Methods: []hub.Method{hub.NewMethod("bell.ring", hub.KindContext, hub.ModeGuarded, nil, ring)}}
	synctest.Test(t, func(t *testing.T) {
		engine := enginetest.NewModel(enginetest.ModelOptions{})
		h := hub.New(engine, hub.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}, model)
		_, err := engine.Commit(t.Context(), &hub.Commit{Channel: "context:c-1", Now: time.Now(), Timers: []hub.TimerChange{
			{Key: "ring", Due: time.Now().Add(time.Minute), Method: "bell.ring"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var answers []hub.Answer
		do := func(ctx context.Context, cmd hub.Command) hub.Answer {
			a := h.Do(ctx, cmd)
			answers = append(answers, a)
			return a
		}
		for _, node := range []hub.Engine{forgetful{engine}, engine} {
			ctx, cancel := context.WithTimeout(t.Context(), 63*time.Second)
			if err := flow.NewTimers(node, do, flow.Options{Lease: 5 * time.Second}).Run(ctx); err != nil {
				t.Error(err)
			}
			cancel()
		}
		if len(answers) != 2 || answers[0].Replayed || !answers[1].Replayed || answers[1].Problem != nil {
			t.Errorf("answers %+v", answers)
		}
		snapshot, err := engine.Load(t.Context(), "context:c-1")
		if err != nil || string(snapshot.Entries["bell"].Doc) != `{"rings":1}` {
			t.Errorf("%s, %v", snapshot.Entries["bell"].Doc, err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTimersThatADeadNodeHadClaimedRunElsewhereWithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(t)
		c.set("k", 0)
		dies, kill := context.WithCancel(t.Context())
		claimed := time.Now()
		err := flow.NewTimers(c.engine, func(context.Context, hub.Command) hub.Answer {
			kill()
			return hub.Answer{Problem: hub.Problemf(hub.CodeUnavailable, "it is dead")}
		}, flow.Options{}).Run(dies)
		if err != nil {
			t.Error(err)
		}
		lives, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		var ran []time.Duration
		if err := flow.NewTimers(c.engine, func(context.Context, hub.Command) hub.Answer {
			ran = append(ran, time.Since(claimed))
			return hub.Answer{}
		}, flow.Options{}).Run(lives); err != nil {
			t.Error(err)
		}
		if len(ran) != 1 || ran[0] > 5*time.Second {
			t.Errorf("it ran after %v, want once and within 5 s", ran)
		}
		if err := c.engine.Close(); err != nil {
			t.Error(err)
		}
	})
}

// forgetful is an engine on a node that always dies before it clears a timer.
type forgetful struct{ hub.Engine }

func (forgetful) ClearTimer(context.Context, hub.Timer) error { return hub.ErrUnavailable }
