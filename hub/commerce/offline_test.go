package commerce_test

import (
	"maps"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// offline adds to arguments that it was done so long ago, by a clock that is seven minutes fast.
func (w *world) offline(args obj, ago time.Duration) obj {
	wrong := w.now.Add(7 * time.Minute)
	all := obj{"occurred_at": wrong.Add(-ago), "sent_at": wrong}
	maps.Copy(all, args)
	return all
}

// o1 is the arguments of a step of the order o1.
func o1() obj { return obj{"order": "o1"} }

func TestStepsThatWereTakenOffline(t *testing.T) {
	w := placed(t)
	w.later(20 * time.Minute)
	e := w.must(till, ctx, "fulfilment.start", w.offline(o1(), 15*time.Minute))
	if want := hub.At(w.now.Add(-15 * time.Minute)); e.OccurredAt == nil || *e.OccurredAt != want {
		t.Errorf("it occurred at %v, want %v", e.OccurredAt, want)
	}
	w.must(till, ctx, "fulfilment.ready", w.offline(o1(), 10*time.Minute))
	w.want(ctx, "order/o1", obj{
		"fulfilments.f1.state": "prepared", "fulfilments.f1.accepted_at": "2026-11-23T09:05:00.000Z", "fulfilments.f1.ready_at": "2026-11-23T09:10:00.000Z",
	})
	w.want(s1, "sku/latte", obj{"on_hand": 18, "reserved": 0})

	// What was done already changes nothing, and its time stays; also what is behind.
	for _, step := range []string{"start", "ready"} {
		if e := w.must(till, ctx, "fulfilment."+step, w.offline(o1(), time.Minute)); e != nil {
			t.Errorf("%s again made %s", step, e.Type)
		}
	}
	w.refused(hub.CodeInvalidTransition, till, ctx, "fulfilment.start", o1()) // online it is refused
	w.want(ctx, "order/o1", obj{"fulfilments.f1.ready_at": "2026-11-23T09:10:00.000Z"})
	w.must(till, ctx, "fulfilment.recall", w.offline(o1(), 9*time.Minute)) // the only way back
	w.must(till, ctx, "fulfilment.ready", w.offline(o1(), 8*time.Minute))

	// Handed over at two tills: the first that is told counts, the second learns who it was.
	w.must(till, ctx, "fulfilment.complete", w.offline(o1(), 2*time.Minute))
	if e := w.must(till, ctx, "fulfilment.complete", w.offline(o1(), time.Minute)); e != nil {
		t.Errorf("complete again made %s", e.Type)
	}
	second := till
	second.ID = "till-9"
	details := w.refused(hub.CodeInvalidTransition, second, ctx, "fulfilment.complete", w.offline(o1(), time.Minute))
	if by, _ := details["by"].(obj); details["from"] != "completed" || details["at"] != "2026-11-23T09:18:00.000Z" || by["id"] != "till-1" {
		t.Errorf("details are %v", details)
	}
	w.must(till, ctx, "fulfilment.undo", w.offline(o1(), 90*time.Second)) // 30 s after it was handed over
	w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "prepared"})
}

