package commerce_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
)

// worth is a backend that knows two codes and an old one: TEN takes a tenth
// off the cart, TEA half a dollar off each tea.
func worth(_ context.Context, topic string, question json.RawMessage) (json.RawMessage, error) {
	var q commerce.PriceQuestion
	if err := json.Unmarshal(question, &q); err != nil || topic != commerce.TopicPrice {
		return nil, fmt.Errorf("asked %s %s: %w", topic, question, err)
	}
	a := commerce.PriceAnswer{Codes: map[string]commerce.CodeAnswer{}}
	for _, code := range q.Codes {
		switch code {
		case "TEN":
			a.Codes[code] = commerce.CodeAnswer{Cart: commerce.Money{Amount: q.Cart.Total.Amount / 10, Currency: q.Cart.Currency}}
		case "TEA":
			lines := map[string]commerce.Money{}
			for id, line := range q.Cart.Lines {
				if line.Sku == "tea" {
					lines[id] = commerce.Money{Amount: 50 * line.Quantity, Currency: q.Cart.Currency}
				}
			}
			if len(lines) == 0 {
				a.Codes[code] = commerce.CodeAnswer{Reason: "there is no tea"}
				continue
			}
			a.Codes[code] = commerce.CodeAnswer{Lines: lines}
		case "OLD":
			a.Codes[code] = commerce.CodeAnswer{Reason: "it has expired"}
		case "ALL":
			a.Codes[code] = commerce.CodeAnswer{Cart: commerce.Money{Amount: 1 << 40, Currency: q.Cart.Currency}}
		case "BAD":
			a.Codes[code] = commerce.CodeAnswer{Cart: commerce.Money{Amount: 5, Currency: "JPY"}}
		}
	}
	return json.Marshal(a)
}

func away(context.Context, string, json.RawMessage) (json.RawMessage, error) {
	return nil, errors.New("connection refused")
}

func code(name string) obj { return obj{"cart": "ca1", "code": name} }

