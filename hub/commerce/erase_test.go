package commerce_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

func TestErasingLeavesOrdersWithoutAPerson(t *testing.T) {
	w := twice(t, commerce.Config{})
	w.must(owns(anna), anna, "order.place", obj{
		"cart": "account", "order": "o1", "expected_total": usd(2000), "fulfilment": obj{"type": "pickup", "store": "s1", "name": "Anna Secret"},
		"tenders": obj{"t1": obj{"type": "card", "amount": usd(2000), "last4": "4242", "reference": "psp-secret"}},
	}, versions{"cart/account": w.entries(anna)["cart/account"].Version})
	w.must(service, anna, "order.capture", obj{"order": "o1", "tender": "t1"})
	w.must(owns(anna), anna, "context.check_in_code", nil)
	if a := w.merge("m", ben, anna); a.Problem != nil {
		t.Fatal(a.Problem)
	}
	w.refused(hub.CodeForbidden, mira, anna, "context.erase", nil)
	a := w.must(owns(ben), ben, "context.erase", nil) // by the old name as well
	if a.On != anna || a.Event.Type != "customer.erased" {
		t.Errorf("%+v", a)
	}
	for key, e := range w.entries(anna) {
		switch hub.EntryKind(key) {
		case "order", "profile", "erased":
		default:
			t.Errorf("%s is still there", key)
		}
		for _, secret := range []string{"Anna", "anna@", "4155550100", "4242", "psp-secret", "browser-9", "hello"} {
			if strings.Contains(string(e.Doc), secret) {
				t.Errorf("%s still tells %q: %s", key, secret, e.Doc)
			}
		}
	}
	w.want(anna, "order/o1", obj{"total|amount": 2000, "payment_state": "paid", "tenders|t1|status": "captured", "ticket_name": w.at(anna, "order/o1", "number")})
	if w.at(anna, "profile", "erased_at") == nil || w.at(anna, "erased", "by") != "customer" {
		t.Error("nothing says that it was erased")
	}

	// Later commands answer gone; what the shop does with its orders goes on.
	for method, args := range map[string]any{
		"profile.update":      obj{"traits": obj{"first_name": "Anna"}},
		"cart.add_line":       obj{"sku": "x", "quantity": 1},
		"conversation.open":   obj{"channel": "web"},
		"activity.track":      obj{"event": "x"},
		"order.cancel":        obj{"order": "o1"},
		"context.export":      nil,
		"profile.set_consent": obj{"type": "a", "status": "grant"},
	} {
		w.refused(hub.CodeGone, owns(anna), anna, method, args)
		w.refused(hub.CodeGone, owns(ben), ben, method, args)
	}
	w.refused(hub.CodeGone, service, anna, "loyalty.adjust", obj{"points": 1, "reason": "x"})
	w.refused(hub.CodeGone, service, anna, "profile.identify", obj{"identities": []obj{handle("email", "anna@example.com")}})
	w.must(till, anna, "fulfilment.start", obj{"order": "o1"})
	if again := w.must(owns(anna), anna, "context.erase", nil); again.Event != nil {
		t.Error("erased twice")
	}

	// No handle leads back, and none can be taken again but on purpose.
	for _, h := range []obj{handle("email", "anna@example.com"), handle("phone", "+14155550100"), handle("user_id", "u-1")} {
		w.refused(hub.CodeGone, service, "", "context.resolve", h)
		h["create"] = true
		w.refused(hub.CodeGone, service, "", "context.resolve", h)
	}
	w.refused(hub.CodeGone, service, "context:c-new", "profile.identify", obj{"identities": []obj{handle("email", "anna@example.com")}})
	w.identify("context:c-new", obj{"type": "email", "value": "anna@example.com", "restore": true})

	// A late sale and a late import are kept, without the person.
	w.must(till, anna, "order.replay_sale", obj{
		"order": "late", "occurred_at": w.now, "sent_at": w.now, "lines": obj{"l": obj{"sku": "z", "quantity": 1, "price": usd(100)}}, "tenders": obj{"t": cash(100)},
	})
	w.must(service, anna, "order.import", obj{
		"marketplace": "amazon", "external_id": "8", "lines": obj{"l": obj{"sku": "z", "quantity": 1, "price": usd(100)}},
		"fulfilment": obj{"type": "pickup", "store": "s1", "name": "Anna Secret"},
	})
	for key, e := range w.entries(anna) {
		if k := hub.EntryKind(key); k != "order" && k != "profile" && k != "erased" {
			t.Errorf("%s came back", key)
		}
		if strings.Contains(string(e.Doc), "Anna") {
			t.Errorf("%s tells who: %s", key, e.Doc)
		}
	}
	w.want(anna, "order/late", obj{"total|amount": 100})
	w.later(48 * time.Hour)
	if n := len(w.entries(anna)); n != 6 {
		t.Errorf("there are %d entries in the end", n)
	}
}

