package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// A code is what the backend says it is; while the backend is away the cart
// goes on, codes and orders with codes wait, and the buyer is told why.
func TestCodesAreTheBackendsToDecide(t *testing.T) {
	var away atomic.Bool
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Data struct {
				Cart struct {
					Total struct{ Amount int }
				}
				Codes []string
			}
		}
		if away.Load() || json.NewDecoder(r.Body).Decode(&q) != nil || r.Header.Get("webhook-signature") == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		codes := map[string]any{}
		for _, code := range q.Data.Codes {
			if code == "TEN" {
				codes[code] = map[string]any{"cart": map[string]any{"amount": q.Data.Cart.Total.Amount / 10, "currency": "USD"}}
			} else {
				codes[code] = map[string]any{"reason": "it has expired"}
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"codes": codes})
	}))
	defer backend.Close()
	s := openShop(t, fmt.Sprintf(`{"hooks":{"price":{"url":%q,"secret":"whsec_MDEyMzQ1Njc4OWFiY2RlZg=="}}}`, backend.URL))
	app := s.connect(t, mayaToken)
	app.subscribe(maya)
	app.accepted("cart.add_line", maya, s.id(), `{"cart":"ca1","line":"l1","sku":"x","quantity":1}`)

	if a := s.refused("code_not_applicable", mayaToken, "cart.apply_code", maya, `{"code":"OLD"}`, ""); a.field("details|reason") != "it has expired" {
		t.Errorf("the old code is answered by %s", a.body)
	}
	app.accepted("cart.apply_code", maya, s.id(), `{"code":"TEN"}`)
	app.saw(maya, "cart.code_applied")
	if !app.shows(maya, "cart/ca1", "total|amount", 900) || !app.shows(maya, "cart/ca1", "codes|TEN|amount|amount", 100) {
		t.Error("the app does not show what the code takes off")
	}

	away.Store(true)
	if a := s.refused("unavailable", mayaToken, "cart.apply_code", maya, `{"code":"OTHER"}`, ""); a.status != 503 {
		t.Errorf("a backend that is away is answered by %d %s", a.status, a.body)
	}
	s.must(mayaToken, "cart.set_quantity", maya, `{"line":"l1","quantity":2}`, "")
	if got := s.entry(maya, "cart/ca1", "total|amount"); got != 1900 {
		t.Errorf("the cart comes to %v", got)
	}
	place := fmt.Sprintf(`{"cart":"ca1","order":"o1","expected_total":%s,"fulfilment":{"type":"pickup","store":"s1"},"tenders":{"t1":{"type":"card","amount":%s}}}`, usd(1800), usd(1800))
	s.refused("unavailable", mayaToken, "order.place", maya, place, s.at(maya, "cart/ca1"))

	away.Store(false)
	s.must(mayaToken, "order.place", maya, place, s.at(maya, "cart/ca1"))
	if got := s.entry(maya, "order/o1", "codes|TEN|amount|amount"); got != 200 {
		t.Errorf("the order says that the code took off %v", got)
	}
}
