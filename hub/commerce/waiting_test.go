package commerce_test

import (
	"fmt"
	"testing"
	"time"
)

// told is how many events of a type a context was told.
func (w *world) told(kind string) int {
	n := 0
	for _, e := range w.logs[ctx] {
		if e.Type == kind {
			n++
		}
	}
	return n
}

func TestCartsThatAreLeftBehind(t *testing.T) {
	consent := func(w *world, status string) {
		w.must(customer, ctx, "profile.set_consent", obj{"type": "marketing", "status": status})
	}
	for name, test := range map[string]struct {
		run                  func(w *world)
		abandoned, recovered int
	}{
		"a cart that nobody touches is told once": {func(w *world) {
			consent(w, "grant")
			w.fill()
			w.later(24 * time.Hour)
		}, 1, 0},
		"without consent nothing is told": {func(w *world) {
			w.fill()
			w.later(24 * time.Hour)
		}, 0, 0},
		"consent that is taken back in time ends it": {func(w *world) {
			consent(w, "grant")
			w.fill()
			w.later(30 * time.Minute)
			consent(w, "deny")
			w.later(24 * time.Hour)
		}, 0, 0},
		"consent that comes later begins it": {func(w *world) {
			w.fill()
			consent(w, "grant")
			w.later(24 * time.Hour)
		}, 1, 0},
		"every touch begins the window anew": {func(w *world) {
			consent(w, "grant")
			w.fill()
			for range 5 {
				w.later(50 * time.Minute)
				w.must(agent, ctx, "cart.add_line", obj{"cart": "ca1", "sku": "tea", "quantity": 1})
			}
			w.want(ctx, "cart/ca1", obj{"abandoned_at": nil})
			w.later(2 * time.Hour)
		}, 1, 0},
		"what the hub does by itself is no touch": {func(w *world) {
			consent(w, "grant")
			w.fill()
			w.later(50 * time.Minute)
			w.must(service, catalog, "catalog.set", obj{"items": obj{"latte": obj{"name": "Latte", "price": usd(500)}}})
			w.must(clock, ctx, "cart.reprice", obj{"skus": []string{"latte"}})
			w.later(15 * time.Minute)
		}, 1, 0},
		"an empty cart is not left behind": {func(w *world) {
			consent(w, "grant")
			w.fill()
			w.must(customer, ctx, "cart.remove_line", obj{"cart": "ca1", "line": "l1"})
			w.later(24 * time.Hour)
		}, 0, 0},
		"two carts of one customer are told once": {func(w *world) {
			consent(w, "grant")
			w.fill()
			w.must(customer, ctx, "cart.add_line", obj{"cart": "ca2", "sku": "tea", "quantity": 1})
			w.later(24 * time.Hour)
			w.want(ctx, "cart/ca1", obj{"abandoned_at": nil})
		}, 1, 0},
		"buying within the window tells nothing": {func(w *world) {
			consent(w, "grant")
			w.fill()
			w.place(customer, 900, obj{"t1": card(900)})
			w.later(24 * time.Hour)
		}, 0, 0},
		"buying afterwards recovers it, once": {func(w *world) {
			consent(w, "grant")
			w.fill()
			w.later(2 * time.Hour)
			w.place(customer, 900, obj{"t1": card(900)})
			w.later(24 * time.Hour)
			w.want(ctx, "cart/ca1", obj{"order": "o1"})
		}, 1, 1},
		"a timer that runs beside an order tells of no other cart again": {func(w *world) {
			consent(w, "grant")
			w.must(customer, ctx, "cart.add_line", obj{"cart": "ca2", "sku": "tea", "quantity": 1})
			w.later(2 * time.Hour)
			w.fill()
			w.place(customer, 900, obj{"t1": card(900)})
			w.later(2 * time.Hour)
			w.must(clock, ctx, "cart.abandon", obj{"cart": "ca1"})
		}, 1, 0},
		"a timer that runs late, beside a touch, tells nothing": {func(w *world) {
			consent(w, "grant")
			w.fill()
			w.later(59 * time.Minute)
			w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "sku": "tea", "quantity": 1})
			w.must(clock, ctx, "cart.abandon", obj{"cart": "ca1"})
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := shopWorld(t)
			test.run(w)
			if a, r := w.told("cart.abandoned"), w.told("cart.recovered"); a != test.abandoned || r != test.recovered {
				t.Errorf("left behind %d times, recovered %d times; want %d, %d", a, r, test.abandoned, test.recovered)
			}
		})
	}
}

