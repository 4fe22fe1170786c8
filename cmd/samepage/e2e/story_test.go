package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shopConfig = `{
	"care": {"queues": {"support": {"bot": "crumb", "bot_name": "Crumb"}}},
	"channel": {"without_namespace": {"history_size": 100, "history_ttl": "1h", "force_recovery": true, "allow_subscribe_for_client": true}}
}`

const (
	maya    = "context:c-42"
	board   = "board:s1"
	support = "queue:support"
)

// The story of one customer at three touchpoints, by bare sockets and HTTP.
func TestOneContextAtThreeTouchpoints(t *testing.T) {
	data := filepath.Join(t.TempDir(), "samepage.db")
	p := serve(t, data, shopConfig)
	tellStory(t, p, p, func() *program { return serve(t, data, shopConfig) })
}

// tellStory plays it at two nodes, which may be one: the app is at p, the till
// at q, an agent at each. In the end p is killed, and start starts it anew.
func tellStory(t *testing.T, p, q *program, start func() *program) {
	t.Helper()
	p.command("catalog.set", "catalog:default", "b-1", `{"items":{"latte":{"name":"Latte","price":{"amount":450,"currency":"USD"}}}}`)
	p.command("stock.count", "store:s1", "b-2", `{"sku":"latte","on_hand":20}`)
	p.command("loyalty.adjust", maya, "b-3", `{"points":180,"reason":"welcome"}`)

	app, till := p.connect(t, mayaToken), q.connect(t, tillToken)
	anna, ben := p.connect(t, annaToken), q.connect(t, benToken)
	begin := app.subscribe(maya)
	if got := field(begin.Data.Entries["loyalty"].Doc, "balance"); got != 180 || !begin.Recoverable || !begin.Positioned {
		t.Fatalf("the app starts with %+v", begin)
	}
	till.subscribe(board)
	anna.subscribe(support)
	ben.subscribe(support)

	// The customer adds to the cart; HTTP shows the same.
	added := app.accepted("cart.add_line", maya, "m-1", `{"cart":"ca1","line":"l1","sku":"latte","quantity":2}`)
	seen := q.call("GET", "/v1/channels/"+maya, mayaToken, "")
	if got := []any{seen.field("entries|cart/ca1|doc|lines|l1|quantity"), seen.field("entries|cart/ca1|doc|total|amount"), seen.field("offset")}; !cmp.Equal(got, []any{2, 900, added.field("offset")}) {
		t.Fatalf("HTTP shows %s", seen.body)
	}
	if got := app.events(maya)[app.saw(maya, "cart.line_added")].Cause; got != "m-1" {
		t.Errorf("the app's own event names %q", got)
	}

	// The order is placed; sent three times with one id it is one order.
	place := func(by *socket, id string) answer {
		return by.versioned("order.place", maya, id, `{"cart":"ca1","order":"o1","expected_total":{"amount":900,"currency":"USD"},
			"fulfilment":{"type":"pickup","store":"s1","name":"Maya"},
			"tenders":{"t1":{"type":"points","points":25},"t2":{"type":"card","amount":{"amount":650,"currency":"USD"}}}}`,
			fmt.Sprintf(`{"cart/ca1":%d}`, added.field("offset")))
	}
	first := place(app, "m-2")
	if first.field("problem") != nil || first.field("replayed") != nil {
		t.Fatalf("order.place: %s", first.body)
	}
	for range 2 {
		again := place(app, "m-2")
		if again.field("replayed") != true || again.field("offset") != first.field("offset") {
			t.Errorf("sent again: %s", again.body)
		}
	}
	if got := q.stock(); got != 18 {
		t.Errorf("%v lattes are available after one order of two", got)
	}

	// The board shows it; the backend captures the card; points arrive once.
	eventually(t, "the board shows the order", func() bool { return till.shows(board, "order/o1", "column", "new") })
	p.command("order.capture", maya, "b-4", `{"order":"o1","tender":"t2"}`)
	q.command("order.capture", maya, "b-4", `{"order":"o1","tender":"t2"}`)
	app.saw(maya, "order.tender_captured")
	if got := p.balance(); got != 180-25+6 {
		t.Errorf("the balance is %v", got)
	}

	// The till moves it to ready; the app sees every step.
	till.accepted("fulfilment.start", maya, "t-1", `{"order":"o1"}`)
	eventually(t, "the board moves it to making", func() bool { return till.shows(board, "order/o1", "column", "making") })
	till.accepted("fulfilment.ready", maya, "t-2", `{"order":"o1"}`)
	eventually(t, "the board moves it to ready", func() bool { return till.shows(board, "order/o1", "column", "ready") })
	started, ready := app.saw(maya, "fulfilment.started"), app.saw(maya, "fulfilment.ready")
	if placed := app.saw(maya, "order.placed"); !(placed < started && started < ready) {
		t.Errorf("steps come at %d, %d, %d", placed, started, ready)
	}

	// A chat is escalated; two agents claim at once and one wins.
	app.accepted("conversation.open", maya, "m-3", `{"conversation":"v1","channel":"web","queue":"support"}`)
	app.accepted("conversation.post", maya, "m-4", `{"conversation":"v1","message":"w1","text":"Where is my latte?"}`)
	app.accepted("conversation.escalate", maya, "m-5", `{"conversation":"v1","reason":"user_request"}`)
	for name, agent := range map[string]*socket{"anna": anna, "ben": ben} {
		eventually(t, name+" sees it wait", func() bool { return agent.shows(support, "conversation/v1", "context", "c-42") })
	}
	winner, loser := race(t, anna, ben)

	// The phone drops, misses events and recovers exactly those.
	known := app.last(maya)
	app.drop()
	winner.accepted("conversation.post", maya, "a-1", `{"conversation":"v1","message":"w2","text":"On the counter!"}`)
	winner.accepted("conversation.note", maya, "a-2", `{"conversation":"v1","message":"w3","text":"friendly"}`)
	till.accepted("fulfilment.complete", maya, "t-3", `{"order":"o1"}`)
	phone := q.connect(t, mayaToken)
	back := phone.recover(maya, begin.Epoch, known)
	var missed []string
	for i, pub := range back.Publications {
		missed = append(missed, field(pub.Data, "type").(string))
		if pub.Offset <= known || i > 0 && pub.Offset <= back.Publications[i-1].Offset {
			t.Errorf("offset %d does not follow", pub.Offset)
		}
	}
	if want := []string{"conversation.message_posted", "fulfilment.completed"}; !back.Recovered || back.Data.Entries != nil || !slices.Equal(missed, want) {
		t.Errorf("the phone recovers %v (%v), want %v", missed, back.Recovered, want)
	}

	// What the app heard, on top of what it began with, is what the hub holds.
	all := app.events(maya)
	for _, pub := range back.Publications {
		var e event
		if err := json.Unmarshal(pub.Data, &e); err != nil {
			t.Fatal(err)
		}
		all[pub.Offset] = e
	}
	if diff := cmp.Diff(p.documents(t, maya, mayaToken), folded(t, begin, all)); diff != "" {
		t.Errorf("the app differs from the hub:\n%s", diff)
	}

	// kill -9, once the board shows what was last done; on the same store everything goes on.
	eventually(t, "the board shows that the order was handed over", func() bool {
		return strings.Contains(p.documents(t, board, "")["order/o1"], `"column":"done"`)
	})
	before := map[string]map[string]string{}
	for _, channel := range []string{maya, board, support, "catalog:default", "store:s1"} {
		before[channel] = p.documents(t, channel, "")
	}
	offset, epoch := p.position(maya)
	p.kill()
	p = start()
	for channel, want := range before {
		if diff := cmp.Diff(want, p.documents(t, channel, "")); diff != "" {
			t.Errorf("%s differs after the restart:\n%s", channel, diff)
		}
	}
	if o, e := p.position(maya); o != offset || e != epoch {
		t.Errorf("the position was %s:%d and is %s:%d", epoch, offset, e, o)
	}
	phone = p.connect(t, mayaToken)
	if back := phone.recover(maya, epoch, offset); !back.Recovered || len(back.Publications) != 0 {
		t.Errorf("nothing was missed, but: %+v", back)
	}
	if again := place(phone, "m-2"); again.field("replayed") != true || again.field("offset") != first.field("offset") {
		t.Errorf("sent again after the restart: %s", again.body)
	}
	if next := phone.accepted("cart.add_line", maya, "m-6", `{"sku":"latte","quantity":1}`); next.field("offset") != offset+1 || next.field("epoch") != epoch {
		t.Errorf("the next event is at %s", next.body)
	}
	_ = loser
	p.stop()
}

