package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/flow"
)

// shelf is a shop whose prices change.
type shelf struct {
	t      *testing.T
	engine hub.Engine
	hub    *hub.Hub
	opts   flow.PricesOptions
	n      int
}

func newShelf(t *testing.T, opts flow.PricesOptions) *shelf {
	engine := enginetest.NewModel(enginetest.ModelOptions{})
	opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	return &shelf{t: t, engine: engine, hub: hub.New(engine, hub.Options{Logger: opts.Logger}, commerce.Model(commerce.Config{})), opts: opts}
}

// run starts nodes that watch the prices.
func (s *shelf) run(nodes int) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	for range nodes {
		running.Go(func() {
			if err := flow.NewPrices(s.engine, s.hub.Do, s.opts).Run(ctx); err != nil {
				s.t.Errorf("prices: %v", err)
			}
		})
	}
	return func() { cancel(); running.Wait() }
}

func (s *shelf) do(role hub.Role, on hub.Channel, method, args string, keys ...string) {
	s.t.Helper()
	s.n++
	snapshot, err := s.engine.Load(s.t.Context(), on)
	if err != nil {
		s.t.Fatal(err)
	}
	versions := map[string]uint64{}
	for _, key := range keys {
		versions[key] = snapshot.Entries[key].Version
	}
	a := s.hub.Do(s.t.Context(), hub.Command{
		Method: method, ID: fmt.Sprintf("cmd-%d", s.n), On: on, Args: json.RawMessage(args), IfVersion: versions,
		Caller: hub.Caller{Actor: hub.Actor{Role: role, ID: on.ID()}, Context: on.ID()},
	})
	if a.Problem != nil {
		s.t.Fatalf("%s: %v", method, a.Problem)
	}
}

func (s *shelf) price(sku string, amount int) {
	s.t.Helper()
	s.do(hub.RoleService, commerce.DefaultCatalog, "catalog.set", fmt.Sprintf(`{"items":{%q:{"name":"X","price":{"amount":%d,"currency":"USD"}}}}`, sku, amount))
}

func (s *shelf) add(who hub.Channel, sku string) {
	s.t.Helper()
	s.do(hub.RoleCustomer, who, "cart.add_line", fmt.Sprintf(`{"cart":"ca1","line":%q,"sku":%q,"quantity":1}`, sku, sku))
}

func (s *shelf) cart(who hub.Channel) commerce.Cart {
	s.t.Helper()
	snapshot, err := s.engine.Load(s.t.Context(), who)
	if err != nil {
		s.t.Fatal(err)
	}
	var c commerce.Cart
	if err := json.Unmarshal(snapshot.Entries["cart/ca1"].Doc, &c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *shelf) want(who hub.Channel, sku string, price, old int64) {
	s.t.Helper()
	line := s.cart(who).Lines[sku]
	was := int64(0)
	if line.PriceChange != nil {
		was = line.PriceChange.Old.Amount
	}
	if line.Price.Amount != price || was != old {
		s.t.Errorf("%s has %s at %d (was %d), want %d (was %d)", who, sku, line.Price.Amount, was, price, old)
	}
}

// events counts a context's events of a type.
func (s *shelf) events(who hub.Channel, kind string) int {
	s.t.Helper()
	history, err := s.engine.History(s.t.Context(), who, hub.HistoryQuery{Limit: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, m := range history.Messages {
		if m.Event.Type == kind {
			n++
		}
	}
	return n
}

func TestPrices(t *testing.T) {
	const ada, ben hub.Channel = "context:ada", "context:ben"
	tests := map[string]struct {
		opts flow.PricesOptions
		run  func(s *shelf)
	}{
		"every open cart that holds the sku is marked, once": {run: func(s *shelf) {
			s.price("x", 1000)
			s.price("y", 500)
			s.add(ada, "x")
			defer s.run(2)()
			s.add(ben, "x")
			s.add(ben, "y")
			synctest.Wait()
			s.price("x", 1200)
			synctest.Wait()
			s.want(ada, "x", 1200, 1000)
			s.want(ben, "x", 1200, 1000)
			s.want(ben, "y", 500, 0)
			if n := s.events(ada, "cart.price_changed"); n != 1 {
				s.t.Errorf("%d events", n)
			}
			s.price("x", 1000)
			synctest.Wait()
			s.want(ada, "x", 1000, 0)
		}},
		"what changed while nobody watched is found at the start": {run: func(s *shelf) {
			s.price("x", 1000)
			s.add(ada, "x")
			s.run(1)()
			s.price("x", 1200)
			defer s.run(1)()
			synctest.Wait()
			s.want(ada, "x", 1200, 1000)
		}},
		"a frozen cart keeps its price until the freeze ends": {run: func(s *shelf) {
			s.price("x", 1000)
			s.add(ada, "x")
			s.do(hub.RoleCustomer, ada, "cart.freeze", `{"cart":"ca1"}`, "cart/ca1")
			defer s.run(1)()
			s.price("x", 1200)
			synctest.Wait()
			s.want(ada, "x", 1000, 0)
			s.do(hub.RoleCustomer, ada, "cart.unfreeze", `{"cart":"ca1"}`, "cart/ca1")
			synctest.Wait()
			s.want(ada, "x", 1200, 1000)
		}},
		"a sku that is no longer sold is marked, and no longer once it is back": {run: func(s *shelf) {
			s.price("x", 1000)
			s.add(ada, "x")
			defer s.run(1)()
			s.do(hub.RoleService, commerce.DefaultCatalog, "catalog.remove", `{"skus":["x"]}`)
			synctest.Wait()
			if line := s.cart(ada).Lines["x"]; line.Problems[commerce.CodeUnknownSku].At.IsZero() {
				s.t.Errorf("not marked: %+v", line)
			}
			s.price("x", 1000)
			synctest.Wait()
			if line := s.cart(ada).Lines["x"]; len(line.Problems) > 0 || line.PriceChange != nil {
				s.t.Errorf("still marked: %+v", line)
			}
		}},
		"an ordered cart and one without the sku are left alone": {run: func(s *shelf) {
			s.price("x", 1000)
			s.add(ada, "x")
			s.do(hub.RoleCustomer, ada, "order.place", `{"cart":"ca1","order":"o1","expected_total":{"amount":1000,"currency":"USD"},
				"fulfilment":{"type":"pickup","store":"s1"},"tenders":{"t1":{"type":"card","amount":{"amount":1000,"currency":"USD"}}}}`, "cart/ca1")
			s.add(ben, "x")
			s.do(hub.RoleCustomer, ben, "cart.remove_line", `{"line":"x"}`)
			defer s.run(1)()
			s.price("x", 1200)
			synctest.Wait()
			if n := s.events(ada, "cart.price_changed") + s.events(ben, "cart.price_changed"); n != 0 {
				s.t.Errorf("%d events", n)
			}
		}},
		"more lines than are kept in memory are looked for in the store": {opts: flow.PricesOptions{Lines: 2}, run: func(s *shelf) {
			s.price("x", 1000)
			for i := range 5 {
				s.add(hub.Channel(fmt.Sprintf("context:c-%d", i)), "x")
			}
			defer s.run(1)()
			synctest.Wait()
			s.add(ada, "x")
			s.price("x", 1200)
			synctest.Wait()
			s.want(ada, "x", 1200, 1000)
			for i := range 5 {
				s.want(hub.Channel(fmt.Sprintf("context:c-%d", i)), "x", 1200, 1000)
			}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf(t, test.opts)
				test.run(s)
				if err := s.engine.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
