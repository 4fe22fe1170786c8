package commerce_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// twice is one customer under two names: with an account, and, a minute later, without one.
func twice(t testing.TB, config commerce.Config) *town {
	w := newTown(t, config)
	w.must(owns(anna), anna, "profile.update", obj{"traits": obj{"first_name": "Anna"}})
	w.identify(anna, handle("user_id", "u-1"), handle("email", "anna@example.com"))
	w.must(service, anna, "loyalty.adjust", obj{"points": 100, "reason": "welcome"})
	w.must(owns(anna), anna, "cart.add_line", obj{"cart": "account", "line": "a1", "sku": "x", "quantity": 2})
	w.must(owns(anna), anna, "conversation.open", obj{"conversation": "v1", "channel": "web"})
	w.must(owns(anna), anna, "conversation.post", obj{"conversation": "v1", "message": "m1", "text": "hello"})
	w.must(owns(anna), anna, "profile.set_consent", obj{"type": "marketing", "status": "grant"})
	w.now = w.now.Add(time.Minute)
	w.identify(ben, handle("anonymous_id", "browser-9"), handle("phone", "+14155550100"))
	w.must(service, ben, "loyalty.adjust", obj{"points": 20, "reason": "survey"})
	w.must(owns(ben), ben, "cart.add_line", obj{"cart": "anonymous", "line": "b1", "sku": "x", "quantity": 1})
	w.must(owns(ben), ben, "cart.add_line", obj{"cart": "anonymous", "line": "b2", "sku": "y", "quantity": 1})
	w.must(owns(ben), ben, "conversation.open", obj{"conversation": "v2", "channel": "web"})
	w.must(owns(ben), ben, "conversation.post", obj{"conversation": "v2", "message": "m2", "text": "where is it?"})
	w.must(mira, ben, "conversation.claim", obj{"conversation": "v2"})
	w.must(owns(ben), ben, "profile.set_consent", obj{"type": "marketing", "status": "deny"})
	w.must(service, ben, "order.import", sold("7"))
	w.now = w.now.Add(time.Minute)
	return w
}

var mira = hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "mira", Name: "Mira"}, Queues: []string{"support"}}

func (w *town) merge(id string, on, into hub.Channel) hub.Answer {
	w.Helper()
	return w.send(service, on, "context.merge", id,
		obj{"into": into.ID(), "into_version": w.profileVersion(into)}, versions{"profile": w.profileVersion(on)})
}

// one checks that the two are one, whole.
func (w *town) one(policy string) {
	w.Helper()
	x := 2
	if policy == commerce.CartSum {
		x = 3
	}
	w.want(anna, "cart/account", obj{"state": "active", "lines|a1|quantity": x, "lines|b2|quantity": 1, "total|amount": x*1000 + 500})
	w.want(anna, "cart/anonymous", obj{"state": "merged", "merged_into": "account"})
	// 20 + 100, and a point for a dollar of the import
	w.want(anna, "loyalty", obj{"balance": 121, "last": 3})
	w.want(anna, "profile", obj{
		"traits|first_name": "Anna", "identities|phone:+14155550100|type": "phone", "identities|user_id:u-1|type": "user_id",
		"consents|marketing|status": "deny", "merged_into": nil,
	})
	if w.at(anna, "profile", "aliases|c-ben") == nil {
		w.Error("the winner does not know its alias")
	}
	w.want(anna, "conversation/v1", obj{"status": "queued"})
	w.want(anna, "conversation/v2", obj{"status": "assigned", "owner|id": "mira"})
	w.want(anna, "message/v1/m1", obj{"body": "hello"})
	w.want(anna, "message/v2/m2", obj{"body": "where is it?"})
	w.want(anna, "order/amazon:7", obj{"order_state": "confirmed"})
	if a := w.must(service, cleo, "order.import", sold("7")); a.On != anna || a.Event != nil {
		w.Errorf("imported again it is another one: %+v", a)
	}
	w.want(ben, "profile", obj{"merged_into": "c-anna", "traits": nil, "identities": nil})
	w.want(ben, "alias", obj{"into": "context:c-anna", "moved": true})
	if n := len(w.entries(ben)); n != 2 {
		w.Errorf("the alias holds %d entries", n)
	}
	for _, h := range []obj{handle("phone", "+14155550100"), handle("anonymous_id", "browser-9"), handle("email", "anna@example.com")} {
		if got := w.resolve(h["type"].(string), h["value"].(string)); got != "c-anna" {
			w.Errorf("%v is %q's", h, got)
		}
	}
	var ledger commerce.Loyalty
	_ = json.Unmarshal(w.entries(anna)["loyalty"].Doc, &ledger)
	sum := ledger.Carried
	for _, e := range ledger.Ledger {
		sum += e.Points
	}
	if sum != ledger.Balance {
		w.Errorf("the ledger sums to %d, the balance is %d", sum, ledger.Balance)
	}
}

