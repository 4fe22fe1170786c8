package commerce_test

import (
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func TestTendersAfterwards(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.place(customer, 900, obj{"t1": card(900)})
	w.refused("amount_exceeds_due", till, ctx, "order.add_tender", obj{"order": "o1", "tender": "t2", "type": "cash", "amount": usd(1)})
	w.must(service, ctx, "order.void", obj{"order": "o1", "tender": "t1", "declined": true})
	w.want(ctx, "order/o1", obj{"tenders.t1.status": "declined", "payment_state": "failed", "order_state": "open", "due.amount": 900})
	w.refused("invalid_transition", service, ctx, "order.void", obj{"order": "o1", "tender": "t1"})
	w.refused(hub.CodeInvalid, till, ctx, "order.add_tender", obj{"order": "o1", "tender": "t1", "type": "cash", "amount": usd(1)})
	w.must(service, ctx, "loyalty.adjust", obj{"points": -199, "reason": "gone"})
	w.refused("insufficient_points", till, ctx, "order.add_tender", obj{"order": "o1", "type": "points", "points": 2})
	w.must(customer, ctx, "order.cancel", obj{"order": "o1"})
	w.want(ctx, "order/o1", obj{"payment_state": "failed"})
	w.refused("invalid_transition", till, ctx, "order.add_tender", obj{"order": "o1", "type": "points", "points": 1})
}

func TestAnUnpaidOrderIsPaidAtTheTill(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.place(customer, 900, obj{"t1": card(900)})
	w.must(service, ctx, "order.void", obj{"order": "o1", "tender": "t1"})
	w.want(ctx, "order/o1", obj{"tenders.t1.status": "voided", "payment_state": "balance_due"})
	w.refused(hub.CodeForbidden, otherTill, ctx, "order.add_tender", obj{"order": "o1", "type": "cash", "amount": usd(900)})
	w.refused(hub.CodeForbidden, customer, ctx, "order.add_tender", obj{"order": "o1", "type": "cash", "amount": usd(900)})
	w.must(till, ctx, "order.add_tender", obj{"order": "o1", "tender": "t2", "type": "points", "points": 40})
	w.want(ctx, "order/o1", obj{"due.amount": 500, "payment_state": "balance_due", "order_state": "open"})
	w.must(service, ctx, "order.add_tender", obj{"order": "o1", "tender": "t3", "type": "card", "amount": usd(100), "status": "authorised"})
	w.must(till, ctx, "order.add_tender", obj{"order": "o1", "tender": "t4", "type": "cash", "amount": usd(500)})
	w.want(ctx, "order/o1", obj{"tenders.t4.change.amount": 100, "payment_state": "pending", "paid.amount": 800})
	w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t3"})
	w.want(ctx, "order/o1", obj{"payment_state": "paid", "order_state": "confirmed", "points_earned": 5})
	w.want(ctx, "loyalty", obj{"balance": 165})
}

func TestEditing(t *testing.T) {
	w := placed(t) // two lattes at 4.50, 20 on the shelf
	edit := func(lines obj) obj { return obj{"order": "o1", "lines": lines} }
	v := func() versions { return w.version(ctx, "order/o1") }
	w.refused(hub.CodeInvalid, customer, ctx, "order.edit", edit(obj{"l1": obj{"quantity": 3}}))
	w.refused(hub.CodeNotFound, customer, ctx, "order.edit", edit(obj{"l7": obj{"quantity": 3}}), v())
	w.refused("unknown_sku", customer, ctx, "order.edit", edit(obj{"l7": obj{"sku": "gold", "quantity": 3}}), v())
	w.refused("out_of_stock", customer, ctx, "order.edit", edit(obj{"l1": obj{"quantity": 21}}), v())
	w.refused("cart_empty", customer, ctx, "order.edit", edit(obj{"l1": obj{"quantity": 0}}), v())
	w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 2})

	w.must(customer, ctx, "order.edit", edit(obj{"l1": obj{"quantity": 20}, "l2": obj{"sku": "tea", "quantity": 1}}), v())
	w.want(ctx, "order/o1", obj{"total.amount": 9300, "payment_state": "balance_due", "order_state": "confirmed", "due.amount": 8400, "fulfilments.f1.lines.l2": 1})
	w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 20, "available": 0})
	w.must(customer, ctx, "order.edit", edit(obj{"l1": obj{"quantity": 1}, "l2": obj{"quantity": 0}}), v())
	w.want(ctx, "order/o1", obj{"total.amount": 450, "payment_state": "credit_owed", "lines.l2": nil})
	w.want(s1, "sku/latte", obj{"reserved": 1})
	w.want(ctx, "loyalty", obj{"balance": 181})

	w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
	w.want(s1, "sku/latte", obj{"on_hand": 19, "reserved": 0})
	w.refused("invalid_transition", customer, ctx, "order.edit", edit(obj{"l1": obj{"quantity": 2}}), v())
}

