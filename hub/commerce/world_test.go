package commerce_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// Who acts in the tests.
var (
	customer  = hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: "c-42", Via: "app"}, Context: "c-42"}
	till      = hub.Caller{Actor: hub.Actor{Role: hub.RolePOS, ID: "till-1", Via: "pos", Device: "kitchen-tablet"}, Store: "s1", CheckedIn: true}
	otherTill = hub.Caller{Actor: hub.Actor{Role: hub.RolePOS, ID: "till-2", Via: "pos"}, Store: "s2", CheckedIn: true}
	agent     = hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "m", Name: "Mira", Via: "desk"}}
	chief     = hub.Caller{Actor: hub.Actor{Role: hub.RoleSupervisor, ID: "n", Name: "Nils", Via: "desk"}}
	service   = hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "backend"}}
	bot       = hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: "bot-1"}}
	clock     = hub.Caller{Actor: hub.Actor{Role: hub.RoleSystem}}
)

const (
	ctx     hub.Channel = "context:c-42"
	s1      hub.Channel = "store:s1"
	s2      hub.Channel = "store:s2"
	catalog hub.Channel = "catalog:default"
)

type obj = map[string]any

// world is all channels in memory: it does with a decision what the hub does,
// prerequisites, followers and timers included.
type world struct {
	testing.TB
	methods hub.Methods
	sights  *hub.Sights
	now     time.Time
	states  map[hub.Channel]hub.State
	logs    map[hub.Channel][]*hub.Event
	timers  map[string]hub.Timer
	n       int
	lost    bool // commands that follow another get lost
	ask     func(ctx context.Context, topic string, question json.RawMessage) (json.RawMessage, error)
}

func newWorld(t testing.TB) *world {
	model := commerce.Model(commerce.Config{})
	return &world{
		TB: t, methods: hub.NewMethods(model), sights: hub.NewSights(model),
		now:    time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		states: map[hub.Channel]hub.State{}, logs: map[hub.Channel][]*hub.Event{}, timers: map[string]hub.Timer{},
	}
}

// shopWorld has a catalogue and 200 points.
func shopWorld(t testing.TB) *world {
	w := newWorld(t)
	w.must(service, catalog, "catalog.set", obj{"items": obj{
		"latte": obj{"name": "Latte", "price": usd(450)}, "tea": obj{"name": "Tea", "price": usd(300)},
	}})
	w.must(service, ctx, "loyalty.adjust", obj{"points": 200, "reason": "welcome"})
	return w
}

func usd(n int64) commerce.Money { return commerce.Money{Amount: n, Currency: "USD"} }

func (w *world) run(cmd hub.Command) (*hub.Event, *hub.Problem) {
	d := hub.DecideAsking(w.methods, w.sights, cmd, w.now, w.states[cmd.On], w.states, w.ask)
	if d.Problem != nil {
		return nil, d.Problem
	}
	if d.Into != "" {
		cmd.On = d.Into
		return w.run(cmd)
	}
	for i := 0; i < len(d.First); i += 2 {
		c := d.First[i]
		c.Caller = clock
		if _, p := w.run(c); p != nil {
			for j := 1; j < i; j += 2 {
				back := d.First[j]
				back.Caller = clock
				w.run(back)
			}
			return nil, p
		}
	}
	if len(d.First) > 0 { // decided on what stands after the prerequisites, as the hub does
		again := hub.DecideAsking(w.methods, w.sights, cmd, w.now, w.states[cmd.On], w.states, w.ask)
		if again.Problem != nil {
			w.Fatalf("%s was refused after its prerequisites: %v", cmd.Method, again.Problem)
		}
	}
	for _, c := range d.Commit.Timers {
		key := string(cmd.On) + "\x00" + c.Key
		delete(w.timers, key)
		if !c.Due.IsZero() {
			w.timers[key] = hub.Timer{Channel: cmd.On, Key: c.Key, Due: c.Due, Method: c.Method, Args: c.Args}
		}
	}
	e := d.Commit.Event
	if e != nil {
		for i := range e.Changes {
			e.Changes[i].Version = d.State.Position.Offset
		}
		w.logs[cmd.On] = append(w.logs[cmd.On], e)
		w.states[cmd.On] = d.State
	}
	if !w.lost {
		for _, c := range d.Then {
			c.Caller = clock
			if _, p := w.run(c); p != nil {
				w.Fatalf("%s, which follows %s, was refused: %v", c.Method, cmd.Method, p)
			}
		}
	}
	return e, nil
}

// versions are what if_version names.
type versions map[string]uint64

