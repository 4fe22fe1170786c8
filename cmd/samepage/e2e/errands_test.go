package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
)

// command is what an errand sends: method, channel, arguments, versions; no
// method, no command.
func (p *touchpoint) command(e errand) (method, on, args, versions string) {
	on = p.contexts[int(e.A)%len(p.contexts)]
	switch p.role {
	case hub.RoleCustomer:
		method, args, versions = p.shops(on, e)
	case hub.RolePOS:
		method, on, args, versions = p.serves(on, e)
	case hub.RoleAgent:
		method, args = p.helps(e)
	default:
		method, on, args = p.runs(on, e)
	}
	if versions == "" {
		versions = "{}"
	}
	return method, on, args, versions
}

// pick is one of several, as a byte says.
func pick(b byte, from ...string) string { return from[int(b)%len(from)] }

// order is one of the orders of a context: two from its carts, one that was
// sold offline, and one from a marketplace, which is this day's only one.
func (p *touchpoint) order(b byte) string {
	return pick(b, "o1", "o2", "o1", "o2", p.store+":e1", "sale-1")
}

// held is an entry of a channel as the backend sees it: its version, and a field.
func (p *touchpoint) held(on, key, path string) (version int, value any) {
	var a answer
	eventually(p.t, "a look at "+on, func() bool {
		var err error
		a, err = over(http.MethodGet, p.node().url+"/v1/channels/"+on, "", "")
		return err == nil && a.status == 200
	})
	version, _ = a.field("entries|" + key + "|v").(int)
	return version, a.field("entries|" + key + "|doc|" + path)
}

// shops is what a customer does.
func (p *touchpoint) shops(on string, e errand) (method, args, versions string) {
	cart := pick(e.A>>1, "ca1", "ca2")
	switch e.Op % 20 {
	case 0, 1, 2, 3:
		return "cart.add_line", fmt.Sprintf(`{"cart":%q,"sku":%q,"quantity":%d}`, cart, pick(e.B, "latte", "x"), 1+e.B%2), ""
	case 4:
		return "cart.set_quantity", fmt.Sprintf(`{"cart":%q,"line":"l1","quantity":%d}`, cart, e.B%3), ""
	case 5:
		return "cart.remove_line", fmt.Sprintf(`{"cart":%q,"line":%q}`, cart, pick(e.B, "l1", "l2")), ""
	case 6, 7, 8, 9, 10, 17:
		v, total := p.held(on, "cart/"+cart, "total|amount")
		amount, _ := total.(int)
		tenders := fmt.Sprintf(`{"t1":{"type":"card","amount":%s}}`, usd(amount))
		if amount > 50 && e.B%2 == 0 {
			tenders = fmt.Sprintf(`{"t1":{"type":"card","amount":%s},"t2":{"type":"points","points":5}}`, usd(amount-50))
		}
		return "order.place", fmt.Sprintf(`{"cart":%q,"order":%q,"expected_total":%s,"fulfilment":{"type":"pickup","store":%q},"tenders":%s}`,
			cart, pick(e.B>>1, "o1", "o2"), usd(amount), p.store, tenders), fmt.Sprintf(`{"cart/%s":%d}`, cart, v)
	case 11:
		return "order.cancel", fmt.Sprintf(`{"order":%q,"reason":"x"}`, p.order(e.B)), ""
	case 12:
		return "fulfilment.arrive", fmt.Sprintf(`{"order":%q}`, p.order(e.B)), ""
	case 13:
		return "return.request", fmt.Sprintf(`{"order":%q,"return":%q,"lines":{"l1":1}}`, p.order(e.B), pick(e.B>>3, "r1", "r2")), ""
	case 14:
		v, _ := p.held(on, "cart/"+cart, "state")
		return pick(e.B, "cart.freeze", "cart.unfreeze"), fmt.Sprintf(`{"cart":%q}`, cart), fmt.Sprintf(`{"cart/%s":%d}`, cart, v)
	case 15:
		v, _ := p.held(on, "order/o1", "number")
		return "order.edit", fmt.Sprintf(`{"order":"o1","lines":{"l9":{"sku":"latte","quantity":%d}}}`, e.B%3), fmt.Sprintf(`{"order/o1":%d}`, v)
	case 16:
		return "conversation.escalate", `{"conversation":"v1","reason":"user_request"}`, ""
	default:
		return "conversation.post", `{"conversation":"v1","text":"hello"}`, ""
	}
}

