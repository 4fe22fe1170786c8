package commerce_test

import (
	"maps"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func TestAnOrderIsPlacedPaidMadeAndCollected(t *testing.T) {
	w := shopWorld(t)
	w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 20})
	w.must(customer, ctx, "profile.update", obj{"traits": obj{"first_name": "Ana"}})
	w.fill()
	w.want(ctx, "cart/ca1", obj{
		"state": "active", "currency": "USD", "total.amount": 900, "lines.l1.price.amount": 450,
		"lines.l1.total.amount": 900, "lines.l1.name": "Latte", "lines.l1.added_by.role": "customer",
	})

	before := w.states[ctx].Position.Offset
	w.place(customer, 900, obj{"t1": points(25), "t2": card(650)})
	if got := w.states[ctx].Position.Offset; got != before+1 {
		t.Errorf("order.place made %d events of the context, want one", got-before)
	}
	w.want(ctx, "cart/ca1", obj{"state": "ordered", "order": "o1"})
	w.want(ctx, "order/o1", obj{
		"order_state": "open", "payment_state": "pending", "total.amount": 900, "due.amount": 650, "store": "s1", "ticket_name": "Ana",
		"channel": "app", "cart": "ca1", "tenders.t1.status": "captured", "tenders.t1.amount.amount": 250, "tenders.t1.points": 25,
		"tenders.t2.status": "pending", "fulfilments.f1.state": "proposed", "fulfilments.f1.type": "pickup",
		"fulfilments.f1.lines.l1": 2, "promised_at": "2026-11-23T09:10:00.000Z",
	})
	w.want(ctx, "loyalty", obj{"balance": 175, "held": 0, "earned": 0})
	w.want(ctx, "activity", obj{"items.1.kind": "order.placed", "items.1.ref": "order/o1"})
	w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 2, "available": 18})

	w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t2"})
	w.want(ctx, "order/o1", obj{"order_state": "confirmed", "payment_state": "paid", "due.amount": 0, "points_earned": 6})
	w.want(ctx, "loyalty", obj{"balance": 181, "earned": 6})

	w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
	w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "reserved", "fulfilments.f1.accepted_at": "2026-11-23T09:00:00.000Z"})
	w.want(s1, "sku/latte", obj{"on_hand": 18, "reserved": 0, "available": 18})
	w.must(till, ctx, "fulfilment.ready", obj{"order": "o1"})
	w.must(till, ctx, "fulfilment.recall", obj{"order": "o1"})
	w.must(till, ctx, "fulfilment.ready", obj{"order": "o1"})
	w.must(customer, ctx, "fulfilment.arrive", obj{"order": "o1", "details": "red car"})
	code := w.at(ctx, "order/o1", "fulfilments.f1.collect_code").(string)
	w.refused("wrong_collect_code", till, ctx, "fulfilment.complete", obj{"order": "o1", "collect_code": code + "1"})
	w.must(till, ctx, "fulfilment.complete", obj{"order": "o1", "collect_code": code})
	w.want(ctx, "order/o1", obj{"order_state": "complete", "fulfilments.f1.state": "completed", "closed_at": "2026-11-23T09:00:00.000Z"})

	w.later(59 * time.Second)
	w.must(till, ctx, "fulfilment.undo", obj{"order": "o1"})
	w.want(ctx, "order/o1", obj{"order_state": "confirmed", "fulfilments.f1.state": "prepared", "closed_at": nil})
	w.must(till, ctx, "fulfilment.complete", obj{"order": "o1"})
	w.later(61 * time.Second)
	w.refused("invalid_transition", till, ctx, "fulfilment.undo", obj{"order": "o1"})
	w.want(ctx, "loyalty", obj{"balance": 181})
}

