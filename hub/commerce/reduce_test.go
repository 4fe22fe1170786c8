package commerce_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// audiences are all who look on, the hub itself included.
var audiences = []hub.Audience{
	{Role: hub.RoleGuest}, {Role: hub.RoleCustomer}, {Role: hub.RolePOS, Store: "s1"}, {Role: hub.RolePOS, Store: "s2"},
	{Role: hub.RolePOS, Store: "s1", CheckedIn: true},
	{Role: hub.RoleAgent}, {Role: hub.RoleSupervisor}, {Role: hub.RoleService}, {Role: hub.RoleBot}, {Role: hub.RoleSystem},
}

// watched is a world in which every audience follows every channel, and which
// checks after each step that nothing is wrong.
type watched struct {
	*world
	views map[hub.Audience]map[hub.Channel]map[string]hub.Entry
	seen  map[hub.Channel]int // events that the views were given

	accrued map[string]int // order -> times it earned points
	checks  int
	away    bool // nobody answers what codes are worth
}

func newWatched(t testing.TB) *watched {
	w := &watched{world: shopWorld(t), views: map[hub.Audience]map[hub.Channel]map[string]hub.Entry{}, seen: map[hub.Channel]int{}, accrued: map[string]int{}}
	w.ask = func(ctx context.Context, topic string, question json.RawMessage) (json.RawMessage, error) {
		if w.away {
			return nil, errors.New("away")
		}
		return worth(ctx, topic, question)
	}
	for _, a := range audiences {
		w.views[a] = map[hub.Channel]map[string]hub.Entry{}
	}
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 12})
	w.must(service, s2, "stock.count", obj{"sku": "tea", "on_hand": 5})
	w.check()
	return w
}

