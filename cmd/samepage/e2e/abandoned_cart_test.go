package e2e

import (
	"fmt"
	"testing"
)

// Scenario 5. B consented to marketing, adds on the phone, looks on the
// laptop, and leaves it at that for the idle window.
func TestScenario5AbandonedCartFollowUp(t *testing.T) {
	onBothEngines(t, `{"commerce":{"abandon":"1500ms"}}`, scenario5AbandonedCartFollowUp)
}

func scenario5AbandonedCartFollowUp(t *testing.T, s *shop) {
	open := func(name, consent string) (channel, tok string) {
		channel, tok = "context:"+name, token(fmt.Sprintf(`{"sub":%q,"role":"customer"}`, name))
		if consent != "" {
			s.must(tok, "profile.set_consent", channel, fmt.Sprintf(`{"type":"marketing","status":%q}`, consent), "")
		}
		s.must(tok, "cart.add_line", channel, `{"cart":"ca1","line":"l1","sku":"x","quantity":1}`, "")
		return channel, tok
	}
	buy := func(channel, tok string) {
		s.must(tok, "order.place", channel, fmt.Sprintf(`{"cart":"ca1","order":"o1","expected_total":%s,"fulfilment":{"type":"pickup","store":"s1"},
			"tenders":{"t1":{"type":"card","amount":%s}}}`, usd(1000), usd(1000)), s.at(channel, "cart/ca1"))
	}

	bought, boughtToken := open("bought", "grant")
	buy(bought, boughtToken) // within the window
	denied, _ := open("denied", "deny")
	silent, _ := open("silent", "")
	ben, benToken := open("ben", "grant")
	phone, laptop := s.connect(t, benToken), s.connect(t, benToken)
	phone.subscribe(ben)
	laptop.subscribe(ben)

	s.crash() // the timer is neither lost nor doubled
	phone = s.connect(t, benToken)
	phone.subscribe(ben)
	s.want(ben, "activity", "items|1|kind", "cart.abandoned")

	// Whoever began later is told of later: by then the others would have been.
	later, _ := open("later", "grant")
	s.want(later, "activity", "items|1|kind", "cart.abandoned")
	for channel, want := range map[string]int{ben: 1, bought: 0, denied: 0, silent: 0, later: 1} {
		if n := s.count(channel, "cart.abandoned"); n != want {
			t.Errorf("%s was left behind %d times, want %d", channel, n, want)
		}
	}

	// He returns from the link on a third device, finds the same cart and buys.
	tablet := s.connect(t, benToken)
	if back := tablet.subscribe(ben); field(back.Data.Entries["cart/ca1"].Doc, "lines|l1|quantity") != 1 {
		t.Errorf("the tablet finds %s", back.Data.Entries["cart/ca1"].Doc)
	}
	buy(ben, benToken)
	tablet.saw(ben, "cart.recovered")
	if n := s.count(ben, "cart.recovered"); n != 1 {
		t.Errorf("recovered %d times", n)
	}
	if n := s.count(bought, "cart.recovered"); n != 0 {
		t.Errorf("a cart that nobody left behind is recovered")
	}
}