// TestThePickupTable tries every step from every state.
func TestThePickupTable(t *testing.T) {
	to := map[string][]string{ // state -> steps that lead there from proposed
		"proposed": {}, "reserved": {"start"}, "prepared": {"start", "ready"}, "completed": {"start", "ready", "complete"},
		"canceled": {"reject"},
	}
	allowed := map[string]map[string]string{
		"proposed":  {"start": "reserved", "reject": "canceled", "arrive": "proposed"},
		"reserved":  {"ready": "prepared", "arrive": "reserved"},
		"prepared":  {"recall": "reserved", "complete": "completed", "arrive": "prepared"},
		"completed": {"undo": "prepared"},
		"canceled":  {},
	}
	args := func(step string) obj {
		if step == "reject" {
			return obj{"order": "o1", "reason": "closed"}
		}
		return obj{"order": "o1"}
	}
	for state, path := range to {
		for _, step := range []string{"start", "ready", "recall", "complete", "undo", "reject", "arrive"} {
			t.Run(step+" when "+state, func(t *testing.T) {
				w := placed(t)
				for _, s := range path {
					w.must(till, ctx, "fulfilment."+s, args(s))
				}
				w.want(ctx, "order/o1", obj{"fulfilments.f1.state": state})
				by := till
				if step == "arrive" {
					by = customer
				}
				next, ok := allowed[state][step]
				if !ok {
					details := w.refused("invalid_transition", by, ctx, "fulfilment."+step, args(step))
					if details["from"] != state || details["at"] == nil || details["by"] == nil {
						t.Errorf("details are %v", details)
					}
					return
				}
				w.must(by, ctx, "fulfilment."+step, args(step))
				w.want(ctx, "order/o1", obj{"fulfilments.f1.state": next})
			})
		}
	}
}

func TestOnlyTheStoreMovesItsOrders(t *testing.T) {
	for _, step := range []string{"start", "ready", "recall", "complete", "undo"} {
		w := placed(t)
		w.refused(hub.CodeForbidden, otherTill, ctx, "fulfilment."+step, obj{"order": "o1"})
		w.refused(hub.CodeForbidden, customer, ctx, "fulfilment."+step, obj{"order": "o1"})
		w.refused(hub.CodeForbidden, agent, ctx, "fulfilment."+step, obj{"order": "o1"})
	}
	w := placed(t)
	w.refused(hub.CodeForbidden, service, ctx, "fulfilment.start", obj{"order": "o1"})
	w.refused(hub.CodeForbidden, otherTill, ctx, "order.cancel", obj{"order": "o1", "reason": "mine"})
	w.refused(hub.CodeForbidden, otherTill, ctx, "order.capture", obj{"order": "o1", "tender": "t2"})
	w.refused(hub.CodeNotFound, till, ctx, "fulfilment.start", obj{"order": "o9"})
	w.refused(hub.CodeForbidden, otherTill, s1, "stock.count", obj{"sku": "latte", "on_hand": 1})
	w.refused(hub.CodeForbidden, otherTill, s1, "store.set_acceptance", obj{"acceptance": "paused"})
}

func TestOnlyWhoHandedItOverTakesItBack(t *testing.T) {
	w := placed(t)
	for _, s := range []string{"start", "ready", "complete"} {
		w.must(till, ctx, "fulfilment."+s, obj{"order": "o1"})
	}
	colleague := till
	colleague.ID = "till-9"
	w.refused(hub.CodeForbidden, colleague, ctx, "fulfilment.undo", obj{"order": "o1"})
}

