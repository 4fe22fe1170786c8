package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// outbox is what a till did while it was offline, to be told once it is back.
// Its clock is wrong, and what is refused goes to whoever works there.
type outbox struct {
	ahead     time.Duration // of its clock
	entries   []offlineEntry
	attention map[string]string // command id -> problem code
}

type offlineEntry struct {
	id, method, on string
	args           map[string]any
	at             time.Time // by a clock that is right
}

// did notes an entry.
func (b *outbox) did(at time.Time, method, on, args string) {
	e := offlineEntry{id: fmt.Sprintf("d1-%d", len(b.entries)+1), method: method, on: on, at: at}
	if err := json.Unmarshal([]byte(args), &e.args); err != nil {
		panic(err)
	}
	b.entries = append(b.entries, e)
}

// sold notes a sale, under the till's own number.
func (b *outbox) sold(at time.Time, on, receipt, sku string, quantity, price int) {
	b.did(at, "order.replay_sale", on, fmt.Sprintf(`{"order":%[1]q,"number":%[1]q,"lines":{"l1":{"sku":%[2]q,"quantity":%[3]d,"price":%[4]s}},
		"tenders":{"t1":{"type":"cash","amount":%[5]s}}}`, receipt, sku, quantity, usd(price), usd(quantity*price)))
}

// step notes a step of a ticket.
func (b *outbox) step(at time.Time, step, order string) {
	b.did(at, "fulfilment."+step, maya, fmt.Sprintf(`{"order":%q}`, order))
}