func TestTheOlderOfTwoWins(t *testing.T) {
	for _, policy := range []string{commerce.CartMax, commerce.CartSum} {
		for name, ends := range map[string][2]hub.Channel{"told from the younger": {ben, anna}, "told from the older": {anna, ben}} {
			t.Run(policy+", "+name, func(t *testing.T) {
				w := twice(t, commerce.Config{CartMerge: policy})
				a := w.merge("merge-1", ends[0], ends[1])
				if a.Problem != nil {
					t.Fatalf("%v %s", a.Problem, show(a.Problem.Details))
				}
				if want := (commerce.Merged{Context: "c-anna", Alias: "c-ben"}); a.Result != want || a.On != anna {
					t.Errorf("the answer is %+v on %s", a.Result, a.On)
				}
				w.one(policy)
				offset := a.Position.Offset
				for range 2 {
					if again := w.merge("merge-1", ends[0], ends[1]); again.Problem != nil || again.Position.Offset != offset {
						t.Errorf("sent again: %v %v", again.Problem, again.Position)
					}
				}
				w.later(time.Hour)
				w.one(policy)
			})
		}
	}
}

func TestAnAliasLives(t *testing.T) {
	w := twice(t, commerce.Config{})
	before := w.must(service, ben, "loyalty.adjust", obj{"points": 1, "reason": "before"})
	lastID := fmt.Sprintf("cmd-%d", w.n)
	if a := w.merge("merge-1", ben, anna); a.Problem != nil {
		t.Fatal(a.Problem)
	}
	// Late commands run on the winner; one for the cart that is no more says where it went.
	if d := w.refused(commerce.CodeCartNotActive, owns(ben), ben, "cart.add_line", obj{"cart": "anonymous", "sku": "z", "quantity": 1}); d["merged_into"] != "account" {
		t.Errorf("details %v", d)
	}
	a := w.must(owns(ben), ben, "cart.add_line", obj{"sku": "z", "quantity": 1})
	if a.On != anna || a.Event == nil {
		t.Errorf("it ran on %q", a.On)
	}
	w.want(anna, "cart/account", obj{"total|amount": 2600})
	w.must(mira, ben, "conversation.post", obj{"conversation": "v2", "message": "m3", "text": "on its way"})
	w.want(anna, "message/v2/m3", obj{"body": "on its way"})

	// What was answered before the merge is answered so again, and done once.
	again := w.send(service, ben, "loyalty.adjust", lastID, obj{"points": 1, "reason": "before"}, nil)
	if !again.Replayed || again.Position != before.Position {
		t.Errorf("a retry of before: %+v", again)
	}
	one := w.send(owns(ben), ben, "cart.add_line", "late", obj{"sku": "z", "quantity": 1}, nil)
	two := w.send(owns(ben), ben, "cart.add_line", "late", obj{"sku": "z", "quantity": 1}, nil)
	if one.Problem != nil || !two.Replayed || two.Position != one.Position {
		t.Errorf("a late command sent twice: %+v, %+v", one, two)
	}
	if into, err := w.hub.Resolve(t.Context(), ben); err != nil || into != anna {
		t.Errorf("the alias stands for %s, %v", into, err)
	}
	// A third one, older still, takes both.
	w.want(anna, "loyalty", obj{"balance": 122})
}