func TestPlacingIsRefused(t *testing.T) {
	v := func(w *world) versions { return w.version(ctx, "cart/ca1") }
	order := func(change obj) obj {
		args := obj{"cart": "ca1", "order": "o1", "expected_total": usd(900), "fulfilment": pickup("s1"), "tenders": obj{"t": card(900)}}
		maps.Copy(args, change)
		return args
	}
	tests := map[string]struct {
		by      hub.Caller
		before  func(w *world)
		args    obj
		code    string
		details obj
	}{
		"when the price changed": {
			before: func(w *world) {
				w.must(service, catalog, "catalog.set", obj{"items": obj{"latte": obj{"name": "Latte", "price": usd(500)}}})
			},
			code: "price_changed", details: obj{"old": obj{"amount": 900.0, "currency": "USD"}, "new": obj{"amount": 1000.0, "currency": "USD"}},
		},
		"when something else is expected": {args: obj{"expected_total": usd(899)}, code: "price_changed"},
		"when the sku is no longer sold": {
			before: func(w *world) { w.must(service, catalog, "catalog.remove", obj{"skus": []string{"latte"}}) },
			code:   "unknown_sku", details: obj{"sku": "latte"},
		},
		"without the points":   {args: obj{"tenders": obj{"t": points(201)}}, code: "insufficient_points", details: obj{"balance": 200.0, "points": 201.0}},
		"with too many points": {args: obj{"tenders": obj{"t": points(91)}}, code: "amount_exceeds_due"},
		"with points that were spent": {
			before: func(w *world) {
				w.must(service, ctx, "loyalty.adjust", obj{"points": -190, "reason": "gone"})
			},
			args: obj{"tenders": obj{"t1": points(11), "t2": card(790)}}, code: "insufficient_points", details: obj{"balance": 10.0, "points": 11.0},
		},
		"when the store is paused": {
			before: func(w *world) { w.must(till, s1, "store.set_acceptance", obj{"acceptance": "paused"}) },
			code:   "store_not_accepting", details: obj{"store": "s1"},
		},
		"when the store has one left": {
			before: func(w *world) { w.must(till, s1, "stock.count", obj{"sku": "latte", "on_hand": 1}) },
			code:   "out_of_stock", details: obj{"sku": "latte", "available": 1.0},
		},
		"when the sku is snoozed": {
			before: func(w *world) {
				w.must(till, s1, "stock.snooze", obj{"sku": "latte", "until": w.now.Add(time.Hour)})
			},
			code: "out_of_stock", details: obj{"available": 0.0},
		},
		"when the tenders are short":           {args: obj{"tenders": obj{"t": card(899)}}, code: "insufficient_tenders"},
		"when a card pays too much":            {args: obj{"tenders": obj{"t": card(901)}}, code: "amount_exceeds_due"},
		"when the money is another":            {args: obj{"tenders": obj{"t": obj{"type": "card", "amount": obj{"amount": 900, "currency": "EUR"}}}}, code: "currency_mismatch"},
		"when an agent holds the cart":         {before: func(w *world) { w.must(agent, ctx, "cart.lock", obj{"cart": "ca1"}) }, code: "cart_locked"},
		"by a till for another store":          {by: otherTill, code: hub.CodeForbidden},
		"by a bot":                             {by: bot, code: hub.CodeForbidden},
		"of a cart there is not":               {args: obj{"cart": "ca9"}, code: hub.CodeNotFound},
		"with a price of one's own":            {args: obj{"total": usd(1)}, code: hub.CodeInvalid},
		"without a store":                      {args: obj{"fulfilment": obj{"type": "pickup"}}, code: hub.CodeInvalid},
		"with a tender of an unknown type":     {args: obj{"tenders": obj{"t": obj{"type": "shells", "amount": usd(900)}}}, code: hub.CodeInvalid},
		"with a card that gives money":         {args: obj{"tenders": obj{"t1": card(-900), "t2": card(1800)}}, code: hub.CodeInvalid},
		"with a currency that does not exist":  {args: obj{"expected_total": obj{"amount": 900, "currency": "usd"}}, code: hub.CodeInvalid},
		"with an id that would break the keys": {args: obj{"order": "o 1"}, code: hub.CodeInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := shopWorld(t)
			w.fill()
			if tt.before != nil {
				tt.before(w)
			}
			by := tt.by
			if by.Role == "" {
				by = customer
			}
			details := w.refused(tt.code, by, ctx, "order.place", order(tt.args), v(w))
			for k, want := range tt.details {
				if show(details[k]) != show(want) {
					t.Errorf("details: %s is %v, want %v", k, details[k], want)
				}
			}
			if w.at(ctx, "loyalty", "held") != 0 || w.states[ctx].Entries["order/o1"].Doc != nil {
				t.Error("something of the order stayed")
			}
			for key := range w.states[s1].Entries {
				if hub.EntryKind(key) == "reservation" {
					t.Error("a reservation stayed:", key)
				}
			}
		})
	}
	t.Run("without the version of the cart", func(t *testing.T) {
		w := shopWorld(t)
		w.fill()
		w.refused(hub.CodeInvalid, customer, ctx, "order.place", order(nil))
		w.refused(hub.CodeConflict, customer, ctx, "order.place", order(nil), versions{"cart/ca1": 1})
	})
	t.Run("twice", func(t *testing.T) {
		w := shopWorld(t)
		w.fill()
		w.place(customer, 900, obj{"t": card(900)})
		details := w.refused("cart_not_active", customer, ctx, "order.place", order(nil), v(w))
		if details["state"] != "ordered" || details["order"] != "o1" {
			t.Errorf("details are %v", details)
		}
	})
	t.Run("of an empty cart", func(t *testing.T) {
		w := shopWorld(t)
		w.must(customer, ctx, "cart.open", obj{"cart": "ca1"})
		w.refused("cart_empty", customer, ctx, "order.place", order(nil), v(w))
	})
}