func TestAMarketplaceOrderIsRecordedOnceEvenShort(t *testing.T) {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 1})
	args := obj{
		"marketplace": "bazaar", "external_id": "B-7", "fulfilment": pickup("s1"),
		"lines": obj{"l1": obj{"sku": "latte", "quantity": 2, "price": usd(400)}, "l2": obj{"sku": "rare", "name": "Rare", "quantity": 1, "price": usd(99)}},
	}
	w.must(service, ctx, "order.import", args)
	w.want(ctx, "order/bazaar:B-7", obj{
		"external.marketplace": "bazaar", "external.id": "B-7", "total.amount": 899, "payment_state": "paid", "order_state": "confirmed",
		"channel": "bazaar", "lines.l1.name": "Latte", "tenders.t1.type": "external", "fulfilments.f1.state": "proposed",
	})
	w.want(s1, "sku/latte", obj{"on_hand": 1, "reserved": 2, "available": -1})
	log := w.logs[s1]
	if last := log[len(log)-1]; last.Type != "stock.shortfall" || show(last.Data) == "null" {
		t.Errorf("the store was told %s", show(last))
	}
	if e := w.must(service, ctx, "order.import", args); e != nil {
		t.Errorf("a second import made %s", show(e))
	}
	w.refused(hub.CodeForbidden, customer, ctx, "order.import", args)
	w.must(till, ctx, "fulfilment.start", obj{"order": "bazaar:B-7"})
	w.want(s1, "sku/latte", obj{"on_hand": -1, "reserved": 0})
}

func TestAMarketplaceOrderFindsItsStoreLater(t *testing.T) {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 9})
	w.lost = true
	w.must(service, ctx, "order.import", obj{
		"marketplace": "bazaar", "external_id": "B-7", "fulfilment": pickup("s1"),
		"lines": obj{"l1": obj{"sku": "latte", "quantity": 2, "price": usd(400)}},
	})
	w.lost = false
	w.want(s1, "sku/latte", obj{"reserved": 0})
	w.later(time.Minute)
	w.want(s1, "sku/latte", obj{"reserved": 2})
}

// shipped is a world with an order of two lattes to be sent, paid by card and points.
func shipped(t *testing.T, steps ...string) *world {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 5})
	w.fill()
	w.must(customer, ctx, "order.place", obj{
		"cart": "ca1", "order": "o1", "expected_total": usd(900), "tenders": obj{"t1": points(25), "t2": card(650)},
		"fulfilment": obj{"type": "shipment", "store": "s1", "address": obj{"street": "Elm 1"}},
	}, w.version(ctx, "cart/ca1"))
	w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t2"})
	for _, s := range steps {
		w.must(service, ctx, "fulfilment."+s, shipArgs(s))
	}
	return w
}

func shipArgs(step string) obj {
	switch step {
	case "ship":
		return obj{"order": "o1", "carrier": "Snail", "tracking": "S1"}
	case "delay":
		return obj{"order": "o1", "until": "2026-11-25T09:00:00Z"}
	case "reject":
		return obj{"order": "o1", "reason": "closed"}
	}
	return obj{"order": "o1"}
}

