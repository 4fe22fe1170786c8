package commerce_test

import (
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func TestAnOnlineOrderIsReturnedInAnotherStore(t *testing.T) {
	w := shipped(t, "start", "pack", "ship", "deliver") // two lattes, 2.50 in points, 6.50 by card
	w.must(service, s2, "stock.count", obj{"sku": "latte", "on_hand": 1})
	w.refused(hub.CodeForbidden, otherTill, ctx, "return.receive", obj{"order": "o1", "return": "r1", "store": "s1", "lines": obj{"l1": 1}})
	w.refused(hub.CodeNotFound, otherTill, ctx, "return.receive", obj{"order": "o1", "return": "r1", "store": "s2", "lines": obj{"l9": 1}})
	w.must(customer, ctx, "return.request", obj{"order": "o1", "return": "r1", "lines": obj{"l1": 1}, "reason": "cold"})
	w.refused("invalid_transition", service, ctx, "return.refund", obj{"order": "o1", "return": "r1"})
	w.refused("invalid_transition", service, ctx, "return.restock", obj{"order": "o1", "return": "r1"})
	w.must(otherTill, ctx, "return.receive", obj{"order": "o1", "return": "r1", "store": "s2"})
	w.want(ctx, "order/o1", obj{"returns.r1.state": "returned", "returns.r1.store": "s2", "returns.r1.reason": "cold", "order_state": "complete"})

	details := w.refused("return_quantity_exceeded", till, ctx, "return.receive", obj{"order": "o1", "return": "r2", "store": "s1", "lines": obj{"l1": 2}})
	if details["left"] != 1.0 || details["line"] != "l1" {
		t.Errorf("details are %v", details)
	}
	w.refused("invalid_transition", otherTill, ctx, "return.receive", obj{"order": "o1", "return": "r1", "store": "s2"})

	w.refused("amount_exceeds_paid", otherTill, ctx, "return.refund", obj{"order": "o1", "return": "r1", "amount": usd(901)})
	w.refused(hub.CodeForbidden, till, ctx, "return.refund", obj{"order": "o1", "return": "r1"})
	w.refused(hub.CodeForbidden, customer, ctx, "return.refund", obj{"order": "o1", "return": "r1"})
	w.must(otherTill, ctx, "return.refund", obj{"order": "o1", "return": "r1"})
	w.want(ctx, "order/o1", obj{
		"tenders.t1.refunded.amount": 125, "tenders.t2.refunded.amount": 325, "tenders.t1.points_returned": 12, "payment_state": "paid",
		"due.amount": 0, "paid.amount": 450, "points_earned": 3, "returns.r1.refunded.amount": 450,
	})
	w.want(ctx, "loyalty", obj{"balance": 200 - 25 + 6 + 12 - 3})
	w.refused("invalid_transition", otherTill, ctx, "return.refund", obj{"order": "o1", "return": "r1"})

	w.must(otherTill, ctx, "return.restock", obj{"order": "o1", "return": "r1"})
	w.want(ctx, "order/o1", obj{"returns.r1.state": "back_in_stock"})
	w.want(s2, "sku/latte", obj{"on_hand": 2, "available": 2})
	w.want(s1, "sku/latte", obj{"on_hand": 3})
	w.refused("invalid_transition", otherTill, ctx, "return.write_off", obj{"order": "o1", "return": "r1"})

	w.must(agent, ctx, "return.receive", obj{"order": "o1", "return": "r2", "store": "s9", "lines": obj{"l1": 1}})
	w.must(agent, ctx, "return.write_off", obj{"order": "o1", "return": "r2"})
	w.must(agent, ctx, "return.refund", obj{"order": "o1", "return": "r2"})
	w.want(ctx, "order/o1", obj{
		"returns.r2.state": "unusable", "paid.amount": 0, "tenders.t1.status": "refunded", "tenders.t1.points_returned": 25,
		"tenders.t2.status": "refunded", "points_earned": nil, "payment_state": "paid",
	})
	w.want(ctx, "loyalty", obj{"balance": 200, "earned": 0})
	w.refused("return_quantity_exceeded", customer, ctx, "return.request", obj{"order": "o1", "lines": obj{"l1": 1}})
}

func TestNothingComesBackThatWasNotHandedOver(t *testing.T) {
	w := placed(t)
	w.refused("return_quantity_exceeded", customer, ctx, "return.request", obj{"order": "o1", "lines": obj{"l1": 1}})
	w.refused(hub.CodeInvalid, customer, ctx, "return.request", obj{"order": "o1"})
	w.refused("invalid_transition", service, ctx, "return.refund", obj{"order": "o1"})
	w.refused("amount_exceeds_paid", service, ctx, "return.refund", obj{"order": "o1", "amount": usd(1)})
	w.refused(hub.CodeNotFound, service, ctx, "return.refund", obj{"order": "o1", "return": "r9"})
}

func TestWhatIsOwedOfACancelledOrderIsRefunded(t *testing.T) {
	w := placed(t)
	w.must(customer, ctx, "order.cancel", obj{"order": "o1"})
	w.must(service, ctx, "return.refund", obj{"order": "o1", "amount": usd(200)})
	w.want(ctx, "order/o1", obj{"payment_state": "credit_owed", "paid.amount": 450})
	w.must(service, ctx, "return.refund", obj{"order": "o1"})
	w.want(ctx, "order/o1", obj{"payment_state": "paid", "paid.amount": 0, "tenders.t2.status": "refunded"})
	w.want(ctx, "loyalty", obj{"balance": 200})
	w.refused("invalid_transition", service, ctx, "return.refund", obj{"order": "o1"})
}

func TestAnOfflineSaleIsAcceptedAsItWas(t *testing.T) {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 1})
	sale := obj{
		"order": "o1", "number": "T1-0042", "occurred_at": "2026-11-23T09:02:00Z", "sent_at": "2026-11-23T09:07:00Z", // 7 min fast
		"lines":   obj{"l1": obj{"sku": "latte", "quantity": 2, "price": usd(400)}},
		"tenders": obj{"t1": cash(1000)},
	}
	e := w.must(till, ctx, "order.replay_sale", sale)
	if e.OccurredAt == nil || show(e.OccurredAt) != `"2026-11-23T08:55:00.000Z"` {
		t.Errorf("it occurred at %v", show(e.OccurredAt))
	}
	w.want(ctx, "order/o1", obj{
		"number": "T1-0042", "order_state": "complete", "payment_state": "paid", "total.amount": 800, "tenders.t1.offline": true,
		"tenders.t1.change.amount": 200, "fulfilments.f1.state": "completed", "store": "s1", "placed_offline_at": "2026-11-23T08:55:00.000Z",
		"points_earned": 8, "clock_skew": nil,
	})
	w.want(s1, "sku/latte", obj{"on_hand": -1, "available": -1})
	log := w.logs[s1]
	if last := log[len(log)-1]; last.Type != "stock.shortfall" {
		t.Errorf("the store was told %s", show(last))
	}
	if e := w.must(till, ctx, "order.replay_sale", sale); e != nil {
		t.Errorf("a second replay made %s", show(e))
	}
	w.want(s1, "sku/latte", obj{"on_hand": -1})

	sale["order"], sale["occurred_at"] = "o2", w.now.Add(-25*time.Hour)
	w.must(till, ctx, "order.replay_sale", sale)
	w.want(ctx, "order/o2", obj{"clock_skew": true})
	sale["order"], sale["tenders"] = "o3", obj{"t": points(5)}
	w.refused(hub.CodeInvalid, till, ctx, "order.replay_sale", sale)
	w.refused(hub.CodeForbidden, customer, ctx, "order.replay_sale", sale)
}

// A customer who asked for a return brings it to a till that does not know its id.
func TestAReturnThatWasAskedForNeedNotBeNamed(t *testing.T) {
	w := placed(t)
	for _, step := range []string{"start", "ready", "complete"} {
		w.must(till, ctx, "fulfilment."+step, obj{"order": "o1"})
	}
	w.must(customer, ctx, "return.request", obj{"order": "o1", "return": "r1", "lines": obj{"l1": 1}})
	w.must(till, ctx, "return.receive", obj{"order": "o1", "store": "s1", "lines": obj{"l1": 1}})
	w.want(ctx, "order/o1", obj{"returns.r1.state": "returned"})
	w.must(customer, ctx, "return.request", obj{"order": "o1", "return": "r2", "lines": obj{"l1": 1}})
	w.refused("return_quantity_exceeded", till, ctx, "return.receive", obj{"order": "o1", "store": "s1", "lines": obj{"l1": 2}})
	w.must(till, ctx, "return.receive", obj{"order": "o1", "store": "s1"})
	w.want(ctx, "order/o1", obj{"returns.r2.state": "returned"})
}