func TestWhatIsMadeOfflineOvertakesWhatIsCalledOff(t *testing.T) {
	called := func(t *testing.T) *world { // off at 09:10, and it is 09:20
		w := placed(t)
		w.later(10 * time.Minute)
		w.must(customer, ctx, "order.cancel", o1())
		w.later(10 * time.Minute)
		w.want(s1, "sku/latte", obj{"on_hand": 20, "reserved": 0})
		return w
	}
	t.Run("before it was begun: it stays called off", func(t *testing.T) {
		w := called(t)
		details := w.refused(hub.CodeInvalidTransition, till, ctx, "fulfilment.start", w.offline(o1(), 9*time.Minute))
		if by, _ := details["by"].(obj); details["from"] != "canceled" || by["role"] != "customer" {
			t.Errorf("details are %v", details)
		}
		w.want(ctx, "order/o1", obj{"order_state": "cancelled"})
	})
	t.Run("after it was begun: it is made", func(t *testing.T) {
		w := called(t)
		w.must(till, ctx, "fulfilment.start", w.offline(o1(), 12*time.Minute))
		w.want(ctx, "order/o1", obj{
			"order_state": "open", "payment_state": "balance_due", "due.amount": 250, "cancelled": nil, // the points went back
			"fulfilments.f1.state": "reserved", "fulfilments.f1.attention": commerce.AttentionCalledOff, "fulfilments.f1.reason": nil,
		})
		w.want(s1, "sku/latte", obj{"on_hand": 18, "reserved": 0})
		w.must(till, ctx, "fulfilment.ready", w.offline(o1(), 5*time.Minute))
		w.must(till, ctx, "fulfilment.complete", w.offline(o1(), 4*time.Minute))
		w.must(till, ctx, "order.add_tender", obj{"order": "o1", "tender": "t3", "type": "cash", "amount": usd(250)})
		w.want(ctx, "order/o1", obj{"order_state": "complete", "payment_state": "paid", "points_earned": nil})
		w.later(48 * time.Hour)
		w.want(s1, "sku/latte", obj{"on_hand": 18, "reserved": 0})
	})
	t.Run("and the shop may call it off again", func(t *testing.T) {
		w := called(t)
		w.must(till, ctx, "fulfilment.start", w.offline(o1(), 12*time.Minute))
		w.must(till, ctx, "order.cancel", obj{"order": "o1", "reason": "thrown away"})
		w.must(till, ctx, "return.refund", o1())
		w.want(ctx, "order/o1", obj{"order_state": "cancelled", "paid.amount": 0, "fulfilments.f1.attention": nil})
		w.want(ctx, "loyalty", obj{"balance": 200})
	})
	t.Run("a step of what was begun online", func(t *testing.T) {
		w := placed(t)
		w.must(till, ctx, "fulfilment.start", o1())
		w.later(10 * time.Minute)
		w.must(agent, ctx, "order.cancel", obj{"order": "o1", "reason": "asked to"})
		w.later(10 * time.Minute)
		w.must(till, ctx, "fulfilment.ready", w.offline(o1(), 5*time.Minute))
		w.want(ctx, "order/o1", obj{"fulfilments.f1.state": "prepared", "fulfilments.f1.attention": commerce.AttentionCalledOff})
		w.want(s1, "sku/latte", obj{"on_hand": 18, "reserved": 0})
	})
}