func TestAContextOnItsWayIntoAnErasedOneIsErasedToo(t *testing.T) {
	w := twice(t, commerce.Config{})
	w.engine.left.Store(2) // it begins, and then the node dies
	w.merge("m", ben, anna)
	w.start()
	if w.entries(ben)["alias"].Doc == nil {
		t.Fatal("it did not begin")
	}
	w.must(owns(anna), anna, "context.erase", nil)
	w.later(5 * time.Second)
	for key := range w.entries(ben) {
		if k := hub.EntryKind(key); k != "order" && k != "profile" && k != "erased" {
			t.Errorf("%s is still there", key)
		}
	}
	w.refused(hub.CodeGone, service, "", "context.resolve", handle("phone", "+14155550100"))
	w.refused(hub.CodeGone, owns(ben), ben, "cart.add_line", obj{"sku": "x", "quantity": 1})
}

func TestAnErasureThatIsCutOffIsWholeOrNot(t *testing.T) {
	for died := 1; ; died++ {
		w := twice(t, commerce.Config{})
		w.engine.left.Store(int64(died))
		a := w.send(owns(anna), anna, "context.erase", "erase", nil, nil)
		w.start()
		if _, erased := w.entries(anna)["erased"]; erased != (a.Problem == nil) {
			t.Fatalf("died at commit %d: erased is %v", died, erased)
		}
		if again := w.send(owns(anna), anna, "context.erase", "erase", nil, nil); again.Problem != nil {
			t.Fatalf("died at commit %d, sent again: %v", died, again.Problem)
		}
		w.refused(hub.CodeGone, service, "", "context.resolve", handle("email", "anna@example.com"))
		if a.Problem == nil {
			return
		}
	}
}

func TestAnExportIsEverythingTheCallerMaySee(t *testing.T) {
	w := twice(t, commerce.Config{})
	w.must(owns(anna), anna, "profile.set_consent", obj{"type": "analytics", "status": "grant"})
	w.must(owns(anna), anna, "activity.track", obj{"event": "Product Viewed"})
	w.must(mira, anna, "conversation.claim", obj{"conversation": "v1"})
	w.must(mira, anna, "conversation.note", obj{"conversation": "v1", "message": "n1", "text": "friendly"})
	a := w.must(owns(anna), anna, "context.export", nil)
	raw, err := json.Marshal(a.Result)
	if err != nil {
		t.Fatal(err)
	}
	var e commerce.Export
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"profile", "loyalty", "cart/account", "conversation/v1", "message/v1/m1", "activity"} {
		if e.Entries[key] == nil {
			t.Errorf("%s is missing", key)
		}
	}
	if e.Entries["message/v1/n1"] != nil || strings.Contains(string(raw), "friendly") || strings.Contains(string(raw), `"mira"`) {
		t.Errorf("it tells what customers may not see: %s", raw)
	}
	if whole := w.must(service, anna, "context.export", nil).Result.(commerce.Export); whole.Entries["message/v1/n1"] == nil {
		t.Error("a service does not get the notes")
	}
}
