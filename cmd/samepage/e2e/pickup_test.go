package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// pickupOrder makes an order of the cart that is named after it.
func pickupOrder(order, store string, total int, tenders string) string {
	return fmt.Sprintf(`{"cart":"ca-%[1]s","order":%[1]q,"expected_total":%[2]s,"fulfilment":{"type":"pickup","store":%[3]q},"tenders":%[4]s}`,
		order, usd(total), store, tenders)
}

// Scenario 1. Customer A has 180 points, 25 of them are a drink; store S1 has a board.
func TestScenario1StarbucksLoop(t *testing.T) { onBothEngines(t, "", scenario1StarbucksLoop) }

func scenario1StarbucksLoop(t *testing.T, s *shop) {
	s.price("latte", 460)
	s.backend("loyalty.adjust", maya, `{"points":180,"reason":"welcome"}`)
	app, till := s.connect(t, mayaToken), s.connect(t, tillToken)
	app.subscribe(maya)
	till.subscribe(board)

	// She orders with 25 points and 2.10 by card; the order is sent three times.
	app.accepted("cart.add_line", maya, s.id(), `{"cart":"ca-o1","line":"l1","sku":"latte","quantity":1}`)
	place := pickupOrder("o1", "s1", 460, `{"t1":{"type":"points","points":25},"t2":{"type":"card","amount":`+usd(210)+`}}`)
	id, versions := s.id(), s.at(maya, "cart/ca-o1")
	for i := range 3 {
		if a := app.versioned("order.place", maya, id, place, versions); a.field("problem") != nil || (a.field("replayed") == true) != (i > 0) {
			t.Fatalf("order.place: %s", a.body)
		}
	}
	eventually(t, "the board shows it in New", func() bool { return till.shows(board, "order/o1", "column", "new") })
	s.backend("order.capture", maya, `{"order":"o1","tender":"t2"}`)
	app.saw(maya, "order.tender_captured")
	if !app.shows(maya, "order/o1", "order_state", "confirmed") || s.entry(maya, "order/o1", "promised_at") == nil {
		t.Error("the app does not show that it is confirmed, and for when")
	}
	if !app.shows(maya, "loyalty", "balance", 155+2) {
		t.Errorf("the app does not show 157 points; the hub has %v", s.entry(maya, "loyalty", "balance"))
	}

	// Every step reaches the app.
	steps := []struct{ method, args, event string }{
		{"fulfilment.start", `{"order":"o1"}`, "fulfilment.started"},
		{"fulfilment.ready", `{"order":"o1"}`, "fulfilment.ready"},
		{"fulfilment.arrive", `{"order":"o1","details":"red car"}`, "fulfilment.arrived"},
		{"fulfilment.complete", `{"order":"o1","collect_code":"` + fmt.Sprint(s.collectCode("o1")) + `"}`, "fulfilment.completed"},
	}
	last := 0
	for _, step := range steps {
		who := till
		if step.method == "fulfilment.arrive" {
			who = app
		}
		who.accepted(step.method, maya, s.id(), step.args)
		at := app.saw(maya, step.event)
		if at <= last {
			t.Errorf("%s comes at %d, after %d", step.event, at, last)
		}
		last = at
	}
	eventually(t, "the board knows that she is here and that it is done", func() bool {
		return till.shows(board, "order/o1", "customer_here", true) && till.shows(board, "order/o1", "column", "done")
	})

	// Cancelled before Making: the 25 come back and what was earned is reversed.
	app.accepted("cart.add_line", maya, s.id(), `{"cart":"ca-o2","line":"l1","sku":"latte","quantity":1}`)
	s.must(mayaToken, "order.place", maya, strings.ReplaceAll(place, "o1", "o2"), s.at(maya, "cart/ca-o2"))
	s.backend("order.capture", maya, `{"order":"o2","tender":"t2"}`)
	s.want(maya, "loyalty", "balance", 157-25+2)
	app.accepted("order.cancel", maya, s.id(), `{"order":"o2"}`)
	s.want(maya, "loyalty", "balance", 157)

	// A paused store takes nothing, before any charge.
	s.backend("store.set_acceptance", "store:s1", `{"acceptance":"paused"}`)
	app.accepted("cart.add_line", maya, s.id(), `{"cart":"ca-o3","line":"l1","sku":"latte","quantity":1}`)
	s.refused("store_not_accepting", mayaToken, "order.place", maya, strings.ReplaceAll(place, "o1", "o3"), s.at(maya, "cart/ca-o3"))
	if s.entry(maya, "order/o3", "number") != nil || s.entry(maya, "loyalty", "balance") != 157 {
		t.Error("the refused order left something behind")
	}
}

