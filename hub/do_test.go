package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/samepage/samepage/hub"
)

// A jar of beans: the smallest domain with a bound, a reference and a prerequisite.
type jar struct {
	Beans int `json:"beans"`
}

type addArgs struct {
	Beans int `json:"beans"`
}

var (
	everybody = []hub.Role{hub.RoleCustomer}

	addBeans = hub.NewMethod("jar.add", "context", hub.ModeCommutes, everybody, func(tx *hub.Tx, a addArgs) *hub.Problem {
		var j, limit jar
		tx.Get("jar", &j)
		if tx.Ref("catalog:default", "limit", &limit) && j.Beans+a.Beans > limit.Beans {
			return hub.Problemf("jar_full", "only %d more", limit.Beans-j.Beans).With(map[string]int{"room": limit.Beans - j.Beans})
		}
		j.Beans += a.Beans
		tx.Put("jar", j)
		tx.Emit("jar.beans_added", nil)
		return nil
	})
	takeBeans = hub.NewMethod("sack.take", "store", hub.ModeGuarded, nil, func(tx *hub.Tx, a addArgs) *hub.Problem {
		var sack jar
		tx.Get("sack", &sack)
		if sack.Beans < a.Beans {
			return hub.Problemf("sack_empty", "only %d left", sack.Beans)
		}
		sack.Beans -= a.Beans
		tx.Put("sack", sack)
		tx.Emit("sack.taken", nil)
		return nil
	})
	fill = hub.NewMethod("jar.fill", "context", hub.ModeGuarded, everybody, func(tx *hub.Tx, a addArgs) *hub.Problem {
		args, _ := json.Marshal(a)
		back, _ := json.Marshal(addArgs{-a.Beans})
		tx.First(hub.Command{Method: "sack.take", On: "store:s1", Args: args}, hub.Command{Method: "sack.take", On: "store:s1", Args: back})
		var j jar
		tx.Get("jar", &j)
		if j.Beans+a.Beans > 10 {
			return hub.Problemf("jar_full", "a jar holds 10")
		}
		j.Beans += a.Beans
		tx.Put("jar", j)
		tx.Emit("jar.filled", nil)
		return nil
	})
	setBeans = hub.NewMethod("set", "catalog", hub.ModeCommutes, everybody, func(tx *hub.Tx, a addArgs) *hub.Problem {
		tx.Put("limit", jar(a))
		tx.Emit("limit.set", nil)
		return nil
	})
	pass = hub.NewMethod("jar.pass", "context", hub.ModeGuarded, everybody, func(tx *hub.Tx, a addArgs) *hub.Problem {
		var j, other jar
		tx.Get("jar", &j)
		tx.Ref("context:cellar", "jar", &other)
		if j.Beans+other.Beans == 0 {
			return hub.Problemf("jar_empty", "nobody has any")
		}
		tx.Put("jar", jar{j.Beans + a.Beans})
		tx.Emit("jar.beans_added", nil)
		if tx.Command.On != "context:cellar" {
			tx.Elsewhere("context:cellar")
		}
		return nil
	})
	bad = hub.NewMethod("jar.break", "context", hub.ModeCommutes, everybody, func(*hub.Tx, struct{}) *hub.Problem { panic("crack") })

	beans = hub.Model{
		Methods: []hub.Method{addBeans, takeBeans, fill, pass, setBeans, bad},
		Sights:  []hub.EntrySight{{Channel: "context", Entry: "jar", Roles: map[hub.Role]hub.Sight{hub.RoleCustomer: {}}}},
	}
)

func newHub(t *testing.T, engine hub.Engine, opts hub.Options) *hub.Hub {
	t.Helper()
	h := hub.New(engine, opts, beans)
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); run.Wait(); engine.Close() })
	return h
}

func command(id, method string, on hub.Channel, args any) hub.Command {
	raw, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	return hub.Command{Method: method, ID: id, On: on, Args: raw, Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: "c"}}}
}

