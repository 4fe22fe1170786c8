package commerce_test

import (
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func TestStockIsCountedAdjustedAndKeptBack(t *testing.T) {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 20})
	w.refused(hub.CodeInvalid, till, s1, "stock.count", obj{"sku": "latte", "on_hand": 10})
	w.must(till, s1, "stock.count", obj{"sku": "latte", "on_hand": 10}, w.version(s1, "sku/latte"))
	w.must(till, s1, "stock.adjust", obj{"sku": "latte", "delta": -3, "reason": "spilt"})
	w.must(till, s1, "stock.set_safety", obj{"sku": "latte", "safety": 2})
	w.want(s1, "sku/latte", obj{"on_hand": 7, "safety": 2, "reserved": 0, "available": 5, "status": "low"})
	w.refused(hub.CodeNotFound, till, s1, "stock.adjust", obj{"sku": "tea", "delta": 1})
	w.refused(hub.CodeInvalid, till, s1, "stock.adjust", obj{"sku": "latte", "delta": 0})
	w.refused(hub.CodeInvalid, till, s1, "stock.count", obj{"sku": "latte", "on_hand": -1}, w.version(s1, "sku/latte"))
	w.refused(hub.CodeForbidden, customer, s1, "stock.adjust", obj{"sku": "latte", "delta": 1})
}

func TestASnoozeEndsByItself(t *testing.T) {
	w := shopWorld(t)
	w.must(till, s1, "stock.snooze", obj{"sku": "tea", "until": w.now.Add(time.Hour)})
	w.want(s1, "sku/tea", obj{"status": "out", "available": nil})
	w.later(time.Hour)
	w.want(s1, "sku/tea", obj{"status": "in_stock", "snoozed_until": nil})
	w.must(till, s1, "stock.snooze", obj{"sku": "tea", "until": w.now.Add(time.Hour)})
	w.must(till, s1, "stock.snooze", obj{"sku": "tea"})
	w.want(s1, "sku/tea", obj{"status": "in_stock"})
	w.refused(hub.CodeInvalid, till, s1, "stock.snooze", obj{"sku": "tea", "until": w.now})
}

func TestTheLastUnitIsPromisedOnce(t *testing.T) {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 3})
	w.fill()
	w.place(customer, 900, obj{"t": card(900)})
	w.must(customer, ctx, "cart.add_line", obj{"cart": "ca2", "sku": "latte", "quantity": 2})
	details := w.refused("out_of_stock", customer, ctx, "order.place", obj{
		"cart": "ca2", "order": "o2", "expected_total": usd(900), "fulfilment": pickup("s1"), "tenders": obj{"t": card(900)},
	}, w.version(ctx, "cart/ca2"))
	if details["available"] != 1.0 || details["store"] != "s1" {
		t.Errorf("details are %v", details)
	}
}

func TestAReservation(t *testing.T) {
	reserved := func(t *testing.T) *world {
		w := shopWorld(t)
		w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 3})
		w.must(service, s1, "stock.reserve", obj{"reservation": "r1", "lines": obj{"latte": 2, "tea": 7}, "owner": ctx})
		w.want(s1, "sku/latte", obj{"reserved": 2, "available": 1})
		w.want(s1, "reservation/r1", obj{"state": "held", "lines.latte": 2, "lines.tea": nil, "expires_at": "2026-11-23T09:15:00.000Z"})
		return w
	}
	t.Run("expires", func(t *testing.T) {
		w := reserved(t)
		w.later(14 * time.Minute)
		w.want(s1, "sku/latte", obj{"reserved": 2})
		w.later(time.Minute)
		w.want(s1, "sku/latte", obj{"on_hand": 3, "reserved": 0, "available": 3})
		w.want(s1, "reservation/r1", obj{"state": nil})
	})
	t.Run("is released", func(t *testing.T) {
		w := reserved(t)
		w.must(service, s1, "stock.release", obj{"reservation": "r1"})
		w.want(s1, "sku/latte", obj{"on_hand": 3, "reserved": 0})
		if e := w.must(service, s1, "stock.release", obj{"reservation": "r1"}); e != nil {
			t.Errorf("releasing twice made %s", show(e))
		}
		w.refused(hub.CodeNotFound, service, s1, "stock.commit", obj{"reservation": "r1"})
	})
	t.Run("is committed", func(t *testing.T) {
		w := reserved(t)
		w.must(service, s1, "stock.commit", obj{"reservation": "r1"})
		w.want(s1, "sku/latte", obj{"on_hand": 1, "reserved": 0, "available": 1})
	})
	t.Run("is refused beyond what is there", func(t *testing.T) {
		w := reserved(t)
		w.refused("out_of_stock", service, s1, "stock.reserve", obj{"reservation": "r2", "lines": obj{"latte": 2}, "owner": ctx})
		w.refused(hub.CodeForbidden, till, s1, "stock.reserve", obj{"reservation": "r2", "lines": obj{"latte": 1}, "owner": ctx})
	})
}