func (w *world) do(by hub.Caller, on hub.Channel, method string, args any, v ...versions) (*hub.Event, *hub.Problem) {
	w.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		w.Fatal(err)
	}
	w.n++
	cmd := hub.Command{Method: method, ID: fmt.Sprintf("cmd-%d", w.n), On: on, Args: raw, Caller: by}
	if len(v) > 0 {
		cmd.IfVersion = v[0]
	}
	return w.run(cmd)
}

func (w *world) must(by hub.Caller, on hub.Channel, method string, args any, v ...versions) *hub.Event {
	w.Helper()
	e, p := w.do(by, on, method, args, v...)
	if p != nil {
		w.Fatalf("%s by %s: %v %s", method, by.Role, p, show(p.Details))
	}
	return e
}

// refused runs a command that must be refused with a code, and returns the details.
func (w *world) refused(code string, by hub.Caller, on hub.Channel, method string, args any, v ...versions) obj {
	w.Helper()
	before := w.states[on].Position
	_, p := w.do(by, on, method, args, v...)
	if p == nil {
		w.Fatalf("%s by %s was accepted, want %s", method, by.Role, code)
	}
	if p.Code != code {
		w.Fatalf("%s by %s: got %v %s, want %s", method, by.Role, p, show(p.Details), code)
	}
	if w.states[on].Position != before {
		w.Fatalf("%s was refused and changed something", method)
	}
	var details obj
	raw, _ := json.Marshal(p.Details)
	if err := json.Unmarshal(raw, &details); p.Details != nil && err != nil {
		w.Fatalf("%s: details are no object: %s", code, raw)
	}
	return details
}

func show(v any) string { raw, _ := json.Marshal(v); return string(raw) }

// at reads one field of an entry: at(ctx, "order/o1", "fulfilments.f1.state").
func (w *world) at(on hub.Channel, key, path string) any {
	w.Helper()
	e, ok := w.states[on].Entries[key]
	if !ok {
		return nil
	}
	var v any
	if err := json.Unmarshal(e.Doc, &v); err != nil {
		w.Fatal(err)
	}
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(obj)
		v = m[name]
	}
	if f, ok := v.(float64); ok {
		return int(f)
	}
	return v
}

func (w *world) want(on hub.Channel, key string, fields obj) {
	w.Helper()
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if got := w.at(on, key, path); got != fields[path] {
			w.Errorf("%s %s: %s is %v, want %v", on, key, path, got, fields[path])
		}
	}
}

func (w *world) version(on hub.Channel, key string) versions {
	return versions{key: w.states[on].Entries[key].Version}
}

// later moves the clock and fires the timers that come due, in their order.
func (w *world) later(d time.Duration) {
	w.Helper()
	end := w.now.Add(d)
	for {
		var next string
		for key, t := range w.timers {
			if !t.Due.After(end) && (next == "" || t.Due.Before(w.timers[next].Due) || t.Due.Equal(w.timers[next].Due) && key < next) {
				next = key
			}
		}
		if next == "" {
			break
		}
		t := w.timers[next]
		delete(w.timers, next)
		if t.Due.After(w.now) {
			w.now = t.Due
		}
		w.n++
		if _, p := w.run(hub.Command{Method: t.Method, ID: fmt.Sprintf("timer-%d", w.n), On: t.Channel, Args: t.Args, Caller: clock}); p != nil {
			w.Fatalf("timer %s: %v", t.Key, p)
		}
	}
	w.now = end
}

// fill puts two lattes in the cart ca1.
func (w *world) fill() {
	w.Helper()
	w.must(customer, ctx, "cart.open", obj{"cart": "ca1"})
	w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "line": "l1", "sku": "latte", "quantity": 2})
}

func pickup(store string) obj { return obj{"type": "pickup", "store": store} }

func card(n int64) obj { return obj{"type": "card", "amount": usd(n)} }

func cash(n int64) obj { return obj{"type": "cash", "amount": usd(n)} }

func points(n int) obj { return obj{"type": "points", "points": n} }

// place orders the cart ca1 as o1, at s1.
func (w *world) place(by hub.Caller, total int64, tenders obj) {
	w.Helper()
	w.must(by, ctx, "order.place", obj{
		"cart": "ca1", "order": "o1", "expected_total": usd(total), "fulfilment": pickup("s1"), "tenders": tenders,
	}, w.version(ctx, "cart/ca1"))
}

// placed is a world in which two lattes are ordered: 25 points and a card that is captured.
func placed(t testing.TB) *world {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 20})
	w.fill()
	w.place(customer, 900, obj{"t1": points(25), "t2": card(650)})
	w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t2"})
	return w
}