func TestANewPriceThatIsAcceptedIsPaid(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.must(service, catalog, "catalog.set", obj{"items": obj{"latte": obj{"name": "Latte", "price": usd(500)}}})
	w.place(customer, 1000, obj{"t": card(1000)})
	w.want(ctx, "order/o1", obj{"total.amount": 1000, "lines.l1.price.amount": 500})
}

func TestATillIsPaidAtOnceAndGivesChange(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.place(till, 900, obj{"t1": cash(1000), "t2": card(400)})
	w.want(ctx, "order/o1", obj{
		"payment_state": "paid", "order_state": "confirmed", "tenders.t1.status": "captured", "tenders.t1.change.amount": 500,
		"tenders.t2.status": "captured", "paid.amount": 900, "points_earned": 9,
	})
	w.want(ctx, "loyalty", obj{"balance": 209})
}

func TestAPausedStoreStillSellsAtItsOwnTill(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.must(till, s1, "store.set_acceptance", obj{"acceptance": "paused", "until": w.now.Add(time.Hour)})
	w.place(till, 900, obj{"t": cash(900)})
}

func TestAPauseEndsByItself(t *testing.T) {
	w := shopWorld(t)
	w.must(till, s1, "store.set_acceptance", obj{"acceptance": "paused", "until": w.now.Add(time.Hour)})
	w.later(time.Hour)
	w.want(s1, "store", obj{"acceptance": "accepting", "until": nil})
	w.must(till, s1, "store.set_acceptance", obj{"acceptance": "slow", "minutes": 20})
	w.fill()
	w.place(customer, 900, obj{"t": card(900)})
	w.want(ctx, "order/o1", obj{"promised_at": "2026-11-23T10:30:00.000Z"})
}

func TestPointsAloneCanPay(t *testing.T) {
	w := shopWorld(t)
	w.fill()
	w.place(customer, 900, obj{"t": points(90)})
	w.want(ctx, "order/o1", obj{"payment_state": "paid", "order_state": "confirmed", "points_earned": nil})
	w.want(ctx, "loyalty", obj{"balance": 110, "earned": 0})
	w.refused("invalid_transition", service, ctx, "order.capture", obj{"order": "o1", "tender": "t"})
	w.refused(hub.CodeNotFound, service, ctx, "order.capture", obj{"order": "o1", "tender": "x"})
	w.refused(hub.CodeForbidden, customer, ctx, "order.capture", obj{"order": "o1", "tender": "t"})
}