// serves is what a till does, online or told afterwards.
func (p *touchpoint) serves(on string, e errand) (method, where, args, versions string) {
	now := time.Now().UTC()
	offline := fmt.Sprintf(`"occurred_at":%q,"sent_at":%q`, now.Add(-time.Duration(e.B)*time.Second).Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))
	switch e.Op % 16 {
	case 0:
		return "order.replay_sale", on, fmt.Sprintf(`{"order":"sale-1","lines":{"l1":{"sku":%q,"quantity":2,"price":%s}},"tenders":{"t1":{"type":%q,"amount":%s}},%s}`,
			pick(e.B, "latte", "x"), usd(300), pick(e.B>>1, "cash", "card"), usd(600), offline), ""
	case 1:
		return "stock.adjust", "store:" + p.store, fmt.Sprintf(`{"sku":%q,"delta":%d,"reason":"x"}`, pick(e.B, "latte", "x"), int(e.B%7)-3), ""
	case 2:
		sku := pick(e.B, "latte", "x")
		v, _ := p.held("store:"+p.store, "sku/"+sku, "on_hand")
		return "stock.count", "store:" + p.store, fmt.Sprintf(`{"sku":%q,"on_hand":%d}`, sku, e.B%8), fmt.Sprintf(`{"sku/%s":%d}`, sku, v)
	case 3:
		return "order.add_tender", on, fmt.Sprintf(`{"order":%q,"type":"cash","amount":%s}`, p.order(e.B), usd(100+int(e.B))), ""
	case 4:
		return "return.receive", on, fmt.Sprintf(`{"order":%q,"return":%q,"store":%q,"lines":{"l1":1}}`, p.order(e.B), pick(e.B>>3, "r1", "r2"), p.store), ""
	case 5:
		return "return.refund", on, fmt.Sprintf(`{"order":%q,"return":%q}`, p.order(e.B), pick(e.B>>3, "r1", "r2", "")), ""
	case 6:
		return pick(e.B, "return.restock", "return.write_off"), on, fmt.Sprintf(`{"order":%q,"return":"r1"}`, p.order(e.B)), ""
	case 7:
		return "order.cancel", on, fmt.Sprintf(`{"order":%q,"reason":"staff"}`, p.order(e.B)), ""
	default:
		id := p.order(e.B)
		step, more := pick(e.A, "start", "ready", "complete", "recall", "undo", "reject"), ""
		if next := map[any]string{"proposed": "start", "reserved": "ready", "prepared": "complete"}; e.Op%4 > 0 { // mostly what comes next
			_, state := p.held(on, "order/"+id, "fulfilments|f1|state")
			step = cmp.Or(next[state], step)
		}
		if step == "reject" {
			more = fmt.Sprintf(`,"reason":%q`, pick(e.B, "out_of_stock", "closing"))
		}
		if e.B%3 == 0 {
			more += "," + offline
		}
		return "fulfilment." + step, on, fmt.Sprintf(`{"order":%q%s}`, id, more), ""
	}
}

// helps is what an agent does.
func (p *touchpoint) helps(e errand) (method, args string) {
	switch e.Op % 8 {
	case 0, 1:
		return "conversation.claim", `{"conversation":"v1"}`
	case 2, 3:
		return "conversation.post", `{"conversation":"v1","text":"how can I help?"}`
	case 4:
		return "conversation.note", `{"conversation":"v1","text":"psst"}`
	case 5:
		return pick(e.B, "conversation.release", "conversation.resolve", "conversation.reopen"), `{"conversation":"v1"}`
	case 6:
		return "conversation.transfer", fmt.Sprintf(`{"conversation":"v1","to":{"type":"agent","id":%q},"kind":"cold","note":"psst"}`, pick(e.B, "anna", "ben"))
	default:
		return pick(e.B, "cart.lock", "cart.unlock", "conversation.accept"), strings.Replace(`{"cart":"ca1"}`, "cart", pick(e.B, "cart", "cart", "conversation"), 1)
	}
}

// runs is what the backend does.
func (p *touchpoint) runs(on string, e errand) (method, where, args string) {
	switch e.Op % 8 {
	case 0, 1, 2:
		return "order.capture", on, fmt.Sprintf(`{"order":%q,"tender":"t1"}`, p.order(e.B))
	case 3:
		return "order.import", on, fmt.Sprintf(`{"marketplace":%q,"external_id":"e1","lines":{"l1":{"sku":%q,"quantity":2,"price":%s}},"fulfilment":{"type":"pickup","store":%q}}`,
			p.store, pick(e.B, "latte", "x"), usd(900), p.store)
	case 4:
		return "order.void", on, fmt.Sprintf(`{"order":%q,"tender":"t1","declined":%v}`, p.order(e.B), e.B%4 < 2)
	case 5:
		return "loyalty.adjust", on, fmt.Sprintf(`{"points":%d,"reason":"x"}`, 1+int(e.B)-120)
	case 6:
		return "stock.set_safety", "store:" + p.store, fmt.Sprintf(`{"sku":"x","safety":%d}`, e.B%2)
	default:
		return "catalog.set", "catalog:default", fmt.Sprintf(`{"items":{"x":{"name":"X","price":%s}}}`, usd(1000+int(e.B)))
	}
}
