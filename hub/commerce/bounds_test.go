package commerce_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/samepage/samepage/hub"
)

// A timeline or ledger that is full of long texts drops the oldest ones; it never stops an order.
func TestWhatACustomerDidNeverStopsAnOrder(t *testing.T) {
	w := shopWorld(t)
	w.must(customer, ctx, "profile.set_consent", obj{"type": "analytics", "status": "grant"})
	for i := range 80 {
		w.must(customer, ctx, "activity.track", obj{"event": fmt.Sprintf("Product Viewed %d", i), "properties": obj{"text": strings.Repeat("x", 2000)}})
		w.must(service, ctx, "loyalty.adjust", obj{"points": 1, "reason": strings.Repeat("😀", 500)})
	}
	w.fill()
	w.place(till, 900, obj{"t": cash(900)})
	w.want(ctx, "order/o1", obj{"order_state": "confirmed", "points_earned": 9})
	w.want(ctx, "loyalty", obj{"balance": 200 + 80 + 9})
	for _, key := range []string{"activity", "loyalty"} {
		if n := len(w.states[ctx].Entries[key].Doc); n > hub.MaxDocument {
			t.Errorf("%s has %d bytes", key, n)
		}
	}
	w.want(ctx, "activity", obj{"last": 81, "items.81.kind": "order.placed", "items.80.summary": "Product Viewed 79"})
}