// TestTheShipmentTable tries every step from every state.
func TestTheShipmentTable(t *testing.T) {
	paths := map[string][]string{
		"proposed": {}, "reserved": {"start"}, "prepared": {"start", "pack"}, "shipped": {"start", "pack", "ship"},
		"delivered": {"start", "pack", "ship", "deliver"}, "failed": {"start", "pack", "ship", "lose"},
	}
	allowed := map[string]map[string]string{
		"proposed":  {"start": "reserved", "delay": "proposed"},
		"reserved":  {"pack": "prepared", "delay": "reserved"},
		"prepared":  {"ship": "shipped", "delay": "prepared"},
		"shipped":   {"deliver": "delivered", "lose": "failed", "delay": "shipped"},
		"delivered": {}, "failed": {},
	}
	for state, path := range paths {
		for _, step := range []string{"start", "pack", "ship", "deliver", "delay", "lose", "ready", "complete", "recall", "reject"} {
			t.Run(step+" when "+state, func(t *testing.T) {
				w := shipped(t, path...)
				by := service
				switch step {
				case "ready", "complete", "recall", "reject":
					by = till
				}
				next, ok := allowed[state][step]
				if !ok {
					w.refused("invalid_transition", by, ctx, "fulfilment."+step, shipArgs(step))
					return
				}
				w.must(by, ctx, "fulfilment."+step, shipArgs(step))
				w.want(ctx, "order/o1", obj{"fulfilments.f1.state": next})
			})
		}
	}
	w := shipped(t, "start", "pack", "ship", "delay", "deliver")
	w.want(ctx, "order/o1", obj{
		"order_state": "complete", "fulfilments.f1.delivery.carrier": "Snail", "fulfilments.f1.delivery.delayed_until": nil,
		"fulfilments.f1.delivery.delivered_at": "2026-11-23T09:00:00.000Z",
	})
	w.want(s1, "sku/latte", obj{"on_hand": 3, "reserved": 0})
	w.refused("too_late_to_cancel", agent, ctx, "order.cancel", obj{"order": "o1", "reason": "x"})
	w.refused(hub.CodeForbidden, till, ctx, "fulfilment.deliver", obj{"order": "o1"})
}

func TestAnotherStoreTakesOver(t *testing.T) {
	w := placed(t)
	w.must(service, s2, "stock.count", obj{"sku": "latte", "on_hand": 1})
	w.must(till, ctx, "fulfilment.reject", obj{"order": "o1", "reason": "out_of_stock"})
	w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "failed"})
	w.refused("out_of_stock", customer, ctx, "fulfilment.move", obj{"order": "o1", "store": "s2"})
	w.must(service, s2, "stock.adjust", obj{"sku": "latte", "delta": 4})
	w.refused(hub.CodeInvalid, customer, ctx, "fulfilment.move", obj{"order": "o1", "store": "s1"})
	w.refused(hub.CodeForbidden, otherTill, ctx, "fulfilment.move", obj{"order": "o1", "store": "s2"})
	w.must(customer, ctx, "fulfilment.move", obj{"order": "o1", "store": "s2"})
	w.want(ctx, "order/o1", obj{
		"store": "s2", "fulfilments.f1.store": "s2", "fulfilments.f1.state": "proposed", "fulfilments.f1.reason": nil, "payment_state": "paid",
		"tenders.t2.status": "captured",
	})
	w.want(s2, "sku/latte", obj{"on_hand": 5, "reserved": 2})
	w.refused(hub.CodeForbidden, till, ctx, "fulfilment.start", obj{"order": "o1"})
	w.must(otherTill, ctx, "fulfilment.start", obj{"order": "o1"})
	w.want(s2, "sku/latte", obj{"on_hand": 3, "reserved": 0})
	w.refused("invalid_transition", customer, ctx, "fulfilment.move", obj{"order": "o1", "store": "s1"})

	w = placed(t)
	w.must(otherTill, s2, "store.set_acceptance", obj{"acceptance": "paused"})
	w.refused("store_not_accepting", customer, ctx, "fulfilment.move", obj{"order": "o1", "store": "s2"})
	w.must(customer, ctx, "fulfilment.move", obj{"order": "o1", "store": "s3"})
	w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 0})
	w.later(48 * time.Hour)
	w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 0})
}
