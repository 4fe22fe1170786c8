package e2e

import (
	"fmt"
	"testing"
	"time"
)

// Scenario 10. X costs 10.00 in a cart that is open on two devices; a backend
// publishes 12.00.
func TestScenario10PriceChangeInCart(t *testing.T) { onBothEngines(t, "", scenario10PriceChangeInCart) }

func scenario10PriceChangeInCart(t *testing.T, s *shop) {
	phone, laptop := s.connect(t, mayaToken), s.connect(t, mayaToken)
	phone.subscribe(maya)
	laptop.subscribe(maya)
	phone.accepted("cart.add_line", maya, s.id(), `{"cart":"ca1","line":"l1","sku":"x","quantity":1}`)
	frozen := "context:frozen"
	frozenToken := token(`{"sub":"frozen","role":"customer"}`)
	s.must(frozenToken, "cart.add_line", frozen, `{"cart":"ca9","line":"l1","sku":"x","quantity":1}`, "")
	s.must(frozenToken, "cart.freeze", frozen, `{"cart":"ca9"}`, s.at(frozen, "cart/ca9"))

	s.price("x", 1200)

	// Both devices show old and new.
	for name, device := range map[string]*socket{"phone": phone, "laptop": laptop} {
		device.saw(maya, "cart.price_changed")
		for path, want := range map[string]int{"lines|l1|price_change|old|amount": 1000, "lines|l1|price_change|new|amount": 1200, "total|amount": 1200} {
			if !device.shows(maya, "cart/ca1", path, want) {
				t.Errorf("the %s does not show %s %d", name, path, want)
			}
		}
	}
	place := func(total int) answer {
		return s.as(mayaToken, "order.place", maya, fmt.Sprintf(`{"cart":"ca1","order":"o1","expected_total":%s,"fulfilment":{"type":"pickup","store":"s1"},
			"tenders":{"t1":{"type":"card","amount":%s}}}`, usd(total), usd(total)), s.at(maya, "cart/ca1"))
	}
	if a := place(1000); a.field("code") != "price_changed" || a.field("details|new|amount") != 1200 || a.field("details|lines|l1|old|amount") != 1000 {
		t.Errorf("the old total is answered by %s", a.body)
	}
	if a := place(1200); a.status != 200 {
		t.Errorf("the new total is answered by %s", a.body)
	}

	// A frozen cart keeps 10.00 until the freeze ends.
	if got := s.entry(frozen, "cart/ca9", "total|amount"); got != 1000 || s.count(frozen, "cart.price_changed") != 0 {
		t.Errorf("the frozen cart comes to %v", got)
	}
	s.must(frozenToken, "cart.unfreeze", frozen, `{"cart":"ca9"}`, s.at(frozen, "cart/ca9"))
	s.want(frozen, "cart/ca9", "total|amount", 1200)

	// An offline receipt keeps its price.
	now := time.Now().UTC()
	s.must(tillToken, "order.replay_sale", maya, fmt.Sprintf(`{"order":"d-1-7","number":"D1-7","occurred_at":%q,"sent_at":%q,
		"lines":{"l1":{"sku":"x","quantity":1,"price":%s}},"tenders":{"t1":{"type":"cash","amount":%s}}}`,
		now.Add(-time.Hour).Format(time.RFC3339), now.Format(time.RFC3339), usd(1000), usd(1000)), "")
	if got := s.entry(maya, "order/d-1-7", "total|amount"); got != 1000 {
		t.Errorf("the receipt comes to %v", got)
	}

	// The flow forgets nothing when the program is killed between a price and the carts.
	other := "context:other"
	s.must(token(`{"sub":"other","role":"customer"}`), "cart.add_line", other, `{"cart":"ca1","line":"l1","sku":"x","quantity":2}`, "")
	s.price("x", 1300)
	s.crash()
	s.want(other, "cart/ca1", "total|amount", 2600)
	if n := s.count(other, "cart.price_changed"); n != 1 {
		t.Errorf("the price change is told %d times", n)
	}
}
