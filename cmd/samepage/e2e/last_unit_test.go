package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Scenario 6. One is left. A marketplace's import, an order from the web and
// an order at the till come at once.
func TestScenario6LastUnitRace(t *testing.T) { onBothEngines(t, "", scenario6LastUnitRace) }

func scenario6LastUnitRace(t *testing.T, s *shop) {
	var walkIn, web, webToken string
	placeArgs := func(cart, order string) string {
		return fmt.Sprintf(`{"cart":%q,"order":%q,"expected_total":%s,"fulfilment":{"type":"pickup","store":"s1"},"tenders":{"t1":{"type":"card","amount":%s}}}`,
			cart, order, usd(1000), usd(1000))
	}
	won := map[string]int{}
	for i := range raceRuns() {
		if i%50 == 0 { // a customer has 200 open orders at most
			walkIn, web = fmt.Sprintf("context:walk-in-%d", i), fmt.Sprintf("context:web-%d", i)
			webToken = customer(web)
			s.checkIn(walkIn, customer(walkIn), tillToken)
		}
		sku := fmt.Sprintf("u%d", i)
		cart, order, external := "ca-"+sku, "o-"+sku, "ext-"+sku
		s.price(sku, 1000)
		s.backend("stock.count", "store:s1", fmt.Sprintf(`{"sku":%q,"on_hand":1}`, sku))
		line := fmt.Sprintf(`{"cart":%q,"line":"l1","sku":%q,"quantity":1}`, cart, sku)
		webCart := s.must(webToken, "cart.add_line", web, line, "")
		tillCart := s.must(tillToken, "cart.add_line", walkIn, line, "")
		imported := fmt.Sprintf(`{"marketplace":"m","external_id":%q,"lines":{"l1":{"sku":%q,"quantity":1,"price":%s}},"fulfilment":{"type":"pickup","store":"s1"}}`, external, sku, usd(1000))
		market := "context:market-" + sku

		send := func(tok, method, on, id, args, versions string) answer {
			return s.call("POST", "/v1/commands/"+method, tok, fmt.Sprintf(`{"id":%q,"on":%q,"args":%s,"if_version":%s}`, id, on, args, versions))
		}
		var fromWeb, fromTill, fromMarket answer
		var race sync.WaitGroup
		importing := func() { fromMarket = send("", "order.import", market, "market-"+sku, imported, "{}") }
		if i%5 == 4 { // the marketplace is first, for once
			importing()
			s.want("store:s1", "sku/"+sku, "reserved", 1)
		} else {
			race.Go(importing)
		}
		race.Go(func() {
			fromWeb = send(webToken, "order.place", web, "web-"+sku, placeArgs(cart, order), fmt.Sprintf(`{"cart/%s":%v}`, cart, webCart.field("offset")))
		})
		race.Go(func() {
			fromTill = send(tillToken, "order.place", walkIn, "till-"+sku, placeArgs(cart, order), fmt.Sprintf(`{"cart/%s":%v}`, cart, tillCart.field("offset")))
		})
		race.Wait()

		if fromMarket.status != 200 {
			t.Fatalf("%s: the marketplace's order is not recorded: %s", sku, fromMarket.body)
		}
		again := send("", "order.import", market, "again-"+sku, imported, "{}")
		if again.status != 200 || s.count(market, "order.imported") != 1 {
			t.Errorf("%s: imported twice it is two orders", sku)
		}
		winners := 0
		for name, a := range map[string]struct {
			answer
			channel string
		}{"web": {fromWeb, web}, "till": {fromTill, walkIn}} {
			placed := s.entry(a.channel, "order/"+order, "order_state")
			switch {
			case a.status == 200 && (placed == "open" || placed == "confirmed"): // a till has its money at once
				winners++
				won[name]++
			case a.field("code") == "out_of_stock" && a.field("details|available") == 0 && placed == nil:
			default:
				t.Errorf("%s: %s is answered %d %s, its order is %v", sku, name, a.status, a.body, placed)
			}
		}
		if winners > 1 {
			t.Fatalf("%s: the last one was promised twice", sku)
		}
		if winners == 0 {
			won["market"]++
		}
		// Counts, reservations and the log agree: what is promised twice is said to be short.
		s.want("store:s1", "sku/"+sku, "reserved", 1+winners)
		s.want("store:s1", "sku/"+sku, "on_hand", 1)
		if short := s.entry("store:s1", "shortfall/"+sku, "short"); winners == 1 && short != 1 || winners == 0 && short != nil {
			t.Errorf("%s: %d winners beside the marketplace, and the shortfall is %v", sku, winners, short)
		}
		// The till that came late learns whose it is; with the goods in hand it sells them all the same.
		if fromTill.status == 200 {
			continue
		}
		if holder := fromTill.field("details|reserved_for|order"); holder != order && holder != "m:"+external {
			t.Errorf("%s: the till learns that it is reserved for %v", sku, holder)
		}
		forced := strings.Replace(placeArgs(cart, order), "{", `{"force":true,`, 1)
		if a := send(tillToken, "order.place", walkIn, "forced-"+sku, forced, fmt.Sprintf(`{"cart/%s":%v}`, cart, tillCart.field("offset"))); a.status != 200 {
			t.Errorf("%s: in hand, and yet: %s", sku, a.body)
		}
		s.want("store:s1", "shortfall/"+sku, "short", 1+winners)
	}
	t.Logf("won: %v", won)
}