// collectCode is the code of a pickup, as the customer sees it.
func (s *shop) collectCode(order string) any {
	return s.call("GET", "/v1/channels/"+maya, mayaToken, "").field("entries|order/" + order + "|doc|fulfilments|f1|collect_code")
}

// Scenario 3. X shows 3 at S2; the picker does not find it.
func TestScenario3BuyOnlineItemMissing(t *testing.T) {
	onBothEngines(t, `{"care":{"queues":{"support":{}}}}`, scenario3BuyOnlineItemMissing)
}

func scenario3BuyOnlineItemMissing(t *testing.T, s *shop) {
	s.backend("stock.count", "store:s2", `{"sku":"x","on_hand":3}`)
	s.backend("stock.count", "store:s3", `{"sku":"x","on_hand":5}`)
	picker, other := token(`{"sub":"till-2","role":"pos","store":"s2"}`), token(`{"sub":"till-3","role":"pos","store":"s3"}`)
	app := s.connect(t, mayaToken)
	app.subscribe(maya)
	app.accepted("conversation.open", maya, s.id(), `{"conversation":"v1","channel":"web","queue":"support"}`)
	app.accepted("cart.add_line", maya, s.id(), `{"cart":"ca-o1","line":"l1","sku":"x","quantity":1}`)
	s.must(mayaToken, "order.place", maya, pickupOrder("o1", "s2", 1000, `{"t1":{"type":"card","amount":`+usd(1000)+`}}`), s.at(maya, "cart/ca-o1"))
	s.backend("order.capture", maya, `{"order":"o1","tender":"t1"}`)

	s.must(picker, "fulfilment.reject", maya, `{"order":"o1","reason":"out_of_stock"}`, "")
	app.saw(maya, "fulfilment.rejected")
	if !app.shows(maya, "order/o1", "fulfilments|f1|state", "failed") || !app.shows(maya, "order/o1", "payment_state", "paid") {
		t.Error("the app does not show that it failed and is paid")
	}
	s.want("store:s2", "sku/x", "available", 0)
	s.want("store:s2", "sku/x", "reserved", 0)

	// She chooses S3: the same order, no second charge.
	app.accepted("fulfilment.move", maya, s.id(), `{"order":"o1","store":"s3"}`)
	s.want("store:s3", "sku/x", "available", 4)
	s.want("board:s3", "order/o1", "column", "new")
	if s.entry(maya, "order/o1", "paid|amount") != 1000 || s.entry(maya, "order/o1", "due|amount") != 0 || s.entry(maya, "order/o1", "tenders|t2") != nil {
		t.Error("she was charged again")
	}
	for _, step := range []string{"start", "ready", "complete"} {
		s.must(other, "fulfilment."+step, maya, `{"order":"o1"}`, "")
	}
	s.want(maya, "order/o1", "order_state", "complete")

	// The desk sees the trail.
	desk := s.call("GET", "/v1/channels/"+maya, annaToken, "")
	trail, _ := desk.field("entries|activity|doc|items").(map[string]any)
	var kinds []string
	for i := 1; i <= len(trail); i++ {
		item, _ := trail[fmt.Sprint(i)].(map[string]any)
		kinds = append(kinds, fmt.Sprint(item["kind"]))
	}
	for _, want := range []string{"order.placed", "fulfilment.rejected", "fulfilment.moved", "fulfilment.completed"} {
		if !strings.Contains(strings.Join(kinds, " "), want) {
			t.Errorf("the desk sees %v, not %s", kinds, want)
		}
	}
}

