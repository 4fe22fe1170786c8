package view_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/view"
)

func TestBoard(t *testing.T) {
	bubble(t, "a ticket goes through the columns", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		s.stock()
		s.order("c-42", "o1", "s1")
		synctest.Wait()
		got := entries(t, s.engine, "board:s1")["order/o1"]
		if got == nil {
			t.Fatal("no ticket")
		}
		for field, want := range map[string]any{
			"context": "c-42", "order": "o1", "column": "new", "ticket_name": "Mara", "payment_state": "pending",
			"due":   map[string]any{"amount": 900.0, "currency": "USD"},
			"lines": map[string]any{"l1": map[string]any{"sku": "latte", "name": "Latte", "quantity": 2.0, "order": 1.0}},
		} {
			if diff := cmp.Diff(want, got[field]); diff != "" {
				t.Errorf("%s: %s", field, diff)
			}
		}
		s.do(backend, "context:c-42", "order.capture", `{"order":"o1","tender":"t1"}`)
		for _, step := range []struct{ method, column string }{
			{"start", "making"}, {"ready", "ready"}, {"recall", "making"}, {"ready", "ready"}, {"complete", "done"},
		} {
			s.do(till, "context:c-42", "fulfilment."+step.method, `{"order":"o1"}`)
			synctest.Wait()
			if got := entries(t, s.engine, "board:s1")["order/o1"]["column"]; got != step.column {
				t.Errorf("after %s the ticket is in %v", step.method, got)
			}
		}
	})

	bubble(t, "an event names the one it comes from", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		s.stock()
		s.order("c-42", "o1", "s1")
		time.Sleep(time.Second)
		a := s.do(till, "context:c-42", "fulfilment.start", `{"order":"o1"}`)
		synctest.Wait()
		log := events(t, s.engine, "board:s1")
		if diff := cmp.Diff([]string{"ticket.added", "ticket.changed"}, eventTypes(t, s.engine, "board:s1")); diff != "" {
			t.Fatal(diff)
		}
		e := log[1]
		var data struct {
			Source struct {
				Channel hub.Channel
				Offset  uint64
				At      hub.Time
				Type    string
			}
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		if data.Source.Channel != "context:c-42" || data.Source.Offset != a.Position.Offset || data.Source.At != a.Event.At || data.Source.Type != a.Event.Type {
			t.Errorf("source %s, want offset %d at %v", e.Data, a.Position.Offset, a.Event.At)
		}
		if e.By.ID != till.ID || e.Cause != a.Event.Cause {
			t.Errorf("by %v, cause %s", e.By, e.Cause)
		}
		if len(e.Changes) != 1 || e.Changes[0].Patch == nil {
			t.Errorf("changes %+v", e.Changes)
		}
	})

	bubble(t, "what is called off leaves", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		s.stock()
		s.order("c-42", "o1", "s1")
		s.do(customer("c-42"), "context:c-42", "order.cancel", `{"order":"o1","reason":"changed my mind"}`)
		synctest.Wait()
		if got := entries(t, s.engine, "board:s1"); len(got) != 0 {
			t.Errorf("still there: %v", got)
		}
	})

	bubble(t, "the latest done tickets stay", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		s.stock()
		for i := range 5 {
			who, order := fmt.Sprintf("c-%d", i), fmt.Sprintf("o%d", i)
			s.order(who, order, "s1")
			s.do(backend, hub.Channel("context:"+who), "order.capture", `{"order":"`+order+`","tender":"t1"}`)
			for _, step := range []string{"start", "ready", "complete"} {
				s.do(till, hub.Channel("context:"+who), "fulfilment."+step, `{"order":"`+order+`"}`)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		got := entries(t, s.engine, "board:s1")
		if len(got) != 3 || got["order/o4"] == nil || got["order/o3"] == nil || got["order/o2"] == nil {
			t.Errorf("on the shelf: %v", got)
		}
	})

	bubble(t, "an id that another customer uses takes nobody's place", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		s.stock()
		s.order("c-1", "o1", "s1")
		synctest.Wait()
		s.order("c-2", "o1", "s1")
		synctest.Wait()
		got := entries(t, s.engine, "board:s1")
		if len(got) != 2 || got["order/o1"]["context"] != "c-1" || got["order/o1~c-2"]["context"] != "c-2" {
			t.Fatalf("%v", got)
		}
		s.do(customer("c-2"), "context:c-2", "order.cancel", `{"order":"o1","reason":"x"}`)
		synctest.Wait()
		if got := entries(t, s.engine, "board:s1"); len(got) != 1 || got["order/o1"]["context"] != "c-1" {
			t.Fatalf("%v", got)
		}
	})
}

