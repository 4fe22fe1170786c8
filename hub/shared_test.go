package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

// Two hubs write to one store. What one has in memory of a channel may be
// behind the other; a refusal must not come of that.
func TestARefusalIsNotDecidedOnWhatAnotherNodeHasChanged(t *testing.T) {
	store := newStore(t)
	t.Cleanup(func() { _ = store.Close() })
	model := hub.Model{Methods: []hub.Method{addBeans, takeBeans, hub.NewMethod("jar.empty", "context", hub.ModeCommutes, everybody, func(tx *hub.Tx, _ struct{}) *hub.Problem {
		var j jar
		if !tx.Get("jar", &j) || j.Beans == 0 {
			return hub.Problemf("jar_empty", "there is nothing in it")
		}
		tx.Put("jar", jar{})
		tx.Emit("jar.emptied", nil)
		return nil
	})}}
	one := hub.New(store, hub.Options{Shared: true}, model)
	other := hub.New(store, hub.Options{Shared: true}, model)
	n := 0
	do := func(h *hub.Hub, method, args string) hub.Answer {
		n++
		return h.Do(t.Context(), hub.Command{
			Method: method, ID: fmt.Sprint(n), On: "context:c", Args: []byte(args),
			Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: "c"}},
		})
	}
	if a := do(one, "jar.empty", `{}`); a.Problem == nil || a.Problem.Code != "jar_empty" {
		t.Fatalf("an empty jar: %+v", a)
	}
	for round := range 3 {
		if a := do(other, "jar.add", `{"beans":1}`); a.Problem != nil {
			t.Fatalf("round %d, add: %v", round, a.Problem)
		}
		if a := do(one, "jar.empty", `{}`); a.Problem != nil {
			t.Errorf("round %d: the other hub has filled the jar, and emptying it is refused: %v", round, a.Problem)
		}
		if a := do(other, "jar.empty", `{}`); a.Problem == nil || a.Problem.Code != "jar_empty" {
			t.Errorf("round %d: an empty jar was emptied: %+v", round, a)
		}
	}
}

func TestAnAliasThatAnotherNodeMadeIsNotWrittenTo(t *testing.T) {
	store := newStore(t)
	t.Cleanup(func() { _ = store.Close() })
	h := hub.New(store, hub.Options{Shared: true}, hub.Model{Methods: []hub.Method{addBeans}})
	add := func(id string) hub.Answer {
		return h.Do(t.Context(), hub.Command{
			Method: "jar.add", ID: id, On: "context:a", Args: []byte(`{"beans":1}`),
			Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: "a"}},
		})
	}
	if a := add("1"); a.Problem != nil {
		t.Fatal(a.Problem)
	}
	doc := json.RawMessage(`{"into":"context:b","moved":true}`)
	_, err := store.Commit(t.Context(), &hub.Commit{
		Channel: "context:a", Now: time.Now(), Entries: map[string]json.RawMessage{hub.AliasKey: doc},
		Event: &hub.Event{Type: "context.merged", At: hub.At(time.Now()), Changes: []hub.Change{{Key: hub.AliasKey, Doc: doc}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if a := add("2"); a.Problem != nil || a.On != "context:b" {
		t.Errorf("a command on an alias: %+v", a)
	}
	if s, err := store.Load(t.Context(), "context:a"); err != nil || s.Entries["jar"].Version != 1 {
		t.Errorf("the alias holds %v, %v", s.Entries, err)
	}
}

// merging is an engine on which a context becomes another's alias as soon as
// something was promised to it.
type merging struct {
	hub.Engine
	once sync.Once
}

func (m *merging) Commit(ctx context.Context, c *hub.Commit) (hub.Result, error) {
	res, err := m.Engine.Commit(ctx, c)
	if c.Channel == "store:s1" && c.Command.ID != "stock" {
		m.once.Do(func() {
			doc := json.RawMessage(`{"into":"context:b","moved":true}`)
			_, err = m.Engine.Commit(ctx, &hub.Commit{
				Channel: "context:a", Now: time.Now(), Entries: map[string]json.RawMessage{hub.AliasKey: doc},
				Event: &hub.Event{Type: "context.merged", At: hub.At(time.Now()), Changes: []hub.Change{{Key: hub.AliasKey, Doc: doc}}},
			})
		})
	}
	return res, err
}

func TestWhatWasPromisedToAContextThatIsMergedMeanwhileIsPromisedToTheWinnerAlone(t *testing.T) {
	type takeArgs struct {
		Beans int         `json:"beans"`
		For   hub.Channel `json:"for"`
	}
	takeFor := hub.NewMethod("sack.take_for", "store", hub.ModeGuarded, nil, func(tx *hub.Tx, a takeArgs) *hub.Problem {
		var sack jar
		tx.Get("sack", &sack)
		tx.Put("sack", jar{sack.Beans - a.Beans})
		tx.Emit("sack.taken", nil)
		return nil
	})
	fillFor := hub.NewMethod("jar.fill_for", "context", hub.ModeGuarded, everybody, func(tx *hub.Tx, a addArgs) *hub.Problem {
		take, _ := json.Marshal(takeArgs{a.Beans, tx.Command.On})
		back, _ := json.Marshal(takeArgs{-a.Beans, tx.Command.On})
		tx.First(hub.Command{Method: "sack.take_for", On: "store:s1", Args: take}, hub.Command{Method: "sack.take_for", On: "store:s1", Args: back})
		tx.Put("jar", jar(a))
		tx.Emit("jar.filled", nil)
		return nil
	})
	store := newStore(t)
	t.Cleanup(func() { _ = store.Close() })
	h := hub.New(&merging{Engine: store}, hub.Options{Shared: true}, hub.Model{Methods: []hub.Method{takeFor, fillFor}})
	stock := command("stock", "sack.take_for", "store:s1", takeArgs{Beans: -20})
	stock.Caller.Role = hub.RoleSystem
	h.Do(t.Context(), stock)
	for n := range 2 {
		a := h.Do(t.Context(), command("fill", "jar.fill_for", "context:a", addArgs{5}))
		if a.Problem != nil || a.On != "context:b" || a.Replayed != (n > 0) {
			t.Fatalf("answered %+v %v", a, a.Problem)
		}
	}
	if s, err := store.Load(t.Context(), "store:s1"); err != nil || string(s.Entries["sack"].Doc) != `{"beans":15}` {
		t.Errorf("the sack holds %s, %v", s.Entries["sack"].Doc, err)
	}
}