// The hub tells the store after an order changed; a node that dies in between
// tells it nothing, and the reservation's own timer looks.
func TestAStoreThatWasNotToldFindsOutByItself(t *testing.T) {
	lost := func(t *testing.T) *world {
		w := shopWorld(t)
		w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 20})
		w.fill()
		w.lost = true
		w.place(till, 900, obj{"t": cash(900)})
		w.want(s1, "sku/latte", obj{"reserved": 2})
		return w
	}
	t.Run("of an order that was placed", func(t *testing.T) {
		w := lost(t)
		w.later(time.Hour)
		w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 2})
	})
	t.Run("of an order that was made", func(t *testing.T) {
		w := lost(t)
		w.later(time.Hour)
		w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
		w.later(24 * time.Hour)
		w.want(s1, "sku/latte", obj{"on_hand": 18, "reserved": 0})
	})
	t.Run("of an order that was cancelled", func(t *testing.T) {
		w := lost(t)
		w.must(till, ctx, "order.cancel", obj{"order": "o1", "reason": "left"})
		w.later(time.Hour)
		w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 0})
	})
	t.Run("of an order that was made and then cancelled", func(t *testing.T) {
		w := lost(t)
		w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
		w.must(till, ctx, "order.cancel", obj{"order": "o1", "reason": "left"})
		w.later(time.Hour)
		w.want(s1, "sku/latte", obj{"on_hand": 18, "reserved": 0})
	})
}

func TestCatalogueAndPointsAndProfileAreChecked(t *testing.T) {
	w := shopWorld(t)
	for name, args := range map[string]obj{
		"no items":          {},
		"no name":           {"items": obj{"x": obj{"price": usd(1)}}},
		"no price":          {"items": obj{"x": obj{"name": "X"}}},
		"a negative price":  {"items": obj{"x": obj{"name": "X", "price": usd(-1)}}},
		"a price in shells": {"items": obj{"x": obj{"name": "X", "price": obj{"amount": 1, "currency": "SHL"}}}},
		"a broken amount":   {"items": obj{"x": obj{"name": "X", "price": obj{"amount": 1.5, "currency": "USD"}}}},
		"an unknown field":  {"items": obj{"x": obj{"name": "X", "price": usd(1), "colour": "red"}}},
	} {
		t.Run(name, func(t *testing.T) { w.refused(hub.CodeInvalid, service, catalog, "catalog.set", args) })
	}
	w.refused(hub.CodeForbidden, customer, catalog, "catalog.set", obj{"items": obj{"x": obj{"name": "X", "price": usd(1)}}})

	w.refused("insufficient_points", service, ctx, "loyalty.adjust", obj{"points": -201, "reason": "x"})
	w.refused(hub.CodeInvalid, service, ctx, "loyalty.adjust", obj{"points": 0, "reason": "x"})
	w.refused(hub.CodeInvalid, service, ctx, "loyalty.adjust", obj{"points": 1})
	w.refused(hub.CodeForbidden, customer, ctx, "loyalty.adjust", obj{"points": 1, "reason": "x"})
	w.refused(hub.CodeForbidden, till, ctx, "loyalty.adjust", obj{"points": 1, "reason": "x"})

	w.must(customer, ctx, "profile.update", obj{"traits": obj{"first_name": "Ana", "email": "a@example.org"}, "preferred_store": "s1"})
	w.must(agent, ctx, "profile.update", obj{"traits": obj{"email": ""}})
	w.want(ctx, "profile", obj{"traits.first_name": "Ana", "traits.email": nil, "preferred_store": "s1"})
	w.must(customer, ctx, "profile.set_consent", obj{"type": "marketing", "status": "grant"})
	w.want(ctx, "profile", obj{"consents.marketing.status": "grant"})
	w.refused(hub.CodeInvalid, customer, ctx, "profile.set_consent", obj{"type": "marketing", "status": "maybe"})
	w.refused(hub.CodeForbidden, till, ctx, "profile.update", obj{"traits": obj{"first_name": "X"}})
}

func TestTheTimelineAndTheLedgerAreCapped(t *testing.T) {
	w := shopWorld(t)
	for range 105 {
		w.must(customer, ctx, "cart.add_line", obj{"cart": "", "sku": "latte", "quantity": 1})
		var cart string
		for key := range w.states[ctx].Entries {
			if hub.EntryKind(key) == "cart" && w.at(ctx, key, "state") == "active" {
				cart = key
			}
		}
		e := w.must(till, ctx, "order.place", obj{
			"expected_total": usd(450), "fulfilment": pickup("s1"), "tenders": obj{"t": cash(450)},
		}, w.version(ctx, cart))
		for _, c := range e.Changes {
			if hub.EntryKind(c.Key) == "order" {
				w.must(customer, ctx, "order.cancel", obj{"order": c.Key[len("order/"):]})
			}
		}
	}
	if got := len(w.at(ctx, "activity", "items").(obj)); got != 200 {
		t.Errorf("the timeline has %d items", got)
	}
	if got := len(w.at(ctx, "loyalty", "ledger").(obj)); got != 50 {
		t.Errorf("the ledger has %d entries", got)
	}
	w.want(ctx, "loyalty", obj{"balance": 200, "last": 211, "activity": nil})
	w.want(ctx, "activity", obj{"last": 210, "items.10": nil, "items.11.order": 11})
}
