package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Scenario 12: erase.
func TestScenario12Erase(t *testing.T) { onBothEngines(t, "", scenario12Erase) }

func scenario12Erase(t *testing.T, s *shop) {
	secrets := []string{"Annabel", "annabel@", "5550100", "secret words", "Rivoli", `"4242"`} // in quotes: any four digits stand in an epoch now and then
	anna, id := "context:c-42", `{"sub":"c-42","role":"customer","name":"Annabel"}`
	annabel := token(id)
	app, desk, till := s.connect(t, annabel), s.connect(t, annaToken), s.connect(t, tillToken)
	app.subscribe(anna)
	app.accepted("profile.update", anna, "a-1", `{"traits":{"first_name":"Annabel","email":"annabel@example.com"}}`)
	s.backend("profile.identify", anna, `{"identities":[{"type":"email","value":"annabel@example.com"},{"type":"phone","value":"+14155550100"}]}`)
	s.backend("loyalty.adjust", anna, `{"points":100,"reason":"welcome"}`)
	app.accepted("cart.add_line", anna, "a-2", `{"cart":"ca1","sku":"latte","quantity":2}`)
	app.versioned("order.place", anna, "a-3", `{"cart":"ca1","order":"o1","expected_total":{"amount":900,"currency":"USD"},
		"fulfilment":{"type":"pickup","store":"s1","name":"Annabel Rivoli"},"tenders":{"t1":{"type":"card","amount":{"amount":900,"currency":"USD"},"last4":"4242"}}}`, s.at(anna, "cart/ca1"))
	s.backend("order.capture", anna, `{"order":"o1","tender":"t1"}`)
	app.accepted("cart.add_line", anna, "a-4", `{"cart":"ca2","sku":"latte","quantity":1}`)
	app.accepted("conversation.open", anna, "a-5", `{"conversation":"v1","channel":"web"}`)
	app.accepted("conversation.post", anna, "a-6", `{"conversation":"v1","text":"secret words"}`)
	app.accepted("conversation.open", anna, "a-7", `{"conversation":"v2","channel":"web"}`)
	app.accepted("conversation.post", anna, "a-8", `{"conversation":"v2","text":"more secret words"}`)
	desk.accepted("conversation.claim", anna, "d-1", `{"conversation":"v1"}`)
	desk.subscribe(anna)
	desk.subscribe("desk:anna")
	till.subscribe(board)
	s.want("desk:anna", "conversation/v1", "context", "c-42")
	s.want("queue:support", "conversation/v2", "context", "c-42")
	s.want(board, "order/o1", "ticket_name", "Annabel Rivoli")

	erased := app.accepted("context.erase", anna, "a-9", `{}`)
	if erased.field("event|type") != "customer.erased" {
		t.Errorf("%s", erased.body)
	}
	s.crash() // the rest is done by who comes next

	tells := func() string {
		for _, channel := range []string{anna, "queue:support", "desk:anna", board, "store:s1"} {
			for _, path := range []string{"", "/events?limit=1000"} {
				body := string(s.call("GET", "/v1/channels/"+channel+path, "", "").body)
				for _, secret := range secrets {
					if strings.Contains(body, secret) {
						return channel + path + " tells " + secret
					}
				}
			}
		}
		return ""
	}
	said := ""
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if said = tells(); said == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(said)
		}
	}
	if got := fmt.Sprint(s.types(anna)); got != "[customer.erased]" {
		t.Errorf("the log holds %s: one row is to remain", got)
	}
	s.want(anna, "order/o1", "total|amount", 900)
	s.want(anna, "order/o1", "payment_state", "paid")
	if a := s.call("GET", "/v1/channels/"+anna, "", ""); a.field("entries|cart/ca2") != nil || a.field("entries|profile|doc|erased_at") == nil {
		t.Errorf("%s", a.body)
	}
	s.want("desk:anna", "conversation/v1", "context", nil)
	s.want("queue:support", "conversation/v2", "context", nil)

	// Nor does what was remembered of their commands, for whoever sends one again.
	for id, method := range map[string]string{"a-1": "profile.update", "a-6": "conversation.post"} {
		args := map[string]string{"a-1": `{"traits":{"first_name":"Annabel","email":"annabel@example.com"}}`, "a-6": `{"conversation":"v1","text":"secret words"}`}[id]
		a := s.call("POST", "/v1/commands/"+method, annabel, fmt.Sprintf(`{"id":%q,"on":%q,"args":%s}`, id, anna, args))
		for _, secret := range secrets {
			if strings.Contains(string(a.body), secret) {
				t.Errorf("%s sent again tells %s: %s", method, secret, a.body)
			}
		}
	}

	// Nothing brings them back.
	for _, h := range [][2]string{{"email", "Annabel@example.com"}, {"whatsapp", "14155550100"}} {
		if a := s.resolve(h[0], h[1], true); a.status != 410 {
			t.Errorf("%v: %d %s", h, a.status, a.body)
		}
	}
	for _, method := range []string{"cart.add_line", "profile.update", "conversation.open"} {
		args := map[string]string{"cart.add_line": `{"sku":"x","quantity":1}`, "profile.update": `{"traits":{"a":"b"}}`, "conversation.open": `{"channel":"web"}`}[method]
		if a := s.as(annabel, method, anna, args, ""); a.status != 410 {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
	s.must(tillToken, "order.replay_sale", anna, fmt.Sprintf(`{"order":"late","occurred_at":%q,"sent_at":%q,"lines":{"l":{"sku":"latte","quantity":1,"price":%s}},"tenders":{"t":{"type":"cash","amount":%s}}}`,
		time.Now().Format(time.RFC3339), time.Now().Format(time.RFC3339), usd(450), usd(450)), "")
	s.backend("order.import", anna, fmt.Sprintf(`{"marketplace":"amazon","external_id":"9","lines":{"l":{"sku":"latte","quantity":1,"price":%s}},"fulfilment":{"type":"pickup","store":"s1","name":"Annabel"}}`, usd(450)))
	s.want(anna, "order/late", "total|amount", 450)
	if a := s.call("GET", "/v1/channels/"+anna, "", ""); strings.Contains(string(a.body), "Annabel") || a.field("entries|loyalty") != nil || a.field("entries|activity") != nil {
		t.Errorf("a late sale brought back %s", a.body)
	}
	if a := s.call("GET", "/v1/channels/"+anna, annabel, ""); a.status != 410 {
		t.Errorf("the customer's own token: %d %s", a.status, a.body)
	}
	s.must(tillToken, "fulfilment.start", anna, `{"order":"o1"}`, "") // the kitchen goes on
}

// Sockets of an erased customer are told, and closed; staff is unsubscribed.
func TestSocketsOfAnErasedCustomerAreClosed(t *testing.T) {
	s := openShop(t, "")
	app, phone, desk := s.connect(t, mayaToken), s.connect(t, mayaToken), s.connect(t, annaToken)
	app.accepted("conversation.open", maya, "a-1", `{"conversation":"v1","channel":"web"}`)
	app.subscribe(maya)
	phone.subscribe(maya)
	desk.subscribe(maya)
	s.backend("context.erase", maya, `{}`)
	for name, socket := range map[string]*socket{"the app": app, "the phone": phone} {
		socket.saw(maya, "customer.erased")
		if code := socket.closeCode(); code != 3503 {
			t.Errorf("%s is closed with %d", name, code)
		}
	}
	desk.saw(maya, "customer.erased")
	desk.pushed(maya, "unsubscribe", func(p push) bool { return p.Unsubscribe != nil && p.Unsubscribe.Code == 2000 })
	if !desk.open() {
		t.Error("the agent's socket is closed")
	}
}

// An export over HTTP is one document.
func TestAnExportIsOneDocument(t *testing.T) {
	s := openShop(t, "")
	s.must(mayaToken, "profile.update", maya, `{"traits":{"first_name":"Maya"}}`, "")
	s.must(mayaToken, "cart.add_line", maya, `{"cart":"ca1","sku":"latte","quantity":1}`, "")
	a := s.must(mayaToken, "context.export", maya, `{}`, "")
	if a.field("result|entries|profile|traits|first_name") != "Maya" || a.field("result|entries|cart/ca1|total|amount") != 450 {
		t.Errorf("%s", a.body)
	}
	s.refused("forbidden", token(`{"sub":"c-stranger","role":"customer"}`), "context.export", maya, `{}`, "")
}
