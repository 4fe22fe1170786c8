package commerce_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

func TestACartIsFoundOrOpened(t *testing.T) {
	w := shopWorld(t)
	e := w.must(customer, ctx, "cart.add_line", obj{"sku": "latte", "quantity": 1})
	if e.Type != "cart.line_added" || len(e.Changes) != 1 || e.Changes[0].Doc == nil {
		t.Fatalf("the first line made %s", show(e))
	}
	key := e.Changes[0].Key
	w.must(customer, ctx, "cart.add_line", obj{"sku": "latte", "quantity": 2})
	w.want(ctx, key, obj{"total.amount": 1350})
	if n := len(w.states[ctx].Entries); n != 2 {
		t.Errorf("%d entries, want loyalty and one cart", n)
	}
	w.must(customer, ctx, "cart.open", obj{})
	w.refused(hub.CodeInvalid, customer, ctx, "cart.add_line", obj{"sku": "latte", "quantity": 1})
}

func TestLines(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "line": "l2", "sku": "latte", "quantity": 1})
	w.want(ctx, "cart/ca1", obj{"lines.l1.quantity": 3, "lines.l2": nil, "total.amount": 1350})
	w.must(agent, ctx, "cart.add_line", obj{"cart": "ca1", "line": "l2", "sku": "tea", "quantity": 1})
	w.want(ctx, "cart/ca1", obj{"lines.l2.order": 2, "total.amount": 1650})
	w.must(customer, ctx, "cart.set_quantity", obj{"line": "l1", "quantity": 1})
	w.want(ctx, "cart/ca1", obj{"lines.l1.quantity": 1, "total.amount": 750})
	w.must(customer, ctx, "cart.set_quantity", obj{"line": "l1", "quantity": 0})
	w.must(customer, ctx, "cart.remove_line", obj{"line": "l2"})
	w.want(ctx, "cart/ca1", obj{"total.amount": 0, "state": "active"})
	if e := w.must(customer, ctx, "cart.remove_line", obj{"line": "l2"}); e != nil {
		t.Errorf("removing a line twice made %s", show(e))
	}
	if e := w.must(customer, ctx, "cart.open", obj{"cart": "ca1"}); e != nil {
		t.Errorf("opening a cart twice made %s", show(e))
	}
}

func TestALineIsRefused(t *testing.T) {
	add := func(change obj) obj {
		args := obj{"cart": "ca1", "sku": "latte", "quantity": 1}
		maps.Copy(args, change)
		return args
	}
	for name, tt := range map[string]struct {
		args obj
		code string
	}{
		"with a price":                    {add(obj{"price": usd(1)}), hub.CodeInvalid},
		"of a sku nobody sells":           {add(obj{"sku": "gold"}), "unknown_sku"},
		"of none":                         {add(obj{"quantity": 0}), hub.CodeInvalid},
		"of less than none":               {add(obj{"quantity": -1}), hub.CodeInvalid},
		"of half a latte":                 {add(obj{"quantity": 0.5}), hub.CodeInvalid},
		"of too many":                     {add(obj{"quantity": 10000}), hub.CodeInvalid},
		"of too many together":            {add(obj{"quantity": 9998}), hub.CodeTooLarge},
		"under another sku's id":          {add(obj{"sku": "tea", "line": "l1"}), hub.CodeInvalid},
		"with a quantity that is a word":  {add(obj{"quantity": "1"}), hub.CodeInvalid},
		"with a sku that is no word":      {add(obj{"sku": 7}), hub.CodeInvalid},
		"under an id of spaces":           {add(obj{"line": "a b"}), hub.CodeInvalid},
		"in a currency of its own":        {add(obj{"sku": "euro"}), "currency_mismatch"},
		"that costs more than can be":     {add(obj{"sku": "moon", "quantity": 9999}), "money_overflow"},
		"of nothing":                      {obj{}, hub.CodeInvalid},
		"under an id as long as a sermon": {add(obj{"line": fmt.Sprintf("%065d", 1)}), hub.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			w := shopWorld(t)
			w.must(service, catalog, "catalog.set", obj{"items": obj{
				"euro": obj{"name": "Euro", "price": obj{"amount": 1, "currency": "EUR"}}, "moon": obj{"name": "Moon", "price": usd(1 << 62)},
			}})
			w.fill()
			w.refused(tt.code, customer, ctx, "cart.add_line", tt.args)
		})
	}
	w := shopWorld(t)
	w.fill()
	w.refused(hub.CodeNotFound, customer, ctx, "cart.set_quantity", obj{"line": "l9", "quantity": 1})
	w.refused(hub.CodeInvalid, customer, ctx, "cart.set_quantity", obj{"line": "l1"})
	w.refused(hub.CodeForbidden, service, ctx, "cart.add_line", add(nil))
	w.refused(hub.CodeConflict, customer, ctx, "cart.set_quantity", obj{"line": "l1", "quantity": 1}, versions{"cart/ca1": 1})
	w.place(customer, 900, obj{"t": card(900)})
	w.refused("cart_not_active", customer, ctx, "cart.add_line", add(nil))
}