func TestACommandHasOneEffectHoweverOftenItIsSent(t *testing.T) {
	h := newHub(t, newStore(t), hub.Options{})
	var group sync.WaitGroup
	answers := make([]hub.Answer, 8)
	for i := range answers {
		group.Go(func() { answers[i] = h.Do(t.Context(), command("one", "jar.add", "context:c", addArgs{3})) })
	}
	group.Wait()
	fresh := 0
	for _, a := range answers {
		if a.Problem != nil || a.Position.Offset != 1 || a.Event == nil {
			t.Errorf("answered %+v, want the event at offset 1", a)
		}
		if !a.Replayed {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d answers were not replayed, want 1", fresh)
	}
	s, err := h.Snapshot(t.Context(), "context:c")
	if err != nil || string(s.Entries["jar"].Doc) != `{"beans":3}` {
		t.Errorf("the jar holds %s, %v", s.Entries["jar"].Doc, err)
	}
}

func TestRefusals(t *testing.T) {
	h := newHub(t, newStore(t), hub.Options{})
	do := func(c hub.Command) hub.Answer { return h.Do(t.Context(), c) }
	do(command("limit", "set", "catalog:default", addArgs{5}))
	do(command("a", "jar.add", "context:c", addArgs{4}))

	stranger := command("x", "jar.add", "context:c", addArgs{1})
	stranger.Caller.Role = hub.RoleGuest
	other := command("a", "jar.add", "context:c", addArgs{4})
	other.Caller.ID = "somebody else"
	behind := command("behind", "jar.add", "context:c", addArgs{1})
	behind.IfVersion = map[string]uint64{"jar": 7}
	deep := command("x", "jar.add", "context:c", nil)
	deep.Args = json.RawMessage(`{"beans":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`)
	garbage := command("x", "jar.add", "context:c", nil)
	garbage.Args = json.RawMessage(`{"beans":`)
	for name, c := range map[string]struct {
		command hub.Command
		code    string
	}{
		"an unknown method":             {command("x", "jar.steal", "context:c", addArgs{1}), "unknown_method"},
		"no id":                         {command("", "jar.add", "context:c", addArgs{1}), "invalid"},
		"another kind of channel":       {command("x", "jar.add", "store:s1", addArgs{1}), "invalid"},
		"no channel":                    {command("x", "jar.add", "", addArgs{1}), "invalid"},
		"arguments of the wrong type":   {command("x", "jar.add", "context:c", map[string]string{"beans": "two"}), "invalid"},
		"arguments that are no JSON":    {garbage, "bad_request"},
		"arguments nested too deep":     {deep, "invalid"},
		"a role that may not":           {stranger, "forbidden"},
		"an internal method":            {command("x", "sack.take", "store:s1", addArgs{1}), "forbidden"},
		"the id with another body":      {command("a", "jar.add", "context:c", addArgs{1}), "command_id_reused"},
		"the id from somebody else":     {other, "command_id_reused"},
		"a version that is behind":      {behind, "conflict"},
		"a model that panics":           {command("p", "jar.break", "context:c", struct{}{}), "internal"},
		"a rule of the domain":          {command("full", "jar.add", "context:c", addArgs{9}), "jar_full"},
		"a rule of another channel":     {command("sack", "jar.fill", "context:c", addArgs{1}), "sack_empty"},
		"a name longer than the bounds": {command("x", "jar.add", hub.Channel("context:"+string(make([]byte, 300))), addArgs{1}), "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			a := do(c.command)
			if a.Problem == nil || a.Problem.Code != c.code {
				t.Errorf("answered %+v, want %s", a, c.code)
			}
		})
	}
	if a := do(behind); a.Problem != nil {
		b, _ := json.Marshal(a.Problem.Details)
		if want := `{"entries":{"jar":{"v":1,"doc":{"beans":4}}},"versions":{"jar":1}}`; string(b) != want {
			t.Errorf("conflict details %s, want %s", b, want)
		}
	}
	s, _ := h.Snapshot(t.Context(), "context:c")
	if s.Position.Offset != 1 {
		t.Errorf("refusals moved the channel to offset %d", s.Position.Offset)
	}
}

func TestARefusalByTheDomainIsRememberedAMalformedCommandIsNot(t *testing.T) {
	h := newHub(t, newStore(t), hub.Options{})
	h.Do(t.Context(), command("limit", "set", "catalog:default", addArgs{5}))
	full := command("full", "jar.add", "context:c", addArgs{9})
	first := h.Do(t.Context(), full)
	h.Do(t.Context(), command("limit2", "set", "catalog:default", addArgs{50}))
	again := h.Do(t.Context(), full)
	if again.Problem == nil || again.Problem.Code != first.Problem.Code || !again.Replayed {
		t.Errorf("the retry is answered %+v, want the first refusal replayed", again)
	}
	h.Do(t.Context(), command("typo", "jar.add", "context:c", map[string]string{"beans": "two"}))
	if a := h.Do(t.Context(), command("typo", "jar.add", "context:c", addArgs{2})); a.Problem != nil {
		t.Errorf("the mended command is refused: %v", a.Problem)
	}
}

func TestAReferenceIsAsFreshAsTheDecision(t *testing.T) {
	h := newHub(t, newStore(t), hub.Options{})
	for n := range 20 {
		h.Do(t.Context(), command(fmt.Sprint("limit", n), "set", "catalog:default", addArgs{n}))
		if a := h.Do(t.Context(), command(fmt.Sprint("add", n), "jar.add", "context:c", addArgs{n + 1})); a.Problem == nil {
			t.Fatalf("%d beans fitted under a limit of %d", n+1, n)
		}
	}
}

