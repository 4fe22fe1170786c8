package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// session asks the demo for somebody's token.
func (p *program) session(query string) (token string, answer answer) {
	p.t.Helper()
	a := p.call("GET", "/demo/session?"+query, "-", "")
	token, _ = a.field("token").(string)
	return token, a
}

func TestTheDemoIsAShopThatStaysOverARestart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "demo.db")
	p := demo(t, data)
	token, a := p.session("role=customer&id=c-42")
	if a.status != 200 || a.field("name") != "Maya" || a.field("context") != "c-42" {
		t.Fatalf("session: %d %s", a.status, a.body)
	}
	catalog := p.call("GET", "/v1/channels/catalog:default", token, "")
	if got := catalog.field("entries|sku/latte|doc|price|amount"); got != 450 {
		t.Errorf("the latte costs %v: %s", got, catalog.body)
	}
	if n := len(p.documents(t, "catalog:default", token)); n != 8 {
		t.Errorf("%d items", n)
	}
	for query, want := range map[string]string{
		"role=pos&id=pos-s1-1": `"store":"s1"`, "role=pos&id=pos-s2-1": `"store":"s2"`,
		"role=agent&id=anna": `"queues":["support"]`, "role=agent&id=ben": `"queues":["support"]`,
		"role=supervisor": `"role":"supervisor"`, "role=customer&id=c-7": `"name":"Tom"`, "role=customer&id=c-99": `"context":"c-99"`,
	} {
		if _, a := p.session(query); a.status != 200 || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for _, query := range []string{"role=service", "role=customer&id=../etc", "role=bot&id=crumb"} {
		if _, a := p.session(query); a.status != 404 {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	foreign, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/demo/session?role=agent", nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Host = "elsewhere.example"
	if res, err := http.DefaultClient.Do(foreign); err != nil || res.StatusCode != 403 {
		t.Errorf("a foreign host: %v %v", res, err)
	} else {
		res.Body.Close()
	}

	// An order with a card is captured by the demo's own payment backend, and earns points.
	app := p.connect(t, token)
	app.subscribe(maya)
	added := app.accepted("cart.add_line", maya, "m-1", `{"cart":"ca1","sku":"latte","quantity":2}`)
	versions, err := json.Marshal(map[string]any{"cart/ca1": added.field("offset")})
	if err != nil {
		t.Fatal(err)
	}
	placed := app.versioned("order.place", maya, "m-2", `{"cart":"ca1","order":"o1","expected_total":{"amount":900,"currency":"USD"},
		"fulfilment":{"type":"pickup","store":"s1"},"tenders":{"t1":{"type":"card","amount":{"amount":900,"currency":"USD"}}}}`, string(versions))
	if placed.field("problem") != nil {
		t.Fatalf("order.place: %s", placed.body)
	}
	app.saw(maya, "order.tender_captured")
	if got := p.balance(); got != 189 {
		t.Errorf("the balance is %v", got)
	}

	// The bot answers first.
	app.accepted("conversation.open", maya, "m-3", `{"conversation":"v1","channel":"web"}`)
	app.accepted("conversation.post", maya, "m-4", `{"conversation":"v1","message":"w1","text":"Hello?"}`)
	eventually(t, "the bot answers", func() bool { return app.shows(maya, "message/v1/crumb-w1", "author|type", "bot") })

	p.command("catalog.set", "catalog:default", "price", `{"items":{"latte":{"name":"Latte","price":{"amount":999,"currency":"USD"}}}}`)
	before := p.documents(t, maya, token)
	p.stop()

	p = demo(t, data)
	if after := p.documents(t, maya, token); after["loyalty"] != before["loyalty"] || after["order/o1"] != before["order/o1"] || len(after) != len(before) {
		t.Errorf("after the restart Maya has %v, before %v", after, before)
	}
	if got := p.call("GET", "/v1/channels/catalog:default", token, "").field("entries|sku/latte|doc|price|amount"); got != 999 {
		t.Errorf("after the restart the latte costs %v", got)
	}
}

func TestTheDemosCommandsWorkAsPrinted(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	p := demo(t, filepath.Join(t.TempDir(), "demo.db"))
	eventually(t, "the commands are printed", func() bool { return len(p.stdout.lines("curl ")) == 3 })
	token, _ := p.session("role=customer&id=c-42")
	app := p.connect(t, token)
	app.subscribe("catalog:default")
	app.subscribe("news")
	for i, line := range p.stdout.lines("curl ") {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line+" --silent --fail-with-body").Output()
		if err != nil || !json.Valid(out) {
			t.Fatalf("%s: %v %s", line, err, out)
		}
		if i == 2 && field(out, "entries|profile|doc|traits|first_name") != "Maya" {
			t.Errorf("the context reads %s", out)
		}
	}
	eventually(t, "the price is in the app", func() bool {
		return app.shows("catalog:default", "sku/latte", "price|amount", 480) || app.patched("catalog:default", 480)
	})
	eventually(t, "the news is in the app", func() bool {
		app.mu.Lock()
		defer app.mu.Unlock()
		for _, push := range app.pushes {
			if push.Channel == "news" && push.Pub != nil && strings.Contains(string(push.Pub.Data), "croissants") {
				return true
			}
		}
		return false
	})
}

// A demo that nobody gave keys makes its own, for its owner alone, and keeps them.
func TestTheDemoKeepsItsKeysToItself(t *testing.T) {
	data := filepath.Join(t.TempDir(), "demo.db")
	var tokens []string
	for range 2 {
		p := launchBare(t, "demo", "--data", data, "--port", "0")
		p.listening()
		token, _ := p.session("role=customer")
		tokens = append(tokens, token)
		for _, token := range tokens {
			if a := p.call("GET", "/v1/channels/"+maya, token, ""); a.status != 200 {
				t.Errorf("a token of this demo: %d %s", a.status, a.body)
			}
		}
		p.stop()
	}
	if mode := fileMode(t, data+".keys"); mode != 0o600 {
		t.Errorf("the keys are readable by others: %v", mode)
	}
}

// patched reports whether an event of the catalogue changed a price to this.
func (s *socket) patched(channel string, amount int) bool {
	for _, e := range s.events(channel) {
		for _, c := range e.Changes {
			if c.Patch != nil && field(c.Patch, "price|amount") == amount {
				return true
			}
		}
	}
	return false
}