func TestACartHasAtMost200Lines(t *testing.T) {
	w := newWorld(t)
	items := obj{}
	for i := range 201 {
		items[fmt.Sprint("sku", i)] = obj{"name": "x", "price": usd(1)}
	}
	w.must(service, catalog, "catalog.set", obj{"items": items})
	for i := range 200 {
		w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "sku": fmt.Sprint("sku", i), "quantity": 1})
	}
	details := w.refused(hub.CodeTooLarge, customer, ctx, "cart.add_line", obj{"cart": "ca1", "sku": "sku200", "quantity": 1})
	if details["limit"] != 200.0 {
		t.Errorf("details are %v", details)
	}
	w.want(ctx, "cart/ca1", obj{"total.amount": 200})
}

func TestAContextHasAtMost200OpenCarts(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.place(customer, 900, obj{"t": card(900)}) // a cart that is ordered, an order that is open
	for i := range 199 {
		w.must(customer, ctx, "cart.open", obj{"cart": fmt.Sprint("x", i)})
	}
	w.refused(hub.CodeTooLarge, customer, ctx, "cart.open", obj{})
	w.must(customer, ctx, "order.cancel", obj{"order": "o1"})
	w.must(customer, ctx, "cart.open", obj{})
}

func TestAnAgentLocksACart(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.must(agent, ctx, "cart.lock", obj{"cart": "ca1"})
	details := w.refused("cart_locked", customer, ctx, "cart.add_line", obj{"sku": "tea", "quantity": 1})
	if by := details["by"].(obj); by["name"] != "Mira" || by["id"] != nil {
		t.Errorf("the customer is told of %v", by)
	}
	w.refused("cart_locked", chief, ctx, "cart.lock", obj{"cart": "ca1"})
	w.must(agent, ctx, "cart.add_line", obj{"sku": "tea", "quantity": 1})
	w.must(chief, ctx, "cart.unlock", obj{"cart": "ca1"})
	w.must(customer, ctx, "cart.add_line", obj{"sku": "tea", "quantity": 1})
	w.refused(hub.CodeForbidden, customer, ctx, "cart.lock", obj{"cart": "ca1"})
}

func TestAFrozenCartKeepsPricesAndGoods(t *testing.T) {
	frozen := func(t *testing.T) *world {
		w := shopWorld(t)
		w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 2})
		w.must(customer, ctx, "cart.open", obj{"cart": "ca1", "store": "s1"})
		w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "line": "l1", "sku": "latte", "quantity": 2})
		w.refused("out_of_stock", customer, ctx, "cart.add_line", obj{"sku": "latte", "quantity": 1})
		w.refused(hub.CodeInvalid, customer, ctx, "cart.freeze", obj{"cart": "ca1"})
		w.must(customer, ctx, "cart.freeze", obj{"cart": "ca1"}, w.version(ctx, "cart/ca1"))
		w.want(ctx, "cart/ca1", obj{"state": "frozen", "frozen_until": "2026-11-23T09:15:00.000Z"})
		w.want(s1, "sku/latte", obj{"on_hand": 2, "reserved": 2, "available": 0})
		w.must(service, catalog, "catalog.set", obj{"items": obj{"latte": obj{"name": "Latte", "price": usd(500)}}})
		w.refused("cart_not_active", customer, ctx, "cart.set_quantity", obj{"cart": "ca1", "line": "l1", "quantity": 1})
		return w
	}
	t.Run("until it is ordered", func(t *testing.T) {
		w := frozen(t)
		w.place(customer, 900, obj{"t": card(900)})
		w.want(s1, "sku/latte", obj{"on_hand": 2, "reserved": 2})
		w.later(24 * time.Hour)
		w.want(s1, "sku/latte", obj{"on_hand": 2, "reserved": 2})
		w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
		w.want(s1, "sku/latte", obj{"on_hand": 0, "reserved": 0})
	})
	t.Run("until it is ordered, even if word to the store is lost", func(t *testing.T) {
		w := frozen(t)
		w.lost = true
		w.place(customer, 900, obj{"t": card(900)})
		w.lost = false
		w.later(time.Hour)
		w.want(s1, "sku/latte", obj{"on_hand": 2, "reserved": 2})
	})
	t.Run("until its time is over", func(t *testing.T) {
		w := frozen(t)
		w.later(15 * time.Minute)
		w.want(ctx, "cart/ca1", obj{"state": "active", "frozen_until": nil, "total.amount": 1000, "lines.l1.price_change.old.amount": 450})
		w.want(s1, "sku/latte", obj{"reserved": 0, "available": 2})
	})
	t.Run("until it is thawed", func(t *testing.T) {
		w := frozen(t)
		w.refused(hub.CodeInvalid, customer, ctx, "cart.unfreeze", obj{"cart": "ca1"})
		w.must(customer, ctx, "cart.unfreeze", obj{"cart": "ca1"}, w.version(ctx, "cart/ca1"))
		w.want(ctx, "cart/ca1", obj{"state": "active"})
		w.want(s1, "sku/latte", obj{"reserved": 0})
		w.refused("invalid_transition", customer, ctx, "cart.unfreeze", obj{"cart": "ca1"}, w.version(ctx, "cart/ca1"))
	})
	t.Run("and is ordered at another store", func(t *testing.T) {
		w := frozen(t)
		w.must(customer, ctx, "order.place", obj{
			"cart": "ca1", "order": "o1", "expected_total": usd(900), "fulfilment": pickup("s2"), "tenders": obj{"t": card(900)},
		}, w.version(ctx, "cart/ca1"))
		w.want(s1, "sku/latte", obj{"reserved": 0})
	})
	t.Run("and is not frozen at a price nobody saw", func(t *testing.T) {
		w := shopWorld(t)
		w.fill()
		w.must(service, catalog, "catalog.set", obj{"items": obj{"latte": obj{"name": "Latte", "price": usd(500)}}})
		w.refused("price_changed", customer, ctx, "cart.freeze", obj{"cart": "ca1"}, w.version(ctx, "cart/ca1"))
		w.must(customer, ctx, "cart.freeze", obj{"cart": "ca1", "expected_total": usd(1000)}, w.version(ctx, "cart/ca1"))
	})
}