func TestCancelling(t *testing.T) {
	t.Run("gives points and stock back and takes the earned ones", func(t *testing.T) {
		w := placed(t)
		w.must(customer, ctx, "order.cancel", obj{"order": "o1"})
		w.want(ctx, "order/o1", obj{
			"order_state": "cancelled", "payment_state": "credit_owed", "fulfilments.f1.state": "canceled",
			"tenders.t1.status": "refunded", "tenders.t2.status": "captured", "cancelled.by.id": "c-42", "due.amount": 0,
		})
		w.want(ctx, "loyalty", obj{"balance": 200, "earned": 0, "ledger.4.kind": "returned", "ledger.5.kind": "reversed", "ledger.5.points": -6})
		w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 0, "available": 20})
		details := w.refused("invalid_transition", customer, ctx, "order.cancel", obj{"order": "o1"})
		if details["from"] != "cancelled" {
			t.Errorf("details are %v", details)
		}
		w.refused("invalid_transition", till, ctx, "fulfilment.start", obj{"order": "o1"})
	})
	t.Run("voids what is pending", func(t *testing.T) {
		w := shopWorld(t)
		w.fill()
		w.place(customer, 900, obj{"t1": points(25), "t2": card(650)})
		w.must(customer, ctx, "order.cancel", obj{"order": "o1", "reason": "rain"})
		w.want(ctx, "order/o1", obj{"tenders.t2.status": "voided", "payment_state": "paid", "cancelled.reason": "rain"})
		w.refused("invalid_transition", service, ctx, "order.capture", obj{"order": "o1", "tender": "t2"})
		w.want(ctx, "loyalty", obj{"balance": 200})
	})
	t.Run("is too late for the customer once it is made, not for staff", func(t *testing.T) {
		w := placed(t)
		w.must(till, ctx, "fulfilment.start", obj{"order": "o1"})
		details := w.refused("too_late_to_cancel", customer, ctx, "order.cancel", obj{"order": "o1"})
		if details["state"] != "reserved" {
			t.Errorf("details are %v", details)
		}
		w.refused(hub.CodeInvalid, till, ctx, "order.cancel", obj{"order": "o1"})
		w.must(till, ctx, "order.cancel", obj{"order": "o1", "reason": "machine broken"})
		w.want(s1, "sku/latte", obj{"on_hand": 18, "reserved": 0, "available": 18}) // they are made and gone
	})
	t.Run("is too late for everybody once it is collected", func(t *testing.T) {
		w := placed(t)
		for _, s := range []string{"start", "ready", "complete"} {
			w.must(till, ctx, "fulfilment."+s, obj{"order": "o1"})
		}
		for _, by := range []hub.Caller{customer, till, agent, service} {
			w.refused("too_late_to_cancel", by, ctx, "order.cancel", obj{"order": "o1", "reason": "x"})
		}
	})
	t.Run("takes no points that were spent", func(t *testing.T) {
		w := placed(t) // 181 points, 6 of them earned
		w.must(service, ctx, "loyalty.adjust", obj{"points": -181, "reason": "gift"})
		w.must(agent, ctx, "order.cancel", obj{"order": "o1", "reason": "asked"})
		w.want(ctx, "loyalty", obj{"balance": 19, "ledger.6.points": -6})
	})
	t.Run("notes the earned points that were spent already", func(t *testing.T) {
		w := shopWorld(t)
		w.fill()
		w.place(till, 900, obj{"t": card(900)})
		w.must(service, ctx, "loyalty.adjust", obj{"points": -205, "reason": "gift"})
		w.must(till, ctx, "order.cancel", obj{"order": "o1", "reason": "asked"})
		w.want(ctx, "loyalty", obj{"balance": 0, "earned": 5, "ledger.4.points": -4, "ledger.4.short": 5})
	})
	t.Run("of a rejected order is still the customer's right", func(t *testing.T) {
		w := placed(t)
		w.must(till, ctx, "fulfilment.reject", obj{"order": "o1", "reason": "out_of_stock"})
		w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "failed", "order_state": "confirmed"})
		w.want(s1, "sku/latte", obj{"available": 0, "reserved": 0}) // the picker found none
		w.must(customer, ctx, "order.cancel", obj{"order": "o1"})
	})
}