func TestASaleThatWasMadeOffline(t *testing.T) {
	sale := func(price int64, tenders obj) obj {
		return obj{"order": "d1-7", "number": "D1-7", "tenders": tenders, "lines": obj{"l1": obj{"sku": "latte", "quantity": 2, "price": usd(price)}}}
	}
	t.Run("keeps its price, and says that there is another one", func(t *testing.T) {
		w := placed(t)
		e := w.must(till, ctx, "order.replay_sale", w.offline(sale(400, obj{"t1": cash(1000)}), 15*time.Minute))
		if e.OccurredAt == nil || !e.OccurredAt.Equal(w.now.Add(-15*time.Minute)) {
			t.Errorf("it occurred at %v", e.OccurredAt)
		}
		w.want(ctx, "order/d1-7", obj{
			"number": "D1-7", "total.amount": 800, "order_state": "complete", "lines.l1.price.amount": 400, "lines.l1.price_change.new.amount": 450,
			"tenders.t1.offline": true, "tenders.t1.change.amount": 200, "placed_offline_at": "2026-11-23T08:45:00.000Z", "clock_skew": nil,
		})
		if e := w.must(till, ctx, "order.replay_sale", w.offline(sale(400, obj{"t1": cash(1000)}), 15*time.Minute)); e != nil {
			t.Error("told twice it is two sales")
		}
		w.want(s1, "sku/latte", obj{"on_hand": 18})
	})
	t.Run("is noticed where its time cannot be", func(t *testing.T) {
		for _, ago := range []time.Duration{-time.Minute, 25 * time.Hour} {
			w := placed(t)
			w.must(till, ctx, "order.replay_sale", w.offline(sale(450, obj{"t1": cash(900)}), ago))
			w.want(ctx, "order/d1-7", obj{"clock_skew": true})
		}
	})
	t.Run("by a card that is declined after all", func(t *testing.T) {
		w := placed(t)
		w.must(till, ctx, "order.replay_sale", w.offline(sale(450, obj{"t1": card(600), "t2": cash(300)}), time.Minute))
		w.want(ctx, "loyalty", obj{"balance": 181 + 9})
		w.refused(hub.CodeInvalidTransition, service, ctx, "order.void", obj{"order": "d1-7", "tender": "t1"})
		w.refused(hub.CodeInvalidTransition, service, ctx, "order.void", obj{"order": "d1-7", "tender": "t2", "declined": true})
		w.must(service, ctx, "order.void", obj{"order": "d1-7", "tender": "t1", "declined": true})
		w.want(ctx, "order/d1-7", obj{"tenders.t1.status": "declined", "payment_state": "balance_due", "due.amount": 600, "order_state": "complete"})
		w.want(ctx, "loyalty", obj{"balance": 181 + 3})
		w.must(till, ctx, "order.add_tender", obj{"order": "d1-7", "type": "cash", "amount": usd(600)})
		w.want(ctx, "order/d1-7", obj{"payment_state": "paid"})
	})
	t.Run("takes what was promised, of the newest that is not paid", func(t *testing.T) {
		w := placed(t) // o1, paid, holds two
		w.must(service, s1, "stock.count", obj{"sku": "latte", "on_hand": 4}, w.version(s1, "sku/latte"))
		w.later(time.Minute)
		w.must(customer, ctx, "cart.add_line", obj{"cart": "ca2", "sku": "latte", "quantity": 2})
		w.must(customer, ctx, "order.place", obj{"cart": "ca2", "order": "o2", "expected_total": usd(900), "fulfilment": pickup("s1"), "tenders": obj{"t1": card(900)}}, w.version(ctx, "cart/ca2"))
		w.want(s1, "sku/latte", obj{"available": 0})
		w.must(till, ctx, "order.replay_sale", w.offline(sale(450, obj{"t1": cash(900)}), time.Minute))
		w.want(s1, "sku/latte", obj{"on_hand": 2, "reserved": 4, "available": -2})
		w.want(s1, "shortfall/latte", obj{"short": 2, "claim.order": "o2", "claim.paid": false})
		if last := w.logs[s1][len(w.logs[s1])-1]; last.Type != "stock.shortfall" {
			t.Errorf("the store is told %s", last.Type)
		}
		w.must(service, ctx, "order.capture", obj{"order": "o2", "tender": "t1"})
		w.must(till, s1, "stock.adjust", w.offline(obj{"sku": "latte", "delta": -1, "reason": "spilt"}, time.Hour))
		w.want(s1, "shortfall/latte", obj{"short": 3, "claim.order": "o2", "claim.paid": true}) // both are: the newest
	})
}

func TestTimesOfItsOwnAreATillsToTell(t *testing.T) {
	w := placed(t)
	w.refused(hub.CodeInvalid, till, ctx, "fulfilment.start", obj{"order": "o1", "occurred_at": w.now})
	w.refused(hub.CodeInvalid, till, ctx, "fulfilment.start", obj{"order": "o1", "sent_at": w.now})
	w.refused(hub.CodeInvalid, till, ctx, "order.replay_sale", obj{"order": "o2", "tenders": obj{"t": cash(1)}, "lines": obj{"l": obj{"sku": "x", "quantity": 1, "price": usd(1)}}})
	w.refused(hub.CodeInvalid, agent, ctx, "return.receive", w.offline(obj{"order": "o1", "store": "s1", "lines": obj{"l1": 1}}, time.Minute))
}

