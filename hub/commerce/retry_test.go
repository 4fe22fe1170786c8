package commerce_test

import (
	"testing"
	"time"

	"github.com/samepage/samepage/hub/commerce"
)

// A retry is answered what the first send was, also where the same arguments
// would now be no good: a name that is taken is taken by the command itself.
func TestARetryIsAnsweredWhatTheFirstSendWas(t *testing.T) {
	w := newTown(t, commerce.Config{})
	w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "line": "l1", "sku": "z", "quantity": 2})
	v := versions{"cart/ca1": w.entries(ctx)["cart/ca1"].Version}
	w.must(customer, ctx, "order.place", obj{"cart": "ca1", "order": "o1", "expected_total": usd(200), "fulfilment": pickup("s1"), "tenders": obj{"t1": card(200)}}, v)
	w.must(service, ctx, "order.void", obj{"order": "o1", "tender": "t1"})
	for range 2 {
		a := w.send(service, ctx, "order.add_tender", "once", obj{"order": "o1", "tender": "t2", "type": "card", "amount": usd(200)}, nil)
		if a.Problem != nil {
			t.Fatalf("%v %s", a.Problem, show(a.Problem.Details))
		}
	}
	w.want(ctx, "order/o1", obj{"payment_state": "paid"})

	until := w.now.Add(time.Minute)
	for range 2 { // also once the time is over
		if a := w.send(till, s1, "store.set_acceptance", "pause", obj{"acceptance": "paused", "until": until}, nil); a.Problem != nil {
			t.Fatalf("%v %s", a.Problem, show(a.Problem.Details))
		}
		w.later(time.Hour)
	}
	w.want(s1, "store", obj{"acceptance": "accepting"})

	w.must(customer, ctx, "context.check_in_code", nil)
	code := w.at(ctx, "check_in", "code")
	for range 2 {
		a := w.send(till, "", "context.check_in", "in", obj{"code": code}, nil)
		if in, ok := a.Result.(commerce.CheckedIn); !ok || in.Context != "c-42" {
			t.Fatalf("%+v", a)
		}
	}
	w.refused(commerce.CodeCodeExpired, otherTill, "", "context.check_in", obj{"code": code})
}
