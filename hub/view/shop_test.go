package view_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/view"
)

// shop is a hub over an engine, with views beside it that run while they are
// asked to.
type shop struct {
	t      testing.TB
	engine hub.Engine
	hub    *hub.Hub
	views  *view.Views
	opts   view.Options
	n      int
	stop   func()
}

func newShop(t testing.TB, engine hub.Engine, opts view.Options) *shop {
	opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	h := hub.New(engine, hub.Options{Logger: opts.Logger}, care.Model(care.Config{WrapUp: -1}), commerce.Model(commerce.Config{}), view.Model())
	return &shop{t: t, engine: engine, hub: h, opts: opts}
}

// run starts the views; stop ends them.
func (s *shop) run() {
	s.views = view.New(s.engine, s.opts)
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.views.Run(ctx); err != nil {
			s.t.Errorf("views: %v", err)
		}
	})
	s.stop = func() { cancel(); running.Wait() }
}

func (s *shop) try(who hub.Caller, on hub.Channel, method, args string) hub.Answer {
	s.t.Helper()
	s.n++
	return s.hub.Do(s.t.Context(), hub.Command{
		Method: method, ID: fmt.Sprintf("cmd-%d", s.n), On: on, Args: json.RawMessage(args), Caller: who,
	})
}

func (s *shop) do(who hub.Caller, on hub.Channel, method, args string) hub.Answer {
	s.t.Helper()
	a := s.try(who, on, method, args)
	if a.Problem != nil {
		s.t.Fatalf("%s %s: %v %v", method, args, a.Problem, a.Problem.Details)
	}
	return a
}

// entries is a view's documents, in a form that compares.
func entries(t testing.TB, engine hub.Engine, name hub.Channel) map[string]map[string]any {
	t.Helper()
	snapshot, err := engine.Load(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]map[string]any{}
	for key, e := range snapshot.Entries {
		var doc map[string]any
		if err := json.Unmarshal(e.Doc, &doc); err != nil {
			t.Fatal(err)
		}
		docs[key] = doc
	}
	return docs
}

// events is a view's log.
func events(t testing.TB, engine hub.Engine, name hub.Channel) (all []*hub.Event) {
	t.Helper()
	history, err := engine.History(t.Context(), name, hub.HistoryQuery{Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range history.Messages {
		all = append(all, m.Event)
	}
	return all
}

func eventTypes(t testing.TB, engine hub.Engine, name hub.Channel) (types []string) {
	t.Helper()
	for _, e := range events(t, engine, name) {
		types = append(types, e.Type)
	}
	return types
}

// views are all views that hold anything.
func views(t testing.TB, engine hub.Engine) map[hub.Channel]map[string]map[string]any {
	t.Helper()
	all := map[hub.Channel]map[string]map[string]any{}
	for _, kind := range []string{hub.KindBoard, hub.KindQueue, hub.KindDesk} {
		for name, err := range engine.Channels(t.Context(), kind+":") {
			if err != nil {
				t.Fatal(err)
			}
			if docs := entries(t, engine, name); len(docs) > 0 {
				all[name] = docs
			}
		}
	}
	return all
}

var (
	till    = hub.Caller{Actor: hub.Actor{Role: hub.RolePOS, ID: "till-1"}, Store: "s1"}
	backend = hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "backend"}}
	alice   = hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "alice", Name: "Alice"}, Queues: []string{"support"}}
	ben     = hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "ben", Name: "Ben"}, Queues: []string{"support"}}
)

func customer(id string) hub.Caller {
	return hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: id}, Context: id}
}

func (s *shop) stock() {
	s.t.Helper()
	s.do(backend, "catalog:default", "catalog.set", `{"items":{"latte":{"name":"Latte","price":{"amount":450,"currency":"USD"}}}}`)
}

// order places one latte of a customer's for a store.
func (s *shop) order(who, order, store string) {
	s.t.Helper()
	on := hub.Channel("context:" + who)
	s.do(customer(who), on, "cart.add_line", `{"cart":"cart-`+order+`","line":"l1","sku":"latte","quantity":2}`)
	a := s.hubVersion(on, "cart/cart-"+order)
	s.n++
	answer := s.hub.Do(s.t.Context(), hub.Command{
		Method: "order.place", ID: fmt.Sprintf("cmd-%d", s.n), On: on, Caller: customer(who),
		IfVersion: map[string]uint64{"cart/cart-" + order: a},
		Args: json.RawMessage(`{"cart":"cart-` + order + `","order":"` + order + `","expected_total":{"amount":900,"currency":"USD"},
			"fulfilment":{"type":"pickup","store":"` + store + `","name":"Mara"},"tenders":{"t1":{"type":"card","amount":{"amount":900,"currency":"USD"}}}}`),
	})
	if answer.Problem != nil {
		s.t.Fatalf("order.place: %v %v", answer.Problem, answer.Problem.Details)
	}
}

func (s *shop) hubVersion(on hub.Channel, key string) uint64 {
	s.t.Helper()
	snapshot, err := s.engine.Load(s.t.Context(), on)
	if err != nil {
		s.t.Fatal(err)
	}
	return snapshot.Entries[key].Version
}

// bubble runs a test over the model engine, in a time of its own.
func bubble(t *testing.T, name string, opts enginetest.ModelOptions, test func(t *testing.T, s *shop)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			engine := enginetest.NewModel(opts)
			test(t, newShop(t, engine, view.Options{Shelf: 3}))
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
		})
	})
}

// heads is where all channels with views end.
func heads(t testing.TB, engine hub.Engine) map[hub.Channel]uint64 {
	t.Helper()
	all := map[hub.Channel]uint64{}
	for _, kind := range []string{hub.KindBoard, hub.KindQueue, hub.KindDesk} {
		for name := range engine.Channels(t.Context(), kind+":") {
			positions, err := engine.Heads(t.Context(), []hub.Channel{name})
			if err != nil {
				t.Fatal(err)
			}
			all[name] = positions[0].Offset
		}
	}
	return all
}