// Scenario 4. A shipped order of two lines, paid by card and points, comes
// back in part to a store that never had it.
func TestScenario4OnlineOrderReturnedInStore(t *testing.T) {
	onBothEngines(t, `{"care":{"queues":{"support":{}}}}`, scenario4OnlineOrderReturnedInStore)
}

func scenario4OnlineOrderReturnedInStore(t *testing.T, s *shop) {
	s.price("coat", 3000)
	s.price("hat", 2000)
	for _, store := range []string{"w1", "s1"} {
		for _, sku := range []string{"coat", "hat"} {
			s.backend("stock.count", "store:"+store, fmt.Sprintf(`{"sku":%q,"on_hand":5}`, sku))
		}
	}
	s.backend("loyalty.adjust", maya, `{"points":100,"reason":"welcome"}`)
	app := s.connect(t, mayaToken)
	app.subscribe(maya)
	app.accepted("conversation.open", maya, s.id(), `{"conversation":"v1","channel":"web","queue":"support"}`)
	app.accepted("cart.add_line", maya, s.id(), `{"cart":"ca1","line":"l1","sku":"coat","quantity":1}`)
	app.accepted("cart.add_line", maya, s.id(), `{"cart":"ca1","line":"l2","sku":"hat","quantity":1}`)
	s.must(mayaToken, "order.place", maya, `{"cart":"ca1","order":"o1","expected_total":`+usd(5000)+`,
		"fulfilment":{"type":"shipment","store":"w1","address":{"line1":"1 Main St","city":"Springfield"}},
		"tenders":{"card":{"type":"card","amount":`+usd(4000)+`},"points":{"type":"points","points":100}}}`, s.at(maya, "cart/ca1"))
	s.backend("order.capture", maya, `{"order":"o1","tender":"card"}`)
	s.backend("fulfilment.start", maya, `{"order":"o1"}`)
	s.backend("fulfilment.pack", maya, `{"order":"o1"}`)
	s.backend("fulfilment.ship", maya, `{"order":"o1","carrier":"Post","tracking":"T1"}`)
	s.backend("fulfilment.deliver", maya, `{"order":"o1"}`)
	s.want("store:w1", "sku/coat", "on_hand", 4)
	before := s.entry(maya, "loyalty", "balance").(int) // what the card earned

	// She shows her code at S1, whose till then may.
	receive := `{"order":"o1","return":"r1","store":"s1","lines":{"l1":1},"reason":"too small"}`
	s.refused("forbidden", tillToken, "return.receive", maya, receive, "")
	s.checkIn(maya, mayaToken, tillToken)
	s.must(tillToken, "return.receive", maya, receive, "")
	s.refused("return_quantity_exceeded", tillToken, "return.receive", maya, strings.ReplaceAll(receive, "r1", "r2"), "")
	s.must(tillToken, "return.refund", maya, `{"order":"o1","return":"r1"}`, "")
	if got := []any{s.entry(maya, "order/o1", "tenders|card|refunded|amount"), s.entry(maya, "order/o1", "tenders|points|refunded|amount"), s.entry(maya, "order/o1", "tenders|points|points_returned")}; fmt.Sprint(got) != "[2400 600 60]" {
		t.Errorf("refunded %v by card, %v in points (%v)", got[0], got[1], got[2])
	}
	if got := s.entry(maya, "loyalty", "balance"); got != before+60-24 {
		t.Errorf("the balance was %d and is %v", before, got) // 60 back, 24 that the card earned reversed
	}
	s.must(tillToken, "return.restock", maya, `{"order":"o1","return":"r1"}`, "")
	s.want(maya, "order/o1", "returns|r1|state", "back_in_stock")
	s.want("store:s1", "sku/coat", "on_hand", 6)
	s.want("store:w1", "sku/coat", "on_hand", 4)
	app.saw(maya, "return.restocked")
	if got := s.call("GET", "/v1/channels/"+maya, annaToken, "").field("entries|order/o1|doc|returns|r1|state"); got != "back_in_stock" {
		t.Errorf("the desk sees %v", got)
	}
}
