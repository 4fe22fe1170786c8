package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/enginetest"
)

// guess asks how many beans a jar is worth, and puts that many in.
var guess = hub.NewMethod("jar.guess", "context", hub.ModeGuarded, everybody, func(tx *hub.Tx, a addArgs) *hub.Problem {
	var j, answer jar
	tx.Get("jar", &j)
	if p := tx.Ask("beans", j, &answer); p != nil {
		if p.Code == hub.CodeNobodyAsked {
			return hub.Problemf("nobody_knows", "nobody knows")
		}
		return p
	}
	j.Beans += answer.Beans
	tx.Put("jar", j)
	tx.Emit("jar.guessed", nil)
	return nil
})

func TestAsk(t *testing.T) {
	var asked atomic.Int64
	command := func(id string) hub.Command {
		return hub.Command{Method: "jar.guess", ID: id, On: "context:c-1", Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: "c-1"}}}
	}
	open := func(t *testing.T, engine hub.Engine, ask func(ctx context.Context, topic string, question json.RawMessage) (json.RawMessage, error)) *hub.Hub {
		asked.Store(0)
		return hub.New(engine, hub.Options{Ask: ask}, hub.Model{Methods: []hub.Method{guess, addBeans}})
	}
	answers := func(_ context.Context, topic string, question json.RawMessage) (json.RawMessage, error) {
		asked.Add(1)
		if topic != "beans" {
			return nil, fmt.Errorf("asked about %s", topic)
		}
		return json.RawMessage(`{"beans":3}`), nil
	}
	away := func(context.Context, string, json.RawMessage) (json.RawMessage, error) {
		asked.Add(1)
		return nil, errors.New("connection refused")
	}
	beans := func(t *testing.T, engine hub.Engine) string {
		s, err := engine.Load(t.Context(), "context:c-1")
		if err != nil {
			t.Fatal(err)
		}
		return string(s.Entries["jar"].Doc)
	}

	t.Run("an answer is decided on, and a retry asks nobody", func(t *testing.T) {
		engine := enginetest.NewModel(enginetest.ModelOptions{})
		h := open(t, engine, answers)
		if a := h.Do(t.Context(), command("1")); a.Problem != nil || beans(t, engine) != `{"beans":3}` {
			t.Errorf("%v, %s", a.Problem, beans(t, engine))
		}
		h = open(t, engine, away)
		if a := h.Do(t.Context(), command("1")); a.Problem != nil || !a.Replayed || asked.Load() != 0 {
			t.Errorf("%+v, asked %d", a, asked.Load())
		}
	})
	t.Run("who is away makes the command unavailable, and it can be tried again", func(t *testing.T) {
		engine := enginetest.NewModel(enginetest.ModelOptions{})
		h := open(t, engine, away)
		if a := h.Do(t.Context(), command("1")); a.Problem == nil || a.Problem.Code != hub.CodeUnavailable {
			t.Errorf("%+v", a)
		}
		h = open(t, engine, answers)
		if a := h.Do(t.Context(), command("1")); a.Problem != nil || a.Replayed {
			t.Errorf("%+v", a)
		}
	})
	t.Run("where nobody is configured the model says so", func(t *testing.T) {
		h := open(t, enginetest.NewModel(enginetest.ModelOptions{}), nil)
		if a := h.Do(t.Context(), command("1")); a.Problem == nil || a.Problem.Code != "nobody_knows" {
			t.Errorf("%+v", a)
		}
	})
	t.Run("an answer that is not readable is none", func(t *testing.T) {
		h := open(t, enginetest.NewModel(enginetest.ModelOptions{}), func(context.Context, string, json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage(`[`), nil
		})
		if a := h.Do(t.Context(), command("1")); a.Problem == nil || a.Problem.Code != hub.CodeUnavailable {
			t.Errorf("%+v", a)
		}
	})
	t.Run("others go on while it asks, and it asks again about what they did", func(t *testing.T) {
		engine := enginetest.NewModel(enginetest.ModelOptions{})
		var h *hub.Hub
		var questions []string
		h = open(t, engine, func(ctx context.Context, topic string, question json.RawMessage) (json.RawMessage, error) {
			questions = append(questions, string(question))
			if len(questions) == 1 {
				add := command("other")
				add.Method, add.Args = "jar.add", json.RawMessage(`{"beans":1}`)
				if a := h.Do(ctx, add); a.Problem != nil {
					t.Error(a.Problem)
				}
			}
			return answers(ctx, topic, question)
		})
		a := h.Do(t.Context(), command("1"))
		if got := fmt.Sprint(questions); a.Problem != nil || got != `[{"beans":0} {"beans":1}]` || beans(t, engine) != `{"beans":4}` {
			t.Errorf("%v, asked %s, %s", a.Problem, got, beans(t, engine))
		}
	})
}
