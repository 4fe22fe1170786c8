package sessions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/sessions"
)

const secret = "a secret only tests know"

// house is a hub with the model engine and the shop's models behind real sockets.
type house struct {
	t      *testing.T
	hub    *hub.Hub
	server *sessions.Server
	http   *httptest.Server
	ids    int
	store  *stallable
}

// stallable is an engine whose commits can be made to wait.
type stallable struct {
	hub.Engine
	mu      sync.Mutex
	gates   map[hub.Channel]chan struct{}
	deliver func(*hub.Message)
}

func (e *stallable) Commit(ctx context.Context, c *hub.Commit) (hub.Result, error) {
	e.mu.Lock()
	gate := e.gates[c.Channel]
	e.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return e.Engine.Commit(ctx, c)
}

// stall makes commits on a channel wait until release is called.
func (h *house) stall(on hub.Channel) (release func()) {
	gate := make(chan struct{})
	h.store.mu.Lock()
	h.store.gates = map[hub.Channel]chan struct{}{on: gate}
	h.store.mu.Unlock()
	return func() { close(gate) }
}

// forge delivers an event at a position that is not the log's, as a store that lost its memory would.
func (e *stallable) forge(on hub.Channel, at hub.Position) {
	e.deliver(&hub.Message{Channel: on, Type: hub.MessageEvent, Position: at, Event: &hub.Event{Type: "forged"}})
}

func (e *stallable) Listen(ctx context.Context, deliver func(*hub.Message)) error {
	e.mu.Lock()
	e.deliver = deliver
	e.mu.Unlock()
	return e.Engine.Listen(ctx, deliver)
}

// order places an order of a customer at a store.
func (h *house) order(customer, store string) {
	h.t.Helper()
	by := hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: customer}, Context: customer}
	on := hub.Channel("context:" + customer)
	add := h.hub.Do(h.t.Context(), hub.Command{Method: "cart.add_line", ID: "o-add", On: on, Caller: by, Args: json.RawMessage(`{"cart":"ca1","sku":"latte","quantity":2}`)})
	place := h.hub.Do(h.t.Context(), hub.Command{Method: "order.place", ID: "o-place", On: on, Caller: by, IfVersion: map[string]uint64{"cart/ca1": add.Position.Offset},
		Args: json.RawMessage(`{"cart":"ca1","order":"o1","expected_total":{"amount":900,"currency":"USD"},"fulfilment":{"type":"pickup","store":"` + store + `"},
		"tenders":{"t1":{"type":"card","amount":{"amount":900,"currency":"USD"}}}}`)})
	if add.Problem != nil || place.Problem != nil {
		h.t.Fatalf("order: %v %v", add.Problem, place.Problem)
	}
}

// open starts a house; it is closed in reverse at the end of the test.
func open(t *testing.T, opts sessions.Options, channels ...hub.Namespaces) *house {
	t.Helper()
	h := &house{t: t}
	opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	o := hub.Options{Logger: opts.Logger, OnControl: func(data []byte) { h.server.OnControl(data) }}
	for _, n := range channels {
		o.Namespaces = n
	}
	engine := &stallable{Engine: enginetest.NewModel(enginetest.ModelOptions{})}
	h.store = engine
	mark := hub.NewMethod("test.mark", hub.KindContext, hub.ModeCommutes, []hub.Role{hub.RolePOS}, func(*hub.Tx, struct{}) *hub.Problem { return nil })
	mark.Kinds = []string{hub.KindStore}
	h.hub = hub.New(engine, o, commerce.Model(commerce.Config{}), care.Model(care.Config{}), sessions.Model(), hub.Model{Methods: []hub.Method{
		mark,
		hub.NewMethod("test.fault", hub.KindContext, hub.ModeGuarded, []hub.Role{hub.RoleCustomer}, func(*hub.Tx, struct{}) *hub.Problem { panic("poison") }),
	}})
	tokens, err := sessions.NewTokens(sessions.TokenOptions{HMACSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	h.server = sessions.NewServer(h.hub, presence.NewMemory(), tokens, opts)
	ctx, cancel := context.WithCancel(context.Background())
	hubCtx, hubCancel := context.WithCancel(context.Background())
	var run, hubRun sync.WaitGroup
	hubRun.Go(func() { _ = h.hub.Run(hubCtx) })
	run.Go(func() { _ = h.server.Run(ctx) })
	h.http = httptest.NewServer(h.server)
	t.Cleanup(func() {
		cancel()
		run.Wait()
		hubCancel()
		hubRun.Wait()
		h.http.Close()
		engine.Close()
	})
	for h.hub.Ready() != nil {
		time.Sleep(time.Millisecond)
	}
	return h
}

// token signs claims; exp is an hour away unless they say otherwise.
func token(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	if _, ok := claims["exp"]; !ok {
		claims["exp"] = time.Now().Add(time.Hour).Unix()
	}
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// do runs a command: those of conversations as the customer, others as a backend.
func (h *house) do(method string, on hub.Channel, args string) hub.Answer {
	h.t.Helper()
	by := hub.Actor{Role: hub.RoleService, ID: "test"}
	if strings.HasPrefix(method, "conversation.") {
		by = hub.Actor{Role: hub.RoleCustomer, ID: on.ID()}
	}
	return h.as(hub.Caller{Actor: by}, method, on, args)
}

// as runs a command as somebody.
func (h *house) as(by hub.Caller, method string, on hub.Channel, args string) hub.Answer {
	h.t.Helper()
	h.ids++
	a := h.hub.Do(h.t.Context(), hub.Command{Method: method, ID: fmt.Sprint("setup-", h.ids), On: on, Args: json.RawMessage(args), Caller: by})
	if a.Problem != nil {
		h.t.Fatalf("%s on %s: %v %v", method, on, a.Problem, a.Problem.Details)
	}
	return a
}