func TestAChangedPriceMarksTheCartsThatHoldIt(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.must(service, catalog, "catalog.set", obj{"items": obj{"latte": obj{"name": "Latte", "price": usd(500)}}})
	e := w.must(clock, ctx, "cart.reprice", obj{"skus": []string{"latte", "tea"}})
	if e.Type != "cart.price_changed" {
		t.Errorf("the event is %s", e.Type)
	}
	w.want(ctx, "cart/ca1", obj{"lines.l1.price_change.old.amount": 450, "lines.l1.price_change.new.amount": 500, "total.amount": 1000})
	if e := w.must(clock, ctx, "cart.reprice", obj{"skus": []string{"latte"}}); e != nil {
		t.Errorf("the same price again made %s", show(e))
	}
	w.must(service, catalog, "catalog.set", obj{"items": obj{"latte": obj{"name": "Latte", "price": usd(450)}}})
	w.must(clock, ctx, "cart.reprice", obj{"skus": []string{"latte"}})
	w.want(ctx, "cart/ca1", obj{"lines.l1.price_change": nil, "total.amount": 900})
	w.refused(hub.CodeForbidden, service, ctx, "cart.reprice", obj{"skus": []string{"latte"}})
}

func TestALockEndsWithItsAgent(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.must(agent, ctx, "cart.lock", obj{"cart": "ca1"})
	w.later(4 * time.Minute)
	w.must(agent, ctx, "cart.add_line", obj{"cart": "ca1", "sku": "tea", "quantity": 1}) // still there
	w.later(4 * time.Minute)
	w.must(agent, ctx, "cart.lock", obj{"cart": "ca1"})
	w.later(4 * time.Minute)
	w.refused("cart_locked", customer, ctx, "cart.add_line", obj{"cart": "ca1", "sku": "tea", "quantity": 1})
	w.later(time.Minute)
	if n := w.told("cart.unlocked"); n != 1 {
		t.Errorf("unlocked %d times", n)
	}
	w.want(ctx, "cart/ca1", obj{"lock": nil})
	w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "sku": "tea", "quantity": 1})
}

// Goods of a frozen cart are held for as long as its prices, however long that is.
func TestWhatIsFrozenIsHeld(t *testing.T) {
	w := newTown(t, commerce.Config{Freeze: time.Hour})
	w.must(service, s1, "stock.count", obj{"sku": "z", "on_hand": 1})
	w.must(customer, ctx, "cart.open", obj{"cart": "ca1", "store": "s1"})
	w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "sku": "z", "quantity": 1})
	version := func() versions { return versions{"cart/ca1": w.entries(ctx)["cart/ca1"].Version} }
	w.must(customer, ctx, "cart.freeze", obj{"cart": "ca1"}, version())
	w.later(59 * time.Minute)
	w.want(s1, "sku/z", obj{"reserved": 1})
	w.must(customer, ctx, "order.place", obj{"cart": "ca1", "order": "o1", "expected_total": usd(100), "fulfilment": pickup("s1"), "tenders": obj{"t": card(100)}}, version())
	w.want(s1, "sku/z", obj{"reserved": 1, "available": 0})
}