func TestQueueAndDesk(t *testing.T) {
	bubble(t, "a conversation goes from queue to desk and back", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		mara := hub.Channel("context:c-42")
		s.do(customer("c-42"), mara, "conversation.open", `{"conversation":"v1","channel":"web"}`)
		s.do(customer("c-42"), mara, "conversation.post", `{"conversation":"v1","text":"where is my latte?"}`)
		synctest.Wait()
		got := entries(t, s.engine, "queue:support")["conversation/v1"]
		if got["context"] != "c-42" || got["channel"] != "web" || got["waiting_since"] == nil || got["customer"] != nil {
			t.Fatalf("%v", got)
		}
		if last, _ := got["last_message"].(map[string]any); last["text"] != "where is my latte?" {
			t.Errorf("last message %v", got["last_message"])
		}
		s.do(customer("c-42"), mara, "profile.update", `{"traits":{"first_name":"Mara","last_name":"Lind"}}`)
		synctest.Wait()
		if got := entries(t, s.engine, "queue:support")["conversation/v1"]["customer"]; got != "Mara Lind" {
			t.Errorf("customer %v", got)
		}
		s.do(alice, mara, "conversation.claim", `{"conversation":"v1"}`)
		synctest.Wait()
		if got := entries(t, s.engine, "queue:support"); len(got) != 0 {
			t.Errorf("still waiting: %v", got)
		}
		desk := entries(t, s.engine, "desk:alice")
		if desk["conversation/v1"]["status"] != "assigned" || desk["conversation/v1"]["unread"] != 1.0 || desk["load"]["assigned"] != 1.0 {
			t.Errorf("desk %v", desk)
		}
		s.do(alice, mara, "conversation.snooze", `{"conversation":"v1"}`)
		synctest.Wait()
		if load := entries(t, s.engine, "desk:alice")["load"]; load["assigned"] != 0.0 || load["snoozed"] != 1.0 {
			t.Errorf("load %v", load)
		}
		s.do(customer("c-42"), mara, "conversation.post", `{"conversation":"v1","text":"hello?"}`)
		s.do(alice, mara, "conversation.resolve", `{"conversation":"v1"}`)
		synctest.Wait()
		if got := views(t, s.engine); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
	})

	bubble(t, "an offer stands on the desk it is made to, until it is answered", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		on := hub.Channel("context:c-42")
		s.do(customer("c-42"), on, "conversation.open", `{"conversation":"v1","channel":"web"}`)
		s.do(alice, on, "conversation.claim", `{"conversation":"v1"}`)
		s.do(alice, on, "conversation.transfer", `{"conversation":"v1","to":{"type":"agent","id":"ben"},"kind":"cold","note":"yours"}`)
		synctest.Wait()
		offered := entries(t, s.engine, "desk:ben")
		offer, _ := offered["offer/v1"]["offer"].(map[string]any)
		if len(offered) != 2 || offer["note"] != "yours" || offer["expires_at"] == nil || offered["load"]["offered"] != 1.0 {
			t.Fatalf("desk of ben %v", offered)
		}
		if own := entries(t, s.engine, "desk:alice")["conversation/v1"]; own == nil || own["offer"] == nil {
			t.Errorf("desk of alice %v", own)
		}
		s.do(alice, on, "conversation.transfer", `{"conversation":"v1","to":{"type":"queue","id":"support"},"kind":"cold"}`)
		synctest.Wait()
		if got := entries(t, s.engine, "desk:ben"); len(got) != 0 {
			t.Errorf("rescinded, it is still on %v", got)
		}
		if got := entries(t, s.engine, "queue:support"); len(got) != 1 || got["offer/v1"] == nil {
			t.Errorf("queue %v", got)
		}
		s.do(ben, on, "conversation.accept", `{"conversation":"v1"}`)
		synctest.Wait()
		if got := views(t, s.engine); len(got) != 1 || got["desk:ben"]["conversation/v1"] == nil || got["desk:ben"]["load"]["assigned"] != 1.0 {
			t.Errorf("accepted, it stands at %v", got)
		}
		if got, want := eventTypes(t, s.engine, "desk:ben"), []string{"offer.added", "offer.removed", "owned.added"}; !slices.Equal(got, want) {
			t.Errorf("desk of ben: %v, want %v", got, want)
		}
	})

	bubble(t, "a bot's desk says where to go", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		crumb := hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: "crumb", Name: "Crumb"}}
		on := hub.Channel("context:c-42")
		s.do(customer("c-42"), on, "profile.update", `{"traits":{"first_name":"Mara","last_name":"Lind"}}`)
		s.do(crumb, on, "conversation.open", `{"conversation":"v1","channel":"web"}`)
		synctest.Wait()
		row := entries(t, s.engine, "desk:crumb")["conversation/v1"]
		if row["context"] != "c-42" || row["status"] != "bot" || row["customer"] != nil || len(entries(t, s.engine, "desk:crumb")) != 1 {
			t.Errorf("the desk is %v", entries(t, s.engine, "desk:crumb"))
		}
		at := heads(t, s.engine)["desk:crumb"]
		s.do(customer("c-42"), on, "conversation.post", `{"conversation":"v1","text":"hello"}`)
		synctest.Wait()
		if got := heads(t, s.engine)["desk:crumb"]; got != at {
			t.Error("a word in the thread is an event of the bot's desk")
		}
		s.do(crumb, on, "conversation.escalate", `{"conversation":"v1","reason":"policy"}`)
		s.do(alice, on, "conversation.claim", `{"conversation":"v1"}`)
		synctest.Wait()
		if got := entries(t, s.engine, "desk:crumb"); len(got) != 0 {
			t.Errorf("escalated, it is still on %v", got)
		}
		s.do(alice, on, "conversation.return_to_bot", `{"conversation":"v1"}`)
		synctest.Wait()
		log := events(t, s.engine, "desk:crumb")
		last := hub.NewSights(view.Model()).Event(hub.Audience{Role: hub.RoleBot, Bot: "crumb"}, "desk:crumb", log[len(log)-1])
		if last.Type != "owned.added" || !strings.Contains(string(last.Data), `"conversation.returned_to_bot"`) {
			t.Errorf("the bot is told %+v %s", last, last.Data)
		}
	})

	bubble(t, "an agent's desk says when it is full", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.run()
		defer s.stop()
		for i := range 6 {
			on := hub.Channel(fmt.Sprintf("context:c-%d", i))
			s.do(customer(on.ID()), on, "conversation.open", `{"conversation":"v1","channel":"web"}`)
			a := s.try(alice, on, "conversation.claim", `{"conversation":"v1"}`)
			synctest.Wait()
			if full := a.Problem != nil && a.Problem.Code == care.CodeAgentAtCapacity; full != (i >= care.DefaultCapacity) {
				t.Errorf("claim %d: %v", i+1, a.Problem)
			}
		}
		s.do(alice, "context:c-0", "conversation.resolve", `{"conversation":"v1"}`)
		synctest.Wait()
		s.do(alice, "context:c-5", "conversation.claim", `{"conversation":"v1"}`)
	})
}