// step does what three bytes say.
func (w *watched) step(op, a, b byte) {
	pick := func(from ...string) string { return from[int(a)%len(from)] }
	who := []hub.Caller{customer, till, otherTill, agent, chief, service, bot, clock}[int(b)%8]
	cart, order, sku := pick("ca1", "ca2", "ca3"), pick("o1", "o2", "o3"), pick("latte", "tea", "gold")
	store := []hub.Channel{s1, s2}[int(b>>4)%2]
	line := []string{"l1", "l2"}[int(b>>3)%2]
	var v versions
	if b&0x40 == 0 {
		v = w.version(ctx, "cart/"+cart)
		maps.Copy(v, w.version(ctx, "order/"+order))
	}
	on, method, args := ctx, "", obj{}
	switch n := op % 58; {
	case n == 54:
		step := []string{"start", "pack", "ship", "deliver", "delay", "lose"}[int(b>>3)%6]
		method, args, v, who = "fulfilment."+step, obj{"order": order}, nil, service
		switch step {
		case "ship":
			args["carrier"] = "Snail"
		case "delay":
			args["until"] = w.now.Add(time.Hour)
		}
	case n == 55:
		method, args, v, who = "activity.track", obj{"event": "Product Viewed", "properties": obj{"text": strings.Repeat("x", 8*int(b))}}, nil, customer
		if b&1 == 0 {
			method, args = "profile.set_consent", obj{"type": pick("analytics", "marketing"), "status": []string{"grant", "deny"}[int(b>>1)%2]}
		}
	case n == 56:
		step := []string{"start", "ready", "complete", "recall", "undo"}[int(b>>3)%5]
		method, args, v = "fulfilment."+step, w.offline(obj{"order": order}, time.Duration(b)*time.Second), nil
		who = []hub.Caller{till, otherTill}[int(b)%2]
	case n == 57:
		on, method, args, v = store, "stock.adjust", w.offline(obj{"sku": sku, "delta": -1}, time.Minute), nil
		who = []hub.Caller{till, otherTill}[int(b>>4)%2]
	case n == 52:
		w.away = b&1 == 0
		return
	case n == 53:
		method, args, v = []string{"cart.apply_code", "cart.apply_code", "cart.remove_code"}[int(b>>4)%3], obj{"cart": cart, "code": []string{"TEN", "TEA", "OLD"}[int(b>>6)%3]}, nil
	case n < 5:
		method, args = "cart.add_line", obj{"cart": cart, "line": line, "sku": sku, "quantity": 1 + int(b)%3}
	case n == 5:
		method, args = "cart.set_quantity", obj{"cart": cart, "line": line, "quantity": int(b) % 4}
	case n == 6:
		method, args = "cart.remove_line", obj{"cart": cart, "line": line}
	case n == 7:
		method, args = "cart.open", obj{"cart": cart, "store": store.ID()}
	case n == 8:
		method, args = []string{"cart.freeze", "cart.unfreeze"}[int(b>>5)%2], obj{"cart": cart}
	case n == 9:
		method, args, v = []string{"cart.lock", "cart.unlock"}[int(b>>5)%2], obj{"cart": cart}, nil
	case n < 16:
		total, _ := w.at(ctx, "cart/"+cart, "total.amount").(int)
		tenders := obj{"t1": card(int64(total))}
		switch {
		case b&0x20 != 0 && total > 50:
			tenders = obj{"t1": points(5), "t2": card(int64(total) - 50)}
		case b&0x80 != 0:
			tenders = obj{"t1": cash(int64(total) + 100)}
		}
		method, args = "order.place", obj{
			"cart": cart, "order": order, "expected_total": usd(int64(total)), "fulfilment": pickup(store.ID()), "tenders": tenders,
			"force": a&0x40 != 0 && who.Role != hub.RoleCustomer,
		}
		if a&0x20 != 0 {
			args["fulfilment"] = obj{"type": "shipment", "store": store.ID(), "address": obj{"street": "Elm 1"}}
		}
	case n < 19:
		method, args, v = "order.capture", obj{"order": order, "tender": []string{"t1", "t2"}[int(b>>3)%2]}, nil
	case n < 21:
		method, args, v = "order.cancel", obj{"order": order, "reason": pick("", "x", "y", "z")}, nil
	case n < 28:
		step := []string{"start", "ready", "complete", "start", "ready", "complete", "recall", "undo", "reject", "arrive"}[int(b>>3)%10]
		method, args, v = "fulfilment."+step, obj{"order": order}, nil
		if step == "reject" {
			args["reason"] = pick("closed", "out_of_stock")
		}
		if int(b)%4 > 0 { // mostly the right till
			who = []hub.Caller{till, otherTill}[int(b>>5)%2]
		}
	case n == 28:
		method, args = "loyalty.adjust", obj{"points": int(b) - 128, "reason": "x"}
	case n == 29:
		on, method, args, v = store, "stock.count", obj{"sku": sku, "on_hand": int(b) % 6}, w.version(store, "sku/"+sku)
	case n == 30:
		on, method, args = store, "stock.adjust", obj{"sku": sku, "delta": int(b)%5 - 2}
	case n == 31:
		on, method, args = store, "stock.set_safety", obj{"sku": sku, "safety": int(b) % 3}
	case n == 32:
		on, method, args = store, "stock.snooze", obj{"sku": sku, "until": w.now.Add(time.Minute)}
	case n == 33:
		on, method, args = store, "store.set_acceptance", obj{"acceptance": pick("accepting", "slow", "paused")}
	case n == 34:
		on, method, args = catalog, "catalog.set", obj{"items": obj{sku: obj{"name": sku, "price": usd(int64(b) * 10)}}}
	case n == 35:
		method, args = "cart.reprice", obj{"skus": []string{sku}}
		who = clock
	case n == 36:
		method, args, v = "profile.update", obj{"traits": obj{"first_name": pick("Ana", "Ben"), "phone": "+3906698"}}, nil
	case n == 37:
		on, method, args = catalog, "catalog.remove", obj{"skus": []string{"gold"}}
	case n == 38:
		w.lost = b&1 == 0
		return
	case n == 40:
		method, args = "order.edit", obj{"order": order, "lines": obj{line: obj{"quantity": int(b) % 5}, "l9": obj{"sku": "tea", "quantity": int(b) % 2}}}
		who = customer
	case n == 41:
		method, args, v, who = "order.add_tender", obj{"order": order, "type": "card", "amount": usd(int64(b)*10 + 1)}, nil, service
	case n == 42:
		method, args, v, who = "order.void", obj{"order": order, "tender": "t1", "declined": b&1 == 0}, nil, service
	case n == 43:
		on, method, v, who = []hub.Channel{ctx, anna}[int(b>>5)%2], "order.import", nil, service
		args = obj{"marketplace": "m", "external_id": order, "fulfilment": pickup(store.ID()), "lines": obj{"l1": obj{"sku": sku, "quantity": 3, "price": usd(100)}}}
	case n == 46:
		method, args, v = "return.receive", obj{"order": order, "return": line, "store": store.ID(), "lines": obj{"l1": 1 + int(b)%2}}, nil
	case n == 47:
		method, args, v = "return.refund", obj{"order": order, "return": []string{"", line}[int(b>>5)%2]}, nil
		if b&4 != 0 {
			args["amount"] = usd(int64(b) + 1)
		}
	case n == 48:
		method, args, v = []string{"return.restock", "return.write_off"}[int(b>>5)%2], obj{"order": order, "return": line}, nil
	case n == 49:
		method, args, v = "return.request", obj{"order": order, "return": line, "lines": obj{"l1": 1}}, nil
	case n > 49:
		method, v, who = "order.replay_sale", nil, []hub.Caller{till, otherTill}[int(b>>5)%2]
		args = obj{
			"order": order, "occurred_at": w.now.Add(-time.Hour), "sent_at": w.now, "tenders": obj{"t1": cash(400)},
			"lines": obj{"l1": obj{"sku": sku, "quantity": 1 + int(b)%3, "price": usd(123)}},
		}
	case n > 43:
		method, args, v = "fulfilment.move", obj{"order": order, "store": store.ID()}, nil
	case n == 39:
		w.later(time.Duration(b) * 10 * time.Second)
		w.check()
		return
	}
	if on != ctx && !strings.HasPrefix(method, "stock.count") {
		v = nil
	}
	w.do(who, on, method, args, v)
	w.check()
}

