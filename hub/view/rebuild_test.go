package view_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/view"
)

// story does random things to four customers, two stores and two agents.
type story struct {
	*shop
	r      *rand.Rand
	orders []string // "customer order"
	chats  []string // "customer conversation"
}

func (s *story) step() {
	s.t.Helper()
	pick := func(list ...string) string { return list[s.r.IntN(len(list))] }
	who := fmt.Sprintf("c-%d", s.r.IntN(4))
	on := hub.Channel("context:" + who)
	switch n := s.r.IntN(12); {
	case n == 0:
		id := fmt.Sprintf("o%d", len(s.orders))
		s.order(who, id, pick("s1", "s2"))
		s.orders = append(s.orders, who+" "+id)
	case n == 1:
		id := fmt.Sprintf("v%d", len(s.chats))
		s.do(customer(who), on, "conversation.open", `{"conversation":"`+id+`","channel":"web","queue":"`+pick("support", "returns")+`"}`)
		s.chats = append(s.chats, who+" "+id)
	case n == 2:
		s.do(customer(who), on, "profile.update", `{"traits":{"first_name":"`+pick("Mara", "Ole", "")+`"}}`)
	case n < 8 && len(s.orders) > 0:
		var order string
		fmt.Sscan(pick(s.orders...), &who, &order)
		on = hub.Channel("context:" + who)
		switch method := pick("capture", "start", "ready", "complete", "start", "ready", "complete", "recall", "arrive", "move", "move", "cancel"); method {
		case "capture":
			s.may(backend, on, "order.capture", `{"order":"`+order+`","tender":"t1"}`)
		case "cancel":
			s.may(backend, on, "order.cancel", `{"order":"`+order+`","reason":"x"}`)
		case "move":
			from := till
			to := "s2"
			if from.Store = pick("s1", "s2"); from.Store == "s2" {
				to = "s1"
			}
			s.may(from, on, "fulfilment.move", `{"order":"`+order+`","store":"`+to+`"}`)
		case "arrive":
			s.may(customer(who), on, "fulfilment.arrive", `{"order":"`+order+`"}`)
		default:
			for _, store := range []string{"s1", "s2"} {
				at := till
				at.Store = store
				s.may(at, on, "fulfilment."+method, `{"order":"`+order+`"}`)
			}
		}
	case len(s.chats) > 0:
		var chat string
		fmt.Sscan(pick(s.chats...), &who, &chat)
		on = hub.Channel("context:" + who)
		agent := alice
		if s.r.IntN(2) == 0 {
			agent = ben
		}
		agent.Queues, agent.Capacity = []string{"*"}, 100
		switch method := pick("post", "say", "claim", "claim", "transfer", "transfer", "accept", "accept", "decline", "complete_transfer", "release", "snooze", "resolve", "reopen", "mark_read"); method {
		case "post":
			s.may(customer(who), on, "conversation.post", `{"conversation":"`+chat+`","text":"hello"}`)
		case "say":
			s.may(agent, on, "conversation.post", `{"conversation":"`+chat+`","text":"yes?"}`)
		case "transfer":
			to := pick(`{"type":"agent","id":"alice"}`, `{"type":"agent","id":"ben"}`, `{"type":"queue","id":"returns"}`)
			if s.conversation(on, chat).Owner.ID == agent.ID && !strings.Contains(to, agent.ID) {
				s.may(agent, on, "conversation.transfer", `{"conversation":"`+chat+`","to":`+to+`,"kind":"`+pick("cold", "warm")+`"}`)
			}
		default:
			s.may(agent, on, "conversation."+method, `{"conversation":"`+chat+`"}`)
		}
	}
	time.Sleep(time.Duration(s.r.IntN(3)) * time.Millisecond)
}