func TestRestart(t *testing.T) {
	story := func(s *shop, i int) {
		who := fmt.Sprintf("c-%d", i)
		on := hub.Channel("context:" + who)
		s.order(who, "o"+who, "s1")
		s.do(customer(who), on, "conversation.open", `{"conversation":"v`+who+`","channel":"web"}`)
		if i%2 == 0 {
			s.do(alice, on, "conversation.claim", `{"conversation":"v`+who+`"}`)
			s.do(till, on, "fulfilment.start", `{"order":"o`+who+`"}`)
		}
	}
	change := func(s *shop) { // while nobody looks: what moves must leave its old place
		s.do(till, "context:c-1", "fulfilment.start", `{"order":"oc-1"}`)
		s.do(customer("c-3"), "context:c-3", "order.cancel", `{"order":"oc-3","reason":"x"}`)
		s.do(alice, "context:c-0", "conversation.release", `{"conversation":"vc-0"}`)
		s.do(ben, "context:c-1", "conversation.claim", `{"conversation":"vc-1"}`)
	}
	check := func(t *testing.T, s *shop) {
		t.Helper()
		board := entries(t, s.engine, "board:s1")
		if len(board) != 3 || board["order/oc-1"]["column"] != "making" {
			t.Errorf("board %v", board)
		}
		if got := entries(t, s.engine, "queue:support"); len(got) != 2 || got["conversation/vc-0"] == nil || got["conversation/vc-3"] == nil {
			t.Errorf("queue %v", got)
		}
		if got := entries(t, s.engine, "desk:ben"); len(got) != 2 {
			t.Errorf("desk of ben %v", got)
		}
		if got := entries(t, s.engine, "desk:alice"); len(got) != 2 || got["conversation/vc-2"] == nil {
			t.Errorf("desk of alice %v", got)
		}
	}
	bubble(t, "what happened meanwhile is caught up", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.stock()
		s.run()
		for i := range 4 {
			story(s, i)
		}
		synctest.Wait()
		s.stop()
		change(s)
		s.run()
		defer s.stop()
		synctest.Wait()
		check(t, s)
	})
	bubble(t, "even where the log was trimmed", enginetest.ModelOptions{RecordsSize: 1, Partitions: 4}, func(t *testing.T, s *shop) {
		s.stock()
		s.run()
		for i := range 4 {
			story(s, i)
		}
		synctest.Wait()
		s.stop()
		change(s)
		for range 20 {
			s.do(customer("c-9"), "context:c-9", "cart.add_line", `{"sku":"latte","quantity":1}`)
		}
		s.run()
		defer s.stop()
		synctest.Wait()
		check(t, s)
	})
	bubble(t, "redelivery changes nothing", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.stock()
		s.run()
		for i := range 4 {
			story(s, i)
		}
		change(s)
		synctest.Wait()
		s.stop()
		before := heads(t, s.engine)
		if err := s.engine.ResetCursors(t.Context(), "view"); err != nil {
			t.Fatal(err)
		}
		s.run()
		synctest.Wait()
		s.stop()
		if diff := cmp.Diff(before, heads(t, s.engine)); diff != "" {
			t.Errorf("views were committed again: %s", diff)
		}
		check(t, s)
	})
	bubble(t, "a view that somebody else changed is made right", enginetest.ModelOptions{}, func(t *testing.T, s *shop) {
		s.stock()
		s.run()
		defer s.stop()
		story(s, 0)
		synctest.Wait()
		at := s.hubVersion("board:s1", "order/oc-0")
		_, err := s.engine.Commit(t.Context(), &hub.Commit{
			Channel: "board:s1", Now: time.Now(), Expect: map[string]uint64{"order/oc-0": at},
			Entries: map[string]json.RawMessage{"order/oc-0": json.RawMessage(`{"context":"c-0","order":"oc-0","column":"lost"}`)},
			Event:   &hub.Event{Type: "ticket.changed", Changes: []hub.Change{{Key: "order/oc-0", Patch: json.RawMessage(`{"column":"lost"}`)}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.do(till, "context:c-0", "fulfilment.ready", `{"order":"oc-0"}`)
		synctest.Wait()
		if got := entries(t, s.engine, "board:s1")["order/oc-0"]; got["column"] != "ready" || got["ticket_name"] != "Mara" {
			t.Errorf("%v", got)
		}
	})
}

func TestSights(t *testing.T) {
	sights := hub.NewSights(view.Model())
	e := hub.Entry{Version: 1, Doc: json.RawMessage(`{"context":"c-1"}`)}
	sees := map[string]string{}
	for _, key := range []string{"board:s1 order/o1", "queue:support conversation/v1", "queue:support offer/v1", "desk:alice conversation/v1", "desk:alice offer/v1", "desk:alice load"} {
		name, entry, _ := strings.Cut(key, " ")
		for _, role := range []hub.Role{hub.RoleGuest, hub.RoleCustomer, hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor, hub.RoleService, hub.RoleBot} {
			if _, ok := sights.Entry(hub.Audience{Role: role, Store: "s1"}, hub.Channel(name), entry, e); ok {
				sees[key] += " " + string(role)
			}
		}
	}
	want := map[string]string{
		"board:s1 order/o1":             " pos service",
		"queue:support conversation/v1": " agent supervisor service",
		"queue:support offer/v1":        " agent supervisor service",
		"desk:alice offer/v1":           " agent supervisor service",
		"desk:alice conversation/v1":    " agent supervisor service bot",
		"desk:alice load":               " agent supervisor service",
	}
	if !maps.Equal(sees, want) {
		t.Error(cmp.Diff(want, sees))
	}
}