// race lets two agents claim v1 at once; the loser is told who won.
func race(t *testing.T, anna, ben *socket) (winner, loser *socket) {
	t.Helper()
	agents := []*socket{anna, ben}
	answers := make([]answer, 2)
	var claims sync.WaitGroup
	for i, agent := range agents {
		claims.Go(func() {
			answers[i] = agent.command("conversation.claim", maya, fmt.Sprintf("claim-%d", i), `{"conversation":"v1"}`)
		})
	}
	claims.Wait()
	win := slices.IndexFunc(answers, func(a answer) bool { return a.field("problem") == nil })
	if win < 0 {
		t.Fatalf("nobody won: %s, %s", answers[0].body, answers[1].body)
	}
	lost := answers[1-win]
	if lost.field("problem|code") != "already_claimed" || lost.field("problem|details|owner|id") != []string{"anna", "ben"}[win] {
		t.Errorf("the other is told %s", lost.body)
	}
	for _, agent := range agents {
		eventually(t, "it leaves the queue", func() bool { return agent.gone(support, "conversation/v1") })
	}
	return agents[win], agents[1-win]
}

// A server that is killed in the middle of commands forgets none that it
// answered and does none twice.
func TestKillNineLosesNothingAcknowledged(t *testing.T) {
	data := filepath.Join(t.TempDir(), "samepage.db")
	p := serve(t, data, "")
	const writers, each = 8, 60
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var work sync.WaitGroup
	for w := range writers {
		work.Go(func() {
			s := p.quietly()
			for i := range each {
				id := fmt.Sprintf("w%d-%d", w, i)
				if _, ok := s.adjust(fmt.Sprintf("context:k-%d", w%3), id); !ok {
					return // killed
				}
				mu.Lock()
				acknowledged[id] = true
				mu.Unlock()
			}
		})
	}
	eventually(t, "some were answered", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged) > 100
	})
	p.kill()
	work.Wait()

	p = serve(t, data, "")
	replayed := 0
	for w := range writers {
		work.Go(func() {
			s := p.quietly()
			for i := range each {
				id := fmt.Sprintf("w%d-%d", w, i)
				again, ok := s.adjust(fmt.Sprintf("context:k-%d", w%3), id)
				mu.Lock()
				switch {
				case !ok:
					t.Errorf("%s is not accepted", id)
				case again:
					replayed++
				case acknowledged[id]:
					t.Errorf("%s was answered and is forgotten", id)
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	if len(acknowledged) == writers*each {
		t.Error("the kill came too late to show anything")
	}
	t.Logf("%d answered, %d found", len(acknowledged), replayed)
	total := 0
	for i := range 3 {
		total += p.call("GET", fmt.Sprintf("/v1/channels/context:k-%d", i), "", "").field("entries|loyalty|doc|balance").(int)
	}
	if total != writers*each {
		t.Errorf("%d points of %d commands", total, writers*each)
	}
}

// documents are a channel's entries as HTTP shows them to somebody.
func (p *program) documents(t *testing.T, channel, auth string) map[string]string {
	t.Helper()
	a := p.call("GET", "/v1/channels/"+channel, auth, "")
	var body struct {
		Entries map[string]struct{ Doc any }
	}
	if err := json.Unmarshal(a.body, &body); err != nil || a.status != 200 {
		t.Fatalf("%s: %d %s", channel, a.status, a.body)
	}
	docs := map[string]string{}
	for key, e := range body.Entries {
		b, err := json.Marshal(e.Doc)
		if err != nil {
			t.Fatal(err)
		}
		docs[key] = string(b)
	}
	return docs
}

func (p *program) position(channel string) (int, string) {
	a := p.call("GET", "/v1/channels/"+channel, "", "")
	return a.field("offset").(int), a.field("epoch").(string)
}

func (p *program) stock() any {
	return p.call("GET", "/v1/channels/store:s1", "", "").field("entries|sku/latte|doc|available")
}

func (p *program) balance() any {
	return p.call("GET", "/v1/channels/"+maya, "", "").field("entries|loyalty|doc|balance")
}

// shows reports whether events made a document hold a value.
func (s *socket) shows(channel, key, path string, want any) bool {
	var doc any
	events := s.events(channel)
	for _, offset := range slices.Sorted(maps.Keys(events)) {
		for _, c := range events[offset].Changes {
			switch {
			case c.Key != key:
			case c.Doc != nil:
				doc = decode(s.t, c.Doc)
			case c.Patch != nil:
				doc = merge(doc, decode(s.t, c.Patch))
			default:
				doc = nil
			}
		}
	}
	b, err := json.Marshal(doc)
	return err == nil && field(b, path) == want
}

// gone reports whether an event removed an entry.
func (s *socket) gone(channel, key string) bool {
	for _, e := range s.events(channel) {
		for _, c := range e.Changes {
			if c.Key == key && c.Gone {
				return true
			}
		}
	}
	return false
}

// last is the highest offset that came on a channel.
func (s *socket) last(channel string) int {
	return slices.Max(slices.Collect(maps.Keys(s.events(channel))))
}