// early is an engine whose listeners hear of a commit before its caller does.
type early struct {
	hub.Engine
	heard func(c *hub.Commit)
}

func (e *early) Commit(ctx context.Context, c *hub.Commit) (hub.Result, error) {
	res, err := e.Engine.Commit(ctx, c)
	if err == nil {
		e.heard(c)
	}
	return res, err
}

func TestWhoHearsOfACommitSeesItInReferences(t *testing.T) {
	engine := &early{Engine: newStore(t), heard: func(*hub.Commit) {}}
	h := newHub(t, engine, hub.Options{})
	h.Do(t.Context(), command("ten", "set", "catalog:default", addArgs{10}))
	h.Do(t.Context(), command("first", "jar.add", "context:c", addArgs{1})) // so that the limit is in memory
	var answer hub.Answer
	engine.heard = func(c *hub.Commit) {
		if c.Channel == "catalog:default" {
			answer = h.Do(t.Context(), command("second", "jar.add", "context:c", addArgs{5}))
		}
	}
	h.Do(t.Context(), command("three", "set", "catalog:default", addArgs{3}))
	if answer.Problem == nil || answer.Problem.Code != "jar_full" {
		t.Errorf("answered %+v by the limit there was before", answer)
	}
}

func TestAPrerequisiteIsUndoneWhenTheCommandIsRefusedAfterIt(t *testing.T) {
	h := newHub(t, newStore(t), hub.Options{})
	take := command("stock", "sack.take", "store:s1", addArgs{-20})
	take.Caller.Role = hub.RoleSystem
	h.Do(t.Context(), take)
	sack := func() string {
		s, err := h.Snapshot(t.Context(), "store:s1")
		if err != nil {
			t.Fatal(err)
		}
		return string(s.Entries["sack"].Doc)
	}
	fillIt := command("f1", "jar.fill", "context:c", addArgs{8})
	for range 3 {
		if a := h.Do(t.Context(), fillIt); a.Problem != nil || a.Position.Offset != 1 {
			t.Fatalf("answered %+v", a)
		}
	}
	if got := sack(); got != `{"beans":12}` {
		t.Errorf("after one fill of 8, sent three times, the sack holds %s", got)
	}
	for range 2 {
		if a := h.Do(t.Context(), command("f2", "jar.fill", "context:c", addArgs{8})); a.Problem == nil || a.Problem.Code != "jar_full" {
			t.Fatalf("answered %+v, want jar_full", a)
		}
	}
	if got := sack(); got != `{"beans":12}` {
		t.Errorf("after a refused fill the sack holds %s", got)
	}
}

func TestACommandThatIsLeftToAnotherChannelIsDecidedThere(t *testing.T) {
	h := newHub(t, newStore(t), hub.Options{})
	early := command("early", "jar.pass", "context:c", addArgs{1})
	if a := h.Do(t.Context(), early); a.Problem == nil || a.Problem.Code != "jar_empty" {
		t.Fatalf("answered %+v", a)
	}
	h.Do(t.Context(), command("five", "jar.add", "context:cellar", addArgs{5}))
	for n := range 3 {
		a := h.Do(t.Context(), command("pass", "jar.pass", "context:c", addArgs{1}))
		if a.Problem != nil || a.On != "context:cellar" || a.Position.Offset != 2 || a.Event.Cause != "pass" || a.Replayed != (n > 0) {
			t.Errorf("answered %+v", a)
		}
	}
	if a := h.Do(t.Context(), early); a.Problem == nil || a.Problem.Code != "jar_empty" || !a.Replayed {
		t.Errorf("what was refused here is then answered %+v", a)
	}
	for on, want := range map[hub.Channel]string{"context:c": "", "context:cellar": `{"beans":6}`} {
		if s, err := h.Snapshot(t.Context(), on); err != nil || string(s.Entries["jar"].Doc) != want {
			t.Errorf("the jar of %s is %s, %v", on, s.Entries["jar"].Doc, err)
		}
	}
}

func TestTwoHubsOnOneStoreLoseNoUpdate(t *testing.T) {
	engine := newStore(t)
	a := newHub(t, engine, hub.Options{Shared: true})
	b := hub.New(engine, hub.Options{Shared: true}, beans)
	var group sync.WaitGroup
	for i, h := range []*hub.Hub{a, b} {
		for n := range 50 {
			group.Go(func() {
				if a := h.Do(t.Context(), command(fmt.Sprint(i, "-", n), "jar.add", "context:c", addArgs{1})); a.Problem != nil {
					t.Error(a.Problem)
				}
			})
		}
	}
	group.Wait()
	s, _ := a.Snapshot(t.Context(), "context:c")
	if diff := cmp.Diff(`{"beans":100}`, string(s.Entries["jar"].Doc)); diff != "" {
		t.Error(diff)
	}
}