func (s *story) conversation(on hub.Channel, id string) (c care.Conversation) {
	s.t.Helper()
	snapshot, err := s.engine.Load(s.t.Context(), on)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(snapshot.Entries[care.Key(id)].Doc, &c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// may is a command that may be refused, if the refusal is one of the rules'.
func (s *story) may(who hub.Caller, on hub.Channel, method, args string) {
	s.t.Helper()
	if a := s.try(who, on, method, args); a.Problem != nil {
		switch a.Problem.Code {
		case hub.CodeInvalid, hub.CodeInternal, hub.CodeUnknownMethod, hub.CodeUnavailable, hub.CodeBadRequest:
			s.t.Fatalf("%s %s: %v %v", method, args, a.Problem, a.Problem.Details)
		}
	}
}

// copied is another store with the same contexts, and nothing else.
func copied(t testing.TB, from hub.Engine) hub.Engine {
	t.Helper()
	to := enginetest.NewModel(enginetest.ModelOptions{})
	for name, err := range from.Channels(t.Context(), "context:") {
		if err != nil {
			t.Fatal(err)
		}
		snapshot, err := from.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		c := &hub.Commit{Channel: name, Now: time.Now(), Entries: map[string]json.RawMessage{}, Event: &hub.Event{Type: "test.copied"}}
		for key, e := range snapshot.Entries {
			c.Entries[key] = e.Doc
			c.Event.Changes = append(c.Event.Changes, hub.Change{Key: key, Doc: e.Doc})
		}
		if _, err := to.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// TestFoldedIsRebuilt holds views that were folded event by event, over
// restarts and trimmed logs, against views made of the contexts at the end.
func TestFoldedIsRebuilt(t *testing.T) {
	stood := 0
	for seed := range uint64(9) {
		opts := enginetest.ModelOptions{Partitions: 8}
		if seed%3 == 0 {
			opts.RecordsSize = 5
		}
		bubble(t, fmt.Sprintf("story %d", seed), opts, func(t *testing.T, s *shop) {
			s.stock()
			if seed%2 == 0 {
				s.opts.Workers, s.opts.Contexts = 2, 1 // what is forgotten is loaded again
			}
			tale := &story{shop: s, r: rand.New(rand.NewPCG(seed, 1))}
			s.run()
			for range 160 {
				tale.step()
				if tale.r.IntN(40) == 0 {
					s.stop()
					for range tale.r.IntN(20) {
						tale.step()
					}
					s.run()
				}
			}
			synctest.Wait()
			s.stop()
			folded := views(t, s.engine)
			for _, docs := range folded {
				stood += len(docs)
			}

			fresh := copied(t, s.engine)
			if err := view.New(fresh, s.opts).Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(views(t, fresh), folded); diff != "" {
				t.Errorf("folded differs from rebuilt: %s", diff)
			}

			before := heads(t, s.engine)
			if err := view.New(s.engine, s.opts).Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, heads(t, s.engine)); diff != "" {
				t.Errorf("rebuilt where nothing was wrong, views were committed: %s", diff)
			}
			if err := fresh.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if stood < 100 {
		t.Errorf("only %d entries stood in all views together: the stories tell nothing", stood)
	}
}

// TestRebuildMendsDamage takes out, adds and changes entries behind the views' back.
func TestRebuildMendsDamage(t *testing.T) {
	bubble(t, "damage", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.stock()
		s.run()
		tale := &story{shop: s, r: rand.New(rand.NewPCG(7, 7))}
		for range 200 {
			tale.step()
		}
		synctest.Wait()
		s.stop()
		want := views(t, s.engine)
		n := 0
		for name := range want {
			snapshot, err := s.engine.Load(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			c := &hub.Commit{Channel: name, Now: time.Now(), Entries: map[string]json.RawMessage{}, Event: &hub.Event{Type: "test.damaged"}}
			for key, e := range snapshot.Entries {
				n++
				if n%3 == 0 {
					continue
				}
				var doc map[string]any
				if err := json.Unmarshal(e.Doc, &doc); err != nil {
					t.Fatal(err)
				}
				if n%3 == 1 && key != "load" {
					c.Entries[key] = nil
					continue
				}
				doc["scribble"] = true
				if c.Entries[key], err = json.Marshal(doc); err != nil {
					t.Fatal(err)
				}
			}
			c.Entries["order/ghost"] = json.RawMessage(`{"context":"c-0","order":"ghost","column":"new"}`)
			for key := range c.Entries {
				c.Event.Changes = append(c.Event.Changes, hub.Change{Key: key, Doc: c.Entries[key], Gone: c.Entries[key] == nil})
			}
			if _, err := s.engine.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if err := view.New(s.engine, s.opts).Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, views(t, s.engine)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOverBolt runs a story on the real store, closes it and goes on.
func TestOverBolt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	var tale *story
	for round := range 2 {
		engine, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := newShop(t, engine, view.Options{Shelf: 3})
		if round == 0 {
			s.stock()
			tale = &story{r: rand.New(rand.NewPCG(3, 3))}
		} else {
			s.n = tale.n
		}
		tale.shop = s
		s.run()
		for range 120 {
			tale.step()
		}
		fresh := copied(t, engine)
		if err := view.New(fresh, s.opts).Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		want, got := views(t, fresh), map[hub.Channel]map[string]map[string]any(nil)
		for range 1000 { // the views follow in their own time
			if got = views(t, engine); cmp.Equal(want, got) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round %d: %s", round, diff)
		}
		s.stop()
		if err := engine.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