func TestAMergeIsDecidedOnBothVersions(t *testing.T) {
	w := twice(t, commerce.Config{})
	w.refused(hub.CodeInvalid, service, ben, "context.merge", obj{"into": "c-anna", "into_version": 1})
	w.refused(hub.CodeInvalid, service, ben, "context.merge", obj{"into": "c-anna"}, versions{"profile": 1})
	w.refused(hub.CodeInvalid, service, ben, "context.merge", obj{"into": "c-ben", "into_version": 1}, versions{"profile": 1})
	for name, v := range map[string][2]uint64{
		"of the one":   {w.profileVersion(ben) - 1, w.profileVersion(anna)},
		"of the other": {w.profileVersion(ben), w.profileVersion(anna) - 1},
	} {
		d := w.refused(hub.CodeConflict, service, ben, "context.merge", obj{"into": "c-anna", "into_version": v[1]}, versions{"profile": v[0]})
		if d["into_version"] != float64(w.profileVersion(anna)) {
			t.Errorf("%s: details %v", name, d)
		}
	}
	w.refused(hub.CodeForbidden, owns(ben), ben, "context.merge", obj{"into": "c-anna", "into_version": 1}, versions{"profile": 1})
}

func TestTwoAccountsAreTwoPeople(t *testing.T) {
	w := twice(t, commerce.Config{})
	w.identify(ben, handle("user_id", "u-2"))
	a := w.merge("m", ben, anna)
	if a.Problem == nil || a.Problem.Code != commerce.CodeIdentityConflict {
		t.Fatalf("%+v", a)
	}
	w.must(owns(ben), ben, "cart.add_line", obj{"cart": "anonymous", "sku": "z", "quantity": 1}) // all is as it was
}

func TestNothingIsLostWhereIdsAreTheSame(t *testing.T) {
	w := newTown(t, commerce.Config{})
	sold := func(on hub.Channel, id string) {
		w.must(till, on, "order.replay_sale", obj{
			"order": id, "occurred_at": w.now, "sent_at": w.now, "lines": obj{"l": obj{"sku": "z", "quantity": 1, "price": usd(100)}}, "tenders": obj{"t": cash(100)},
		})
	}
	sold(anna, "o1")
	w.must(owns(anna), anna, "conversation.open", obj{"conversation": "v1", "channel": "web"})
	w.must(owns(anna), anna, "conversation.post", obj{"conversation": "v1", "message": "m1", "text": "anna's"})
	w.must(owns(anna), anna, "cart.add_line", obj{"cart": "ca1", "line": "l1", "sku": "x", "quantity": 1})
	w.now = w.now.Add(time.Second)
	sold(ben, "o1")
	w.must(owns(ben), ben, "conversation.open", obj{"conversation": "v1", "channel": "web"})
	w.must(owns(ben), ben, "conversation.post", obj{"conversation": "v1", "message": "m1", "text": "ben's"})
	w.must(owns(ben), ben, "cart.add_line", obj{"cart": "ca1", "line": "l1", "sku": "y", "quantity": 1})
	if a := w.merge("m", ben, anna); a.Problem != nil {
		t.Fatal(a.Problem)
	}
	w.want(anna, "order/o1", obj{"total|amount": 100})
	w.want(anna, "order/o1~c-ben", obj{"total|amount": 100})
	w.want(anna, "message/v1/m1", obj{"body": "anna's"})
	w.want(anna, "message/v1~c-ben/m1", obj{"body": "ben's"})
	w.want(anna, "cart/ca1", obj{"total|amount": 1500})
	w.want(anna, "loyalty", obj{"balance": 2})
}

func TestStockStaysPromisedThroughAMerge(t *testing.T) {
	w := newTown(t, commerce.Config{})
	w.must(service, s1, "stock.count", obj{"sku": "x", "on_hand": 5}, versions{"sku/x": 0})
	w.must(owns(anna), anna, "cart.open", obj{"cart": "first"})
	w.now = w.now.Add(time.Second)
	w.must(owns(ben), ben, "cart.add_line", obj{"cart": "ca1", "sku": "x", "quantity": 2})
	w.must(owns(ben), ben, "order.place", obj{
		"cart": "ca1", "order": "o1", "expected_total": usd(2000), "fulfilment": pickup("s1"), "tenders": obj{"t": card(2000)},
	}, versions{"cart/ca1": w.entries(ben)["cart/ca1"].Version})
	if a := w.merge("m", ben, anna); a.Problem != nil {
		t.Fatal(a.Problem)
	}
	w.later(20 * time.Hour) // beyond the hold, short of giving the pickup up
	w.want(s1, "sku/x", obj{"on_hand": 5, "reserved": 2})
	w.must(till, ben, "fulfilment.start", obj{"order": "o1"}) // by the old name
	w.want(anna, "order/o1", obj{"fulfilments|f1|state": "reserved"})
	w.want(s1, "sku/x", obj{"on_hand": 3, "reserved": 0})
}