// params are an entry as it is sent now.
func (b *outbox) params(t *testing.T, e offlineEntry) string {
	t.Helper()
	args := maps.Clone(e.args)
	args["occurred_at"], args["sent_at"] = e.at.Add(b.ahead), time.Now().Add(b.ahead)
	raw, err := json.Marshal(map[string]any{"method": e.method, "data": map[string]any{"id": e.id, "on": e.on, "args": args}})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// tell sends entries in their order, each once the one before is answered.
func (b *outbox) tell(s *socket, entries []offlineEntry) {
	s.t.Helper()
	for _, e := range entries {
		var r struct {
			Data json.RawMessage `json:"data"`
		}
		s.ask("rpc", b.params(s.t, e), &r)
		if code, _ := field(r.Data, "problem|code").(string); code != "" {
			b.attention[e.id] = e.method + " " + code
		}
	}
}

// Scenario 8. S1 loses the net for 20 minutes with four tickets on its board.
func TestScenario8POSOffline(t *testing.T) {
	onBothEngines(t, `{"commerce":{"late":"500ms"}}`, scenario8POSOffline)
}

func scenario8POSOffline(t *testing.T, s *shop) {
	const web, walkIn = "context:c-web", "context:walk-in-d1"
	webToken := token(`{"sub":"c-web","role":"customer"}`)
	s.price("bean", 700)
	s.backend("stock.count", "store:s1", `{"sku":"latte","on_hand":20}`)
	s.backend("stock.count", "store:s1", `{"sku":"bean","on_hand":2}`)
	order := func(tok, on, id, sku string, price int) {
		s.must(tok, "cart.add_line", on, fmt.Sprintf(`{"cart":"ca-%s","line":"l1","sku":%q,"quantity":1}`, id, sku), "")
		s.must(tok, "order.place", on, pickupOrder(id, "s1", price, `{"t1":{"type":"card","amount":`+usd(price)+`}}`), s.at(on, "cart/ca-"+id))
	}
	for _, id := range []string{"o1", "o2", "o3", "o4"} {
		order(mayaToken, maya, id, "latte", 450)
		s.backend("order.capture", maya, fmt.Sprintf(`{"order":%q,"tender":"t1"}`, id))
	}
	for _, id := range []string{"o1", "o2"} {
		s.must(tillToken, "fulfilment.start", maya, fmt.Sprintf(`{"order":%q}`, id), "")
		s.must(tillToken, "fulfilment.ready", maya, fmt.Sprintf(`{"order":%q}`, id), "")
	}
	order(mayaToken, maya, "o0", "latte", 450) // handed over, and back soon
	for _, step := range []string{"start", "ready", "complete"} {
		s.must(tillToken, "fulfilment."+step, maya, `{"order":"o0"}`, "")
	}
	s.backend("profile.identify", "context:c-account", `{"identities":[{"type":"user_id","value":"u-1"}]}`)
	s.backend("profile.identify", "context:c-browser", `{"identities":[{"type":"anonymous_id","value":"b-1"}]}`)
	s.backend("profile.identify", "context:c-gone", `{"identities":[{"type":"email","value":"gone@example.com"}]}`)
	till := s.connect(t, tillToken)
	begin := till.subscribe(board)
	till.drop()

	// The till goes on by itself, by a clock that is seven minutes fast.
	box := &outbox{ahead: 7 * time.Minute, attention: map[string]string{}}
	lost := time.Now().Add(-20 * time.Minute)
	box.sold(lost.Add(time.Minute), walkIn, "D1-1", "latte", 3, 450)
	box.sold(lost.Add(2*time.Minute), walkIn, "D1-2", "bean", 1, 700)
	box.step(lost.Add(3*time.Minute), "complete", "o1")
	box.step(lost.Add(4*time.Minute), "complete", "o2")
	box.sold(lost.Add(5*time.Minute), "context:c-browser", "D1-3", "latte", 1, 450)
	box.sold(lost.Add(6*time.Minute), "context:c-gone", "D1-4", "latte", 1, 450)
	box.step(time.Now(), "start", "o4")
	box.did(time.Now(), "return.receive", maya, `{"order":"o0","return":"r2","store":"s1","lines":{"l1":1}}`)
	time.Sleep(10 * time.Millisecond) // what comes now is later, by milliseconds

	// Meanwhile: three new orders, ticket 3 is cancelled, and 4, which the till has begun.
	order(webToken, web, "n1", "bean", 700)
	s.backend("order.capture", web, `{"order":"n1","tender":"t1"}`)
	order(webToken, web, "n2", "bean", 700) // not paid
	order(webToken, web, "n3", "latte", 450)
	s.must(mayaToken, "order.cancel", maya, `{"order":"o3"}`, "")
	s.must(mayaToken, "order.cancel", maya, `{"order":"o4"}`, "")
	time.Sleep(10 * time.Millisecond)
	box.step(time.Now(), "start", "o3")
	box.step(time.Now(), "ready", "o4")
	box.step(time.Now(), "complete", "o4")
	// A price changes, a colleague with a phone hands over ticket 2, what is back is taken, one
	// customer turns out to be another, and one is erased.
	s.price("latte", 500)
	second := token(`{"sub":"till-2","role":"pos","store":"s1","device":"d-2"}`)
	s.must(second, "fulfilment.complete", maya, `{"order":"o2"}`, "")
	s.must(second, "return.receive", maya, `{"order":"o0","return":"r1","store":"s1","lines":{"l1":1}}`, "")
	s.must("", "context.merge", "context:c-browser", fmt.Sprintf(`{"into":"c-account","into_version":%d}`, s.profileVersion("context:c-account")),
		fmt.Sprintf(`{"profile":%d}`, s.profileVersion("context:c-browser")))
	past := s.call("GET", "/v1/channels/context:c-gone", "", "").field("epoch")
	s.backend("context.erase", "context:c-gone", `{}`)
	s.forgotten("context:c-gone", past)

	// It is back: what came in meanwhile is late, and nobody begins it by itself.
	till = s.connect(t, tillToken)
	back := till.recover(board, begin.Epoch, begin.Offset)
	if !back.Recovered {
		t.Fatalf("the till does not recover: %+v", back)
	}
	for _, id := range []string{"n1", "n2", "n3"} {
		s.want(board, "order/"+id, "late", true)
		s.want(board, "order/"+id, "column", "new")
	}

	// It tells what it did. In the midst of that the line is cut, with an answer under way.
	cut := len(box.entries) / 2
	box.tell(till, box.entries[:cut])
	till.send(fmt.Sprintf(`{"id":999,"rpc":%s}`, box.params(t, box.entries[cut])))
	till.drop()
	till = s.connect(t, tillToken)
	till.subscribe(board)
	box.tell(till, box.entries)

	// Ticket 3 was cancelled before it was begun, ticket 2 was handed over by somebody else, and
	// what came back was taken already: the till's people are told.
	want := map[string]string{
		"d1-4": "fulfilment.complete invalid_transition", "d1-8": "return.receive return_quantity_exceeded", "d1-9": "fulfilment.start invalid_transition",
	}
	if !maps.Equal(box.attention, want) {
		t.Errorf("the attention list is %v, want %v", box.attention, want)
	}
	when := func(on, key, path string, at time.Time) {
		t.Helper()
		text, _ := s.entry(on, key, path).(string)
		got, err := time.Parse(time.RFC3339, text)
		if off := got.Sub(at).Abs(); err != nil || off > time.Minute { // a slow machine adds to it; the wrong clock would add seven
			t.Errorf("%s %s: %s is %s, %s off", on, key, path, text, off)
		}
	}
	when(maya, "order/o1", "fulfilments|f1|picked_up_at", lost.Add(3*time.Minute))
	when(walkIn, "order/D1-1", "placed_offline_at", lost.Add(time.Minute))
	s.want(maya, "order/o1", "order_state", "complete")
	s.want(maya, "order/o2", "fulfilments|f1|by|id", "till-2")
	s.want(maya, "order/o3", "order_state", "cancelled")
	s.want(maya, "order/o4", "order_state", "complete") // it was made: somebody has to settle that
	s.want(maya, "order/o4", "fulfilments|f1|attention", "called_off")
	s.want(board, "order/o4", "attention", "called_off")

	// Goods that left the store left it, and the newest order that is not paid cannot be kept.
	s.want("store:s1", "sku/bean", "on_hand", 1)
	s.want("store:s1", "sku/bean", "available", -1)
	s.want("store:s1", "shortfall/bean", "short", 1)
	s.want("store:s1", "shortfall/bean", "claim|order", "n2")
	if n := s.count("store:s1", "stock.shortfall"); n != 1 {
		t.Errorf("the shortfall is told %d times", n)
	}
	s.want("store:s1", "sku/latte", "on_hand", 20-4-5) // o0, o1, o2, o4 and five sold
	s.want("store:s1", "sku/latte", "reserved", 1)     // n3

	// Receipts keep their price; a sale finds its customer, or does without.
	s.want(walkIn, "order/D1-1", "total|amount", 3*450)
	s.want(walkIn, "order/D1-1", "lines|l1|price_change|new|amount", 500)
	s.want("context:c-account", "order/D1-3", "total|amount", 450)
	s.want("context:c-account", "loyalty", "balance", 4)
	s.want("context:c-gone", "order/D1-4", "total|amount", 450)
	if gone := s.call("GET", "/v1/channels/context:c-gone", "", ""); gone.field("entries|loyalty") != nil || strings.Contains(string(gone.body), "gone@") {
		t.Errorf("an erased customer is back: %s", gone.body)
	}

	// The whole outbox again, twice, changes nothing; nor does a node that dies in between.
	channels := []string{maya, web, walkIn, "context:c-account", "context:c-gone", "store:s1"}
	before := s.positions(channels)
	box.tell(till, box.entries)
	s.crash()
	till = s.connect(t, tillToken)
	box.tell(till, box.entries)
	if after := s.positions(channels); !slices.Equal(after, before) {
		t.Errorf("told again it moves %v to %v", before, after)
	}
	if !maps.Equal(box.attention, want) {
		t.Errorf("afterwards the attention list is %v", box.attention)
	}
	for _, id := range []string{"n1", "n2", "n3"} { // none was begun by all this
		s.want(board, "order/"+id, "column", "new")
	}
	s.must(tillToken, "fulfilment.start", web, `{"order":"n3"}`, "")
	s.want(board, "order/n3", "late", nil)
}

// positions are where channels stand.
func (s *shop) positions(channels []string) []string {
	s.t.Helper()
	var all []string
	for _, channel := range channels {
		a := s.call("GET", "/v1/channels/"+channel, "", "")
		all = append(all, fmt.Sprintf("%s %v:%v", channel, a.field("epoch"), a.field("offset")))
	}
	return all
}

// forgotten waits until an erased channel's past is, which begins another epoch.
func (s *shop) forgotten(channel string, epoch any) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); s.call("GET", "/v1/channels/"+channel, "", "").field("epoch") == epoch; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the past of %s is not forgotten", channel)
		}
	}
}
