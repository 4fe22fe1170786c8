package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/flow"
	"github.com/samepage/samepage/hub/view"
)

// secrets are what nothing may tell of an erased customer.
var secrets = []string{"Annabel", "annabel@", "4155550100", "secret words", "Rue de Rivoli"}

func TestErasedCustomersAreForgottenEverywhere(t *testing.T) {
	engines := map[string]func(t *testing.T) hub.Engine{
		"model": func(*testing.T) hub.Engine { return enginetest.NewModel(enginetest.ModelOptions{}) },
		"bolt": func(t *testing.T) hub.Engine {
			e, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { e.Close() })
			return e
		},
	}
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			engine := open(t)
			h := hub.New(engine, hub.Options{}, commerce.Model(commerce.Config{}), care.Model(care.Config{}), view.Model())
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- view.New(engine, view.Options{}).Run(ctx) }()
			n := 0
			do := func(role hub.Role, id string, on hub.Channel, method, args string, v map[string]uint64) {
				t.Helper()
				n++
				a := h.Do(ctx, hub.Command{
					Method: method, ID: fmt.Sprint("c-", n), On: on, Args: json.RawMessage(args), IfVersion: v,
					Caller: hub.Caller{Actor: hub.Actor{Role: role, ID: id}, Context: on.ID(), Store: "s1", Queues: []string{"support"}},
				})
				if a.Problem != nil {
					t.Fatalf("%s: %v %v", method, a.Problem, a.Problem.Details)
				}
			}
			const anna, old, ben hub.Channel = "context:c-1", "context:c-0", "context:c-2"
			do(hub.RoleService, "s", "catalog:default", "catalog.set", `{"items":{"x":{"name":"X","price":{"amount":100,"currency":"USD"}}}}`, nil)
			for _, on := range []hub.Channel{anna, old, ben} {
				time.Sleep(2 * time.Millisecond) // the older one wins the merge
				do(hub.RoleCustomer, on.ID(), on, "profile.update", `{"traits":{"first_name":"Annabel"}}`, nil)
				do(hub.RoleCustomer, on.ID(), on, "conversation.open", `{"conversation":"v-`+on.ID()+`","channel":"web"}`, nil)
				do(hub.RoleCustomer, on.ID(), on, "conversation.post", `{"conversation":"v-`+on.ID()+`","text":"secret words"}`, nil)
			}
			do(hub.RoleService, "s", anna, "profile.identify", `{"identities":[{"type":"email","value":"annabel@example.com"},{"type":"phone","value":"+14155550100"}]}`, nil)
			do(hub.RoleAgent, "mira", anna, "conversation.claim", `{"conversation":"v-c-1"}`, nil)
			do(hub.RoleService, "s", anna, "order.import", `{"marketplace":"m","external_id":"1","lines":{"l":{"sku":"x","quantity":1,"price":{"amount":100,"currency":"USD"}}},
				"fulfilment":{"type":"pickup","store":"s1","name":"Annabel"}}`, nil)
			profile := func(on hub.Channel) uint64 {
				s, err := engine.Load(ctx, on)
				if err != nil {
					t.Fatal(err)
				}
				return s.Entries["profile"].Version
			}
			do(hub.RoleService, "s", old, "context.merge", fmt.Sprintf(`{"into":"c-1","into_version":%d}`, profile(anna)), map[string]uint64{"profile": profile(old)})
			tells := func() []string { return told(t, engine, string(ben)) }
			eventually(t, "the views tell of the customer", func() bool { return strings.Contains(fmt.Sprint(tells()), "desk:mira") })
			do(hub.RoleCustomer, "c-1", anna, "context.erase", ``, nil)

			// A node that dies in the middle: another one does the rest.
			f := flow.NewErasures(engine, flow.ErasuresOptions{Behind: []string{"view"}, Look: time.Millisecond})
			first, cut := context.WithTimeout(ctx, 5*time.Millisecond)
			_ = f.Run(first)
			cut()
			done := make(chan error, 1)
			go func() { done <- f.Run(ctx) }()
			eventually(t, "all is forgotten", func() bool { return len(tells()) == 0 })
			if !strings.Contains(fmt.Sprint(told(t, engine, "")), string(ben)) {
				t.Error("another customer was forgotten as well")
			}
			history, err := engine.History(ctx, anna, hub.HistoryQuery{Limit: -1})
			if err != nil || len(history.Messages) != 1 || history.Messages[0].Event.Type != "customer.erased" {
				t.Errorf("the log holds %d events, %v: one row is to remain", len(history.Messages), err)
			}
			stop()
			<-ended
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// told lists where a secret is told, but for the channel that may.
func told(t *testing.T, engine hub.Engine, but string) []string {
	t.Helper()
	var places []string
	look := func(where string, v any) {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if but != "" && strings.Contains(string(raw), strings.TrimPrefix(but, "context:")) {
			return // a view's event about that one
		}
		for _, s := range secrets {
			if strings.Contains(string(raw), s) {
				places = append(places, where+" "+string(raw))
			}
		}
	}
	records := 0
	for name, err := range engine.Channels(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if string(name) == but {
			continue
		}
		s, err := engine.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for key, e := range s.Entries {
			look(string(name)+" entry "+key, e)
		}
		h, err := engine.History(t.Context(), name, hub.HistoryQuery{Limit: -1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range h.Messages {
			look(string(name)+" event", m.Event)
		}
		records += int(s.Position.Offset)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	all := hub.Cursors{}
	for p := range engine.Partitions() {
		all[p] = 0
	}
	for r, err := range engine.Log(ctx, all) {
		if err != nil {
			break
		}
		if string(r.Message.Channel) != but {
			look(string(r.Message.Channel)+" record", r.Message.Event)
		}
	}
	return places
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