// A merge is cut off at every commit it makes, once before it is stored and
// once after. Whatever was begun is finished by who comes next.
func TestAMergeThatIsCutOffIsFinished(t *testing.T) {
	for _, after := range []bool{false, true} {
		for died := 1; ; died++ {
			w := twice(t, commerce.Config{})
			w.engine.after = after
			w.engine.left.Store(int64(died))
			a := w.merge("merge-1", ben, anna)
			w.start()
			begun := w.entries(ben)["alias"].Doc != nil
			if !begun && a.Problem == nil {
				t.Fatal("it was acknowledged before it began")
			}
			if begun {
				// A command of the old name waits, and then runs where it belongs.
				w.later(3 * time.Second)
				w.one(commerce.CartMax)
				w.must(owns(ben), ben, "cart.add_line", obj{"sku": "z", "quantity": 1})
				w.must(owns(anna), anna, "cart.remove_line", obj{"line": w.lineOf("z")})
			} else {
				w.want(ben, "cart/anonymous", obj{"state": "active"})
			}
			if again := w.merge("merge-1", ben, anna); again.Problem != nil {
				t.Fatalf("died at commit %d, sent again: %v", died, again.Problem)
			}
			w.one(commerce.CartMax)
			if a.Problem == nil {
				if died < 5 {
					t.Errorf("a merge took %d commits only", died-1)
				}
				break
			}
		}
	}
}

func (w *town) lineOf(sku string) string {
	var cart commerce.Cart
	_ = json.Unmarshal(w.entries(anna)["cart/account"].Doc, &cart)
	for id, line := range cart.Lines {
		if line.Sku == sku {
			return id
		}
	}
	return ""
}

// Two nodes that each thought the other one older: one of the merges gives way.
func TestMergesIntoEachOtherComeToAnEnd(t *testing.T) {
	w := twice(t, commerce.Config{})
	move := func(from, into hub.Channel) {
		raw, _ := json.Marshal(obj{"from": from.ID(), "into": into.ID()})
		for _, e := range []string{"begin"} {
			if a := w.hub.Do(t.Context(), hub.Command{Method: "context.begin_merge", ID: e + string(from), On: from, Args: raw, Caller: clock}); a.Problem != nil {
				t.Fatal(a.Problem)
			}
		}
	}
	move(ben, anna)
	// The second one is begun on a state of before the first.
	raw := json.RawMessage(`{"into":"context:c-ben"}`)
	version := w.entries(anna)["profile"].Version
	if _, err := w.engine.Commit(t.Context(), &hub.Commit{
		Channel: anna, Now: w.now, Expect: map[string]uint64{"profile": version},
		Event:   &hub.Event{Type: "customer.merging", At: hub.At(w.now), Changes: []hub.Change{{Key: "alias", Doc: raw}}},
		Entries: map[string]json.RawMessage{"alias": raw},
		Timers:  []hub.TimerChange{{Key: "merge", Due: w.now.Add(time.Second), Method: "context.finish_merge", Args: json.RawMessage(`{}`)}},
	}); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.later(10 * time.Second)
	w.one(commerce.CartMax)
}

func TestMergesOfThreeMakeAChain(t *testing.T) {
	w := twice(t, commerce.Config{})
	w.now = w.now.Add(time.Minute)
	w.must(owns(cleo), cleo, "cart.add_line", obj{"cart": "cleo", "sku": "z", "quantity": 1})
	if a := w.merge("m-1", cleo, ben); a.Problem != nil || a.On != ben {
		t.Fatalf("%+v", a)
	}
	if a := w.merge("m-2", ben, anna); a.Problem != nil || a.On != anna {
		t.Fatalf("%+v", a)
	}
	if a := w.must(owns(cleo), cleo, "cart.add_line", obj{"sku": "z", "quantity": 1}); a.On != anna {
		t.Errorf("it ran on %s", a.On)
	}
	w.want(anna, "cart/account", obj{"total|amount": 2700})
	var p commerce.Profile
	_ = json.Unmarshal(w.entries(anna)["profile"].Doc, &p)
	var aliases []string
	for name := range p.Aliases {
		aliases = append(aliases, name)
	}
	if slices.Sort(aliases); fmt.Sprint(aliases) != "[c-ben c-cleo]" {
		t.Errorf("aliases %v", aliases)
	}
}