func TestAPickupThatNobodyBeginsIsLate(t *testing.T) {
	w := placed(t)
	w.later(8*time.Minute - time.Second)
	w.want(ctx, "order/o1", obj{"fulfilments.f1.late": nil})
	w.later(time.Second)
	w.want(ctx, "order/o1", obj{"fulfilments.f1.late": true, "fulfilments.f1.state": "proposed"})
	w.must(till, ctx, "fulfilment.start", o1())
	w.want(ctx, "order/o1", obj{"fulfilments.f1.late": nil})
	w.later(time.Hour)
	if n := w.told("fulfilment.marked_late"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// Staff who have the goods in hand sell them though they are promised.
func TestTheLastOneInHandIsSold(t *testing.T) {
	w := newTown(t, commerce.Config{})
	w.must(service, s1, "stock.count", obj{"sku": "z", "on_hand": 1})
	w.must(customer, ctx, "context.check_in_code", nil)
	w.must(till, "", "context.check_in", obj{"code": w.at(ctx, "check_in", "code")})
	w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "sku": "z", "quantity": 1})
	w.must(customer, ctx, "cart.add_line", obj{"cart": "ca2", "line": "l1", "sku": "z", "quantity": 1})
	order := func(cart string, force bool) (obj, versions) {
		return obj{
			"cart": cart, "order": "of-" + cart, "expected_total": usd(100), "fulfilment": pickup("s1"), "tenders": obj{"t1": card(100)}, "force": force,
		}, versions{"cart/" + cart: w.entries(ctx)["cart/"+cart].Version}
	}
	args, v := order("ca1", false)
	w.must(customer, ctx, "order.place", args, v)

	args, v = order("ca2", false)
	if details := w.refused("out_of_stock", customer, ctx, "order.place", args, v); details["reserved_for"] != nil {
		t.Errorf("a customer is told of another order: %v", details)
	}
	details := w.refused("out_of_stock", till, ctx, "order.place", args, v)
	if held, _ := details["reserved_for"].(obj); held["order"] != "of-ca1" || held["paid"] != false || details["available"] != 0.0 {
		t.Errorf("details are %v", details)
	}
	args, v = order("ca2", true)
	w.refused(hub.CodeForbidden, customer, ctx, "order.place", args, v)
	w.must(till, ctx, "order.place", args, v)
	w.want(s1, "sku/z", obj{"on_hand": 1, "reserved": 2, "available": -1})
	w.want(s1, "shortfall/z", obj{"short": 1, "claim|order": "of-ca1"})

	// A till's cart is held against its store; the same holds for what it puts there.
	w.refused("out_of_stock", till, ctx, "cart.add_line", obj{"cart": "ca3", "sku": "z", "quantity": 1})
	w.refused(hub.CodeForbidden, customer, ctx, "cart.add_line", obj{"cart": "ca3", "sku": "z", "quantity": 1, "force": true})
	w.must(till, ctx, "cart.add_line", obj{"cart": "ca3", "sku": "z", "quantity": 1, "force": true})
}

// A till that sends again says anew when: it is the same command all the same.
func TestASaleThatIsSentAgainIsTheSameOne(t *testing.T) {
	w := newTown(t, commerce.Config{})
	send := func(price int64) hub.Answer {
		defer func() { w.now = w.now.Add(time.Minute) }()
		return w.send(till, ctx, "order.replay_sale", "d1-7", obj{
			"order": "o1", "occurred_at": "2026-11-23T09:00:00Z", "sent_at": w.now, "lines": obj{"l": obj{"sku": "z", "quantity": 1, "price": usd(price)}}, "tenders": obj{"t": cash(price)},
		}, nil)
	}
	if first := send(100); first.Problem != nil || first.Replayed {
		t.Fatalf("%+v", first)
	}
	if again := send(100); again.Problem != nil || !again.Replayed {
		t.Errorf("sent again: %+v", again)
	}
	if other := send(101); other.Problem == nil || other.Problem.Code != hub.CodeCommandIDReused {
		t.Errorf("another sale under the same id: %+v", other)
	}
	w.want(ctx, "order/o1", obj{"total|amount": 100, "placed_offline_at": "2026-11-23T09:00:00.000Z"})
}