func TestPickupsThatWaitTooLong(t *testing.T) {
	tests := map[string]func(w *world){
		"an unpaid one that no store begins is called off; points and goods go back": func(w *world) {
			w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 5})
			w.fill()
			w.place(customer, 900, obj{"t1": points(25), "t2": card(650)})
			w.want(s1, "sku/latte", obj{"available": 3})
			w.later(25 * time.Hour)
			w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "failed", "fulfilments.f1.reason": "expired", "order_state": "cancelled", "tenders.t2.status": "voided"})
			w.want(ctx, "loyalty", obj{"balance": 200})
			w.want(s1, "sku/latte", obj{"available": 5, "reserved": 0})
		},
		"a paid one that no store begins fails and waits for a decision": func(w *world) {
			w.fill()
			w.place(customer, 900, obj{"t1": card(900)})
			w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t1"})
			w.later(25 * time.Hour)
			w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "failed", "order_state": "confirmed", "payment_state": "paid"})
			w.must(customer, ctx, "fulfilment.move", obj{"order": "o1", "store": "s2"})
			w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "proposed", "fulfilments.f1.store": "s2"})
			w.later(25 * time.Hour)
			w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "failed"})
		},
		"one that the store began does not expire": func(w *world) {
			w.fill()
			w.place(customer, 900, obj{"t1": card(900)})
			w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
			w.want(ctx, "order/o1", obj{"fulfilments.f1.expires_at": nil})
			w.later(240 * time.Hour)
			w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "reserved"})
		},
		"one that nobody comes for fails; the goods stay off the shelf until staff takes them back": func(w *world) {
			w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 5})
			w.fill()
			w.place(customer, 900, obj{"t1": card(900)})
			w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t1"})
			w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
			w.must(till, ctx, "fulfilment.ready", obj{"order": "o1"})
			w.later(73 * time.Hour)
			w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "failed", "fulfilments.f1.reason": "no_show", "order_state": "confirmed"})
			w.want(s1, "sku/latte", obj{"on_hand": 3})
			w.must(till, ctx, "return.receive", obj{"order": "o1", "return": "r1", "store": "s1", "lines": obj{"l1": 2}})
			w.must(till, ctx, "return.restock", obj{"order": "o1", "return": "r1"})
			w.must(till, ctx, "return.refund", obj{"order": "o1", "return": "r1"})
			w.want(s1, "sku/latte", obj{"on_hand": 5})
			w.want(ctx, "order/o1", obj{"paid.amount": 0})
		},
		"recalled and ready again, it waits the whole time again": func(w *world) {
			w.fill()
			w.place(customer, 900, obj{"t1": card(900)})
			w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
			w.must(till, ctx, "fulfilment.ready", obj{"order": "o1"})
			w.later(70 * time.Hour)
			w.must(till, ctx, "fulfilment.recall", obj{"order": "o1"})
			w.must(till, ctx, "fulfilment.ready", obj{"order": "o1"})
			w.later(70 * time.Hour)
			w.must(till, ctx, "fulfilment.complete", obj{"order": "o1"})
			w.later(70 * time.Hour)
			w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "completed", "fulfilments.f1.expires_at": nil})
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(shopWorld(t)) })
	}
}

func TestShortfallsNameThePromiseToLookAfter(t *testing.T) {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 3})
	for _, order := range []string{"o1", "o2", "o3"} {
		w.must(customer, ctx, "cart.add_line", obj{"cart": order, "line": "l1", "sku": "latte", "quantity": 1})
		w.must(customer, ctx, "order.place", obj{"cart": order, "order": order, "expected_total": usd(450), "fulfilment": pickup("s1"), "tenders": obj{"t1": card(450)}}, w.version(ctx, "cart/"+order))
		w.later(time.Minute)
	}
	w.must(service, ctx, "order.capture", obj{"order": "o3", "tender": "t1"})
	sale := func(order string) {
		w.must(till, ctx, "order.replay_sale", obj{"order": order, "occurred_at": w.now, "sent_at": w.now,
			"lines": obj{"l1": obj{"sku": "latte", "quantity": 1, "price": usd(450)}}, "tenders": obj{"t1": cash(450)}})
	}
	sale("d1")
	w.want(s1, "shortfall/latte", obj{"short": 1, "claim.order": "o2", "claim.paid": false, "claim.owner": string(ctx)}) // newest unpaid
	w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t1"})
	w.must(service, ctx, "order.capture", obj{"order": "o2", "tender": "t1"})
	sale("d2")
	w.want(s1, "shortfall/latte", obj{"short": 2, "claim.order": "o3", "claim.paid": true}) // newest unprepared
	w.must(customer, ctx, "order.cancel", obj{"order": "o3"})
	w.want(s1, "shortfall/latte", obj{"short": 1, "claim.order": "o2"})
	w.must(till, s1, "stock.adjust", obj{"sku": "latte", "delta": 1})
	if _, still := w.states[s1].Entries["shortfall/latte"]; still {
		t.Error("the shortfall outlives its reason")
	}
}

func TestTheNewestPromiseIsFoundAmongMany(t *testing.T) {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "tea", "on_hand": 60})
	for i := range 60 {
		cart, order := fmt.Sprintf("ca-%d", i), fmt.Sprintf("of-%d", i)
		w.must(customer, ctx, "cart.add_line", obj{"cart": cart, "sku": "tea", "quantity": 1})
		w.must(customer, ctx, "order.place", obj{
			"cart": cart, "order": order, "expected_total": usd(300), "fulfilment": pickup("s1"), "tenders": obj{"t": card(300)},
		}, w.version(ctx, "cart/"+cart))
		w.later(time.Second)
	}
	w.must(till, s1, "stock.adjust", obj{"sku": "tea", "delta": -1, "reason": "broken"})
	w.want(s1, "shortfall/tea", obj{"short": 1, "claim.order": "of-59"})
}