// check gives the views what is new and holds everything against the rules.
func (w *watched) check() {
	w.Helper()
	for on, log := range w.logs {
		if w.seen[on] == len(log) {
			continue
		}
		for _, e := range log[w.seen[on]:] {
			w.counts(on, e)
			for _, c := range e.Changes {
				var l struct {
					Ledger map[string]*commerce.LedgerEntry `json:"ledger"`
				}
				if c.Key == "loyalty" && json.Unmarshal(slices.Concat(c.Doc, c.Patch), &l) == nil {
					for _, entry := range l.Ledger {
						if entry != nil && entry.Kind == commerce.LedgerAccrued {
							w.accrued["order/"+entry.OrderRef]++
						}
					}
				}
			}
			for _, a := range audiences {
				w.show(a, on, e)
			}
		}
		w.seen[on] = len(log)
		w.rules(on, w.states[on])
	}
	if w.checks++; w.checks%8 == 0 {
		w.compare()
	}
}

// compare holds what every audience made of its events against what it may see.
func (w *watched) compare() {
	w.Helper()
	for on := range w.logs {
		for _, a := range audiences {
			want := w.sights.Entries(a, on, w.states[on].Entries)
			got := w.views[a][on]
			if len(got) != len(want) {
				w.Fatalf("%v of %s: sees %v, should see %v", a, on, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
			for key, e := range want {
				if !same(got[key].Doc, e.Doc) {
					w.Fatalf("%v of %s %s: sees\n%s\nshould see\n%s", a, on, key, got[key].Doc, e.Doc)
				}
			}
		}
	}
}

// show applies an event, as an audience gets it, to what it knows.
func (w *watched) show(a hub.Audience, on hub.Channel, e *hub.Event) {
	w.Helper()
	seen := w.sights.Event(a, on, e)
	if seen == nil {
		return
	}
	raw := []byte(show(seen))
	switch a.Role {
	case hub.RoleCustomer, hub.RoleGuest, hub.RoleBot:
		for _, secret := range []string{"till-1", "till-2", "backend", `"id":"m"`, `"id":"n"`, `"activity"`, "kitchen-tablet"} {
			if bytes.Contains(raw, []byte(secret)) {
				w.Fatalf("%s is told %s: %s", a.Role, secret, raw)
			}
		}
		if on != ctx && bytes.Contains(raw, []byte("c-42")) {
			w.Fatalf("%s is told on %s who the customer is: %s", a.Role, on, raw)
		}
	case hub.RolePOS:
		if bytes.Contains(raw, []byte("collect_code")) || bytes.Contains(raw, []byte("phone")) || !a.CheckedIn && bytes.Contains(raw, []byte(`"cart/`)) {
			w.Fatalf("a till is told too much: %s", raw)
		}
	}
	view := w.views[a][on]
	if view == nil {
		view = map[string]hub.Entry{}
		w.views[a][on] = view
	}
	for _, c := range seen.Changes {
		switch {
		case c.Gone:
			delete(view, c.Key)
		case c.Doc != nil:
			view[c.Key] = hub.Entry{Version: c.Version, Doc: c.Doc}
		default:
			view[c.Key] = hub.Entry{Version: c.Version, Doc: hub.Apply(view[c.Key].Doc, c.Patch)}
		}
	}
}

func same(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return show(x) == show(y)
}

// FuzzReduce gives any sequence of commands to the model: totals add up, points
// are what their ledger sums to, versions only rise, reservations are what is
// reserved, and whoever applies the events they may see to what they saw before
// sees what they may see now.
func FuzzReduce(f *testing.F) {
	for _, ops := range stories {
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) { newWatched(t).play(ops) })
}

// stories are sequences that lead somewhere: an order that is picked up, one
// that is called off, one whose time is over.
var stories = [][]byte{
	{0, 0, 0, 10, 0, 0, 16, 0, 5, 21, 0, 1, 22, 0, 9, 23, 0, 17},
	{29, 0, 5, 0, 0, 8, 7, 0, 0, 8, 0, 0, 10, 0, 0, 39, 0, 255, 19, 1, 0},
	{38, 0, 0, 29, 0, 5, 0, 0, 0, 10, 0, 0, 39, 0, 255, 38, 0, 1, 20, 1, 0, 39, 0, 255},
}

func (w *watched) play(ops []byte) {
	for i := 0; i+2 < len(ops) && i < 3*120; i += 3 {
		w.step(ops[i], ops[i+1], ops[i+2])
	}
	w.compare()
}

func TestAnySequenceOfCommandsKeepsTheRules(t *testing.T) {
	accepted := map[string]int{}
	count := func(w *watched) {
		for _, log := range w.logs {
			for _, e := range log {
				accepted[e.Type]++
			}
		}
	}
	for _, ops := range stories {
		w := newWatched(t)
		w.play(ops)
		count(w)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWatched(t)
		for range rapid.IntRange(5, 50).Draw(rt, "steps") {
			op := rapid.Byte().Draw(rt, "op")
			w.step(op, rapid.Byte().Draw(rt, "a"), rapid.Byte().Draw(rt, "b"))
		}
		w.compare()
		count(w)
	})
	for _, kind := range []string{"order.placed", "fulfilment.started", "stock.reserved"} {
		if accepted[kind] == 0 {
			t.Errorf("no sequence came to %s: %s", kind, fmt.Sprint(accepted))
		}
	}
}