func TestCodes(t *testing.T) {
	tests := map[string]func(w *world){
		"a code takes off what the backend says, split over the lines so that they sum": func(w *world) {
			w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "line": "l2", "sku": "tea", "quantity": 1})
			w.must(customer, ctx, "cart.apply_code", code("TEN"))
			w.want(ctx, "cart/ca1", obj{
				"total.amount": 1080, "codes.TEN.amount.amount": 120, "lines.l1.discounts.TEN.amount": 90,
				"lines.l2.discounts.TEN.amount": 30, "lines.l1.total.amount": 810, "lines.l2.total.amount": 270,
			})
		},
		"a code that does not apply is refused with the backend's reason": func(w *world) {
			for name, reason := range map[string]string{"OLD": "it has expired", "NEW": "not known", "TEA": "there is no tea"} {
				if d := w.refused(commerce.CodeCodeNotApplicable, customer, ctx, "cart.apply_code", code(name)); d["reason"] != reason || d["code"] != name {
					w.Errorf("%v", d)
				}
			}
			w.want(ctx, "cart/ca1", obj{"codes": nil})
		},
		"what changes in the cart changes what a code is worth": func(w *world) {
			w.must(customer, ctx, "cart.apply_code", code("TEN"))
			w.must(customer, ctx, "cart.set_quantity", obj{"cart": "ca1", "line": "l1", "quantity": 4})
			w.want(ctx, "cart/ca1", obj{"total.amount": 1620, "codes.TEN.amount.amount": 180})
		},
		"a code that no longer applies stays, is worth nothing and says why": func(w *world) {
			w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "line": "l2", "sku": "tea", "quantity": 2})
			w.must(customer, ctx, "cart.apply_code", code("TEA"))
			w.want(ctx, "cart/ca1", obj{"total.amount": 1400})
			w.must(customer, ctx, "cart.remove_line", obj{"cart": "ca1", "line": "l2"})
			w.want(ctx, "cart/ca1", obj{"total.amount": 900, "codes.TEA.amount.amount": 0, "codes.TEA.reason": "there is no tea"})
		},
		"two codes are taken off one after the other, never below nothing": func(w *world) {
			w.must(customer, ctx, "cart.apply_code", code("TEN"))
			w.must(customer, ctx, "cart.apply_code", code("ALL"))
			w.want(ctx, "cart/ca1", obj{"total.amount": 0, "codes.ALL.amount.amount": 900, "codes.TEN.amount.amount": 0})
			w.must(customer, ctx, "cart.remove_code", code("ALL"))
			w.want(ctx, "cart/ca1", obj{"total.amount": 810, "codes.TEN.amount.amount": 90, "codes.ALL": nil})
		},
		"a backend that is away keeps nobody from shopping, only from codes": func(w *world) {
			w.must(customer, ctx, "cart.apply_code", code("TEN"))
			w.ask = away
			w.refused(hub.CodeUnavailable, customer, ctx, "cart.apply_code", code("TEA"))
			w.must(customer, ctx, "cart.add_line", obj{"cart": "ca1", "line": "l2", "sku": "tea", "quantity": 1})
			w.want(ctx, "cart/ca1", obj{"total.amount": 1110, "codes.TEN.amount.amount": 90})
			_, p := w.do(customer, ctx, "order.place", obj{"cart": "ca1", "order": "o1", "expected_total": usd(1110), "fulfilment": pickup("s1"),
				"tenders": obj{"t1": card(1110)}}, w.version(ctx, "cart/ca1"))
			if p == nil || p.Code != hub.CodeUnavailable {
				w.Errorf("placed, or %v", p)
			}
		},
		"an answer in another currency is no answer": func(w *world) {
			w.refused(hub.CodeUnavailable, customer, ctx, "cart.apply_code", code("BAD"))
		},
		"where no backend is configured no code applies": func(w *world) {
			w.ask = nil
			w.refused(commerce.CodeCodeNotApplicable, customer, ctx, "cart.apply_code", code("TEN"))
		},
		"a frozen cart keeps what its codes took off": func(w *world) {
			w.must(customer, ctx, "cart.apply_code", code("TEN"))
			w.must(customer, ctx, "cart.freeze", obj{"cart": "ca1"}, w.version(ctx, "cart/ca1"))
			w.ask = away
			w.place(customer, 810, obj{"t1": card(810)})
			w.want(ctx, "order/o1", obj{"total.amount": 810, "codes.TEN.amount.amount": 90, "lines.l1.total.amount": 810})
		},
		"the order asks again, and the buyer learns what no longer holds": func(w *world) {
			w.must(customer, ctx, "cart.apply_code", code("TEN"))
			w.ask = func(context.Context, string, json.RawMessage) (json.RawMessage, error) {
				return json.RawMessage(`{"codes":{"TEN":{"reason":"used up"}}}`), nil
			}
			d := w.refused(commerce.CodePriceChanged, customer, ctx, "order.place", obj{"cart": "ca1", "order": "o1", "expected_total": usd(810),
				"fulfilment": pickup("s1"), "tenders": obj{"t1": card(810)}}, w.version(ctx, "cart/ca1"))
			if show(d["codes"]) != `{"TEN":"used up"}` || show(d["new"]) != show(usd(900)) {
				w.Errorf("%v", d)
			}
			w.place(customer, 900, obj{"t1": card(900)})
			w.want(ctx, "order/o1", obj{"codes": nil, "total.amount": 900})
		},
		"what comes back is worth what was paid for it, to the last cent": func(w *world) {
			w.must(customer, ctx, "cart.set_quantity", obj{"cart": "ca1", "line": "l1", "quantity": 3})
			w.ask = func(context.Context, string, json.RawMessage) (json.RawMessage, error) {
				return json.RawMessage(`{"codes":{"ODD":{"cart":{"amount":100,"currency":"USD"}}}}`), nil
			}
			w.must(customer, ctx, "cart.apply_code", code("ODD"))
			w.place(customer, 1250, obj{"t1": card(1250)})
			w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t1"})
			for _, step := range []string{"start", "ready", "complete"} {
				w.must(till, ctx, "fulfilment."+step, obj{"order": "o1"})
			}
			for i, want := range []int{417, 416, 417} {
				r := fmt.Sprintf("r%d", i)
				w.must(till, ctx, "return.receive", obj{"order": "o1", "return": r, "store": "s1", "lines": obj{"l1": 1}})
				w.must(till, ctx, "return.refund", obj{"order": "o1", "return": r})
				w.want(ctx, "order/o1", obj{"returns." + r + ".refunded.amount": want})
			}
			w.want(ctx, "order/o1", obj{"paid.amount": 0})
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := shopWorld(t)
			w.ask = worth
			w.fill()
			test(w)
		})
	}
}

func TestCodesMoveWithTheLinesOfACart(t *testing.T) {
	w := twice(t, commerce.Config{})
	w.hub = hub.New(w.engine, hub.Options{Now: func() time.Time { return w.now }, Ask: worth}, commerce.Model(w.config), care.Model(care.Config{}))
	w.must(owns(ben), ben, "cart.apply_code", obj{"cart": "anonymous", "code": "TEN"})
	if a := w.merge("m", ben, anna); a.Problem != nil {
		t.Fatal(a.Problem)
	}
	// Anna's own line had no code; the line that came keeps its part.
	w.want(anna, "cart/account", obj{"total|amount": 2450, "lines|b2|total|amount": 450, "codes|TEN|amount|amount": 50})
	w.must(owns(anna), anna, "cart.set_quantity", obj{"cart": "account", "line": "b2", "quantity": 2})
	w.want(anna, "cart/account", obj{"total|amount": 2700, "codes|TEN|amount|amount": 300})
}
