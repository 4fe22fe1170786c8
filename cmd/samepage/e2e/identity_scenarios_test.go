package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// resolve asks whose a handle is.
func (s *shop) resolve(handleType, value string, create bool) answer {
	s.t.Helper()
	return s.call("POST", "/v1/commands/context.resolve", "",
		fmt.Sprintf(`{"id":%q,"args":{"type":%q,"value":%q,"create":%v}}`, s.id(), handleType, value, create))
}

// profileVersion is the version of a context's profile, 0 if there is none.
func (s *shop) profileVersion(channel string) int {
	v, _ := s.call("GET", "/v1/channels/"+channel, "", "").field("entries|profile|v").(int)
	return v
}

// pushed waits for what the server sent by itself about a channel.
func (s *socket) pushed(channel, what string, is func(p push) bool) push {
	s.t.Helper()
	var found push
	eventually(s.t, what+" of "+channel, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range s.pushes {
			if p.Channel == channel && is(p) {
				found = p
				return true
			}
		}
		return false
	})
	return found
}

// open reports whether the socket still answers.
func (s *socket) open() bool {
	s.t.Helper()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed == nil {
		s.try("presence", `{"channel":"nobody"}`)
	}
	return closed == nil
}

// Scenario 2, as far as it is about who somebody is: Instagram to WhatsApp.
func TestScenario2InstagramToWhatsApp(t *testing.T) {
	onBothEngines(t, `{"customer":{"region":"US"}}`, scenario2InstagramToWhatsApp)
}

func scenario2InstagramToWhatsApp(t *testing.T, s *shop) {
	first := s.resolve("instagram", "@Anna_B", true)
	if first.status != 200 || first.field("result|created") != true || first.field("epoch") == nil {
		t.Fatalf("%d %s", first.status, first.body)
	}
	id, _ := first.field("result|context").(string)
	anna := "context:" + id
	s.backend("conversation.receive", anna, `{"channel":"instagram","address":"anna_b","external_id":"i-1","text":"Do you have X?"}`)
	s.backend("profile.set_consent", anna, `{"type":"analytics","status":"grant"}`)
	s.backend("activity.track", anna, `{"event":"Product Viewed","properties":{"sku":"x"}}`)
	s.backend("profile.identify", anna, `{"identities":[{"type":"phone","value":"(415) 555-0100","verified":true}]}`)

	// The same person writes on WhatsApp, under the number as WhatsApp writes it.
	for _, number := range []string{"14155550100", "+1 415 555 0100", "+14155550100"} {
		again := s.resolve("whatsapp", number, true)
		if again.field("result|context") != id || again.field("result|created") != false {
			t.Errorf("%s: %s", number, again.body)
		}
	}
	for _, number := range []string{"+14155550100", "14155550100"} { // whose number it is, the hub knows
		a := s.call("POST", "/v1/commands/conversation.receive", "", fmt.Sprintf(`{"id":%q,"args":{"channel":"whatsapp","address":%q,"external_id":"w-1","text":"It is me again"}}`, s.id(), number))
		if a.status != 200 || a.field("on") != anna {
			t.Errorf("from %s: %d %s", number, a.status, a.body)
		}
	}
	if n := strings.Count(string(s.call("GET", "/v1/channels/"+anna, "", "").body), `"body":"It is me again"`); n != 1 {
		t.Errorf("the message is there %d times", n)
	}
	if a := s.call("POST", "/v1/commands/conversation.receive", "", `{"id":"nobody","args":{"channel":"carrier_pigeon","address":"x","external_id":"p-1","text":"coo"}}`); a.field("code") != "invalid" || a.field("details|/on") == nil {
		t.Errorf("from nobody: %s", a.body)
	}
	agent := s.call("GET", "/v1/channels/"+anna, annaToken, "")
	for _, want := range []string{`"channel":"instagram"`, `"channel":"whatsapp"`, "Product Viewed", "Do you have X?", "It is me again"} {
		if agent.status != 200 || !strings.Contains(string(agent.body), want) {
			t.Errorf("the agent does not see %s: %d %s", want, agent.status, agent.body)
		}
	}

	// Two customers never own one handle, and a device is nobody.
	s.refused("identity_conflict", "", "profile.identify", "context:c-other", `{"identities":[{"type":"sms","value":"415-555-0100"}]}`, "")
	for _, bad := range []string{`{"type":"device_id","value":"tablet-1"}`, `{"type":"user_id","value":"null"}`, `{"type":"user_id","value":"000"}`} {
		s.refused("invalid", "", "profile.identify", "context:c-other", `{"identities":[`+bad+`]}`, "")
	}
	if a := s.resolve("email", "nobody@example.com", false); a.status != 404 || a.field("code") != "not_found" {
		t.Errorf("a stranger: %d %s", a.status, a.body)
	}
	// Nobody looks into the index itself.
	for _, auth := range []string{"", annaToken, tillToken, mayaToken} {
		for _, channel := range []string{"identity:phone:x", "code:123456"} {
			if a := s.call("GET", "/v1/channels/"+channel, auth, ""); a.status != 403 {
				t.Errorf("%s: %d %s", channel, a.status, a.body)
			}
		}
	}
	// By rpc it is the same, and a customer may not ask.
	desk := s.connect(t, annaToken)
	var found struct{ Data answerData }
	desk.ask("rpc", `{"method":"context.resolve","data":{"args":{"type":"instagram","value":"anna_b"}}}`, &found)
	if found.Data.Result.Context != id {
		t.Errorf("by rpc: %+v", found)
	}
	if code := field(s.connect(t, mayaToken).try("rpc", `{"method":"context.resolve","data":{"args":{"type":"instagram","value":"anna_b"}}}`), "error|code"); code != 103 {
		t.Errorf("a customer who asks gets %v", code)
	}
}

type answerData struct {
	Epoch  string
	Result struct {
		Context string
		Created bool
	}
}

// A code shown at a till gives it the context, for a while.
func TestACustomerChecksInAtATill(t *testing.T) {
	s := openShop(t, `{"customer":{"check_in":"3s"}}`)
	app, till := s.connect(t, mayaToken), s.connect(t, tillToken)
	app.subscribe(maya)
	app.accepted("profile.update", maya, "a-1", `{"traits":{"first_name":"Maya","last_name":"Secret"}}`)
	app.accepted("cart.add_line", maya, "a-2", `{"cart":"ca1","sku":"latte","quantity":1}`)
	app.accepted("conversation.open", maya, "a-3", `{"conversation":"v1","channel":"web"}`)
	if code := field(till.try("subscribe", `{"channel":"context:c-42"}`), "error|code"); code != 103 {
		t.Fatalf("a till follows a stranger: %v", code)
	}
	made := app.accepted("context.check_in_code", maya, "a-4", `{}`)
	code, _ := s.call("GET", "/v1/channels/"+maya, mayaToken, "").field("entries|check_in|doc|code").(string)
	if len(code) != 6 || !strings.Contains(string(made.body), code) {
		t.Fatalf("the code is %q, the answer %s", code, made.body)
	}
	if got := s.call("GET", "/v1/channels/"+maya, "", ""); strings.Contains(string(got.body), code) {
		t.Error("the backend sees the code")
	}
	var in struct{ Data answerData }
	till.ask("rpc", fmt.Sprintf(`{"method":"context.check_in","data":{"id":"t-1","args":{"code":%q}}}`, code), &in)
	if in.Data.Result.Context != "c-42" {
		t.Fatalf("the till got %+v", in)
	}
	seen := till.subscribe(maya)
	if field(seen.Data.Entries["profile"].Doc, "traits|first_name") != "Maya" || strings.Contains(string(seen.Data.Entries["profile"].Doc), "Secret") {
		t.Errorf("the till sees %s", seen.Data.Entries["profile"].Doc)
	}
	if _, ok := seen.Data.Entries["cart/ca1"]; !ok {
		t.Error("the till does not see the cart")
	}
	if _, ok := seen.Data.Entries["conversation/v1"]; ok {
		t.Error("the till sees the conversation")
	}
	added := till.accepted("cart.add_line", maya, "t-2", `{"cart":"ca1","sku":"x","quantity":1}`)
	if added.field("event|type") != "cart.line_added" {
		t.Errorf("the till's answer is %s", added.body)
	}
	app.saw(maya, "cart.line_added")
	// Its time is over: what it follows ends, and it may not any more.
	over := till.pushed(maya, "the end", func(p push) bool { return p.Unsubscribe != nil })
	if over.Unsubscribe.Code != 2000 {
		t.Errorf("the code is %d", over.Unsubscribe.Code)
	}
	if p := till.command("cart.add_line", maya, "t-3", `{"cart":"ca1","sku":"x","quantity":1}`); p.field("problem|code") != "forbidden" {
		t.Errorf("afterwards: %s", p.body)
	}
	if p := till.try("rpc", fmt.Sprintf(`{"method":"context.check_in","data":{"id":"t-4","args":{"code":%q}}}`, code)); !strings.Contains(string(p), "code_expired") {
		t.Errorf("the code again: %s", p)
	}
}

// Scenario 11: two identities merge.
func TestScenario11TwoIdentitiesMerge(t *testing.T) {
	for policy, x := range map[string]int{"max": 2, "sum": 3} {
		t.Run(policy, func(t *testing.T) {
			onBothEngines(t, fmt.Sprintf(`{"customer":{"cart_merge":%q}}`, policy), func(t *testing.T, s *shop) { mergeTwo(t, s, x) })
		})
	}
}

// mergeTwo plays it; afterwards there are so many of X in the cart.
func mergeTwo(t *testing.T, s *shop, x int) {
	const account, anonymous = "context:c-account", "context:c-anonymous"
	accountToken := token(`{"sub":"c-account","role":"customer","name":"Anna"}`)
	anonymousToken := token(`{"sub":"c-anonymous","role":"customer"}`)
	s.price("y", 500)
	must := func(token, on, method, args string) { t.Helper(); s.must(token, method, on, args, "") }

	// An account with a cart and a chat that an agent has; later the same person without the account.
	s.backend("profile.identify", account, `{"identities":[{"type":"user_id","value":"u-1"}]}`)
	must(accountToken, account, "cart.add_line", `{"cart":"ca-account","line":"l1","sku":"x","quantity":2}`)
	must(accountToken, account, "profile.set_consent", `{"type":"marketing","status":"grant"}`)
	must(accountToken, account, "conversation.open", `{"conversation":"v-account","channel":"web"}`)
	must(annaToken, account, "conversation.claim", `{"conversation":"v-account"}`)
	s.backend("profile.identify", anonymous, `{"identities":[{"type":"anonymous_id","value":"browser-1"},{"type":"email","value":"anna@example.com"}]}`)
	must(anonymousToken, anonymous, "cart.add_line", `{"cart":"ca-anonymous","line":"l1","sku":"x","quantity":1}`)
	must(anonymousToken, anonymous, "cart.add_line", `{"cart":"ca-anonymous","line":"l2","sku":"y","quantity":1}`)
	must(anonymousToken, anonymous, "profile.set_consent", `{"type":"marketing","status":"deny"}`)
	must(anonymousToken, anonymous, "conversation.open", `{"conversation":"v-anonymous","channel":"web"}`)
	must(anonymousToken, anonymous, "conversation.post", `{"conversation":"v-anonymous","message":"m1","text":"hello"}`)
	must(benToken, anonymous, "conversation.claim", `{"conversation":"v-anonymous"}`)

	app, old, ben := s.connect(t, accountToken), s.connect(t, anonymousToken), s.connect(t, benToken)
	start := app.subscribe(account)
	old.subscribe(anonymous)
	ben.subscribe(anonymous)

	// She signs in on the app: the backend says that the two are one. The older one wins, whichever is named.
	merged := s.must("", "context.merge", account, fmt.Sprintf(`{"into":"c-anonymous","into_version":%d}`, s.profileVersion(anonymous)),
		fmt.Sprintf(`{"profile":%d}`, s.profileVersion(account)))
	if merged.field("result|context") != "c-account" || merged.field("result|alias") != "c-anonymous" {
		t.Fatalf("%s", merged.body)
	}

	s.want(account, "cart/ca-account", "lines|l1|quantity", x)
	s.want(account, "cart/ca-account", "total|amount", x*1000+500)
	s.want(account, "cart/ca-anonymous", "state", "merged")
	s.want(account, "profile", "consents|marketing|status", "deny")
	for conversation, owner := range map[string]string{"v-account": "anna", "v-anonymous": "ben"} {
		s.want(account, "conversation/"+conversation, "owner|id", owner)
	}
	for _, h := range [][2]string{{"anonymous_id", "browser-1"}, {"email", "Anna@Example.com"}, {"user_id", "u-1"}} {
		if got := s.resolve(h[0], h[1], false).field("result|context"); got != "c-account" {
			t.Errorf("%v is %v", h, got)
		}
	}
	for name, auth := range map[string]string{"the backend": "", "the old token": anonymousToken, "the agent": benToken} {
		a := s.call("GET", "/v1/channels/"+anonymous, auth, "")
		if a.field("channel") != account || a.field("entries|cart/ca-account|doc|total|amount") != x*1000+500 {
			t.Errorf("%s finds %d %s under the old name", name, a.status, a.body)
		}
	}

	// Sockets on the loser are moved, without reconnecting, and go on there.
	for name, socket := range map[string]*socket{"the old app": old, "the agent": ben} {
		told := socket.pushed(anonymous, "unsubscribe", func(p push) bool { return p.Unsubscribe != nil })
		if told.Unsubscribe.Code != 2001 {
			t.Errorf("%s: code %d", name, told.Unsubscribe.Code)
		}
		begun := socket.pushed(account, "subscribe", func(p push) bool { return p.Subscribe != nil }).Subscribe
		if field(begun.Data.Entries["cart/ca-account"].Doc, "total|amount") != x*1000+500 || !begun.Recoverable {
			t.Errorf("%s begins with %+v", name, begun)
		}
	}
	added := s.must(anonymousToken, "cart.add_line", anonymous, `{"sku":"latte","quantity":1}`, "")
	if added.field("on") != account {
		t.Errorf("a command on the old name is answered %s", added.body)
	}
	for _, socket := range []*socket{app, old, ben} {
		if socket.saw(account, "cart.line_added") == 0 || !socket.open() {
			t.Error("a socket is left behind")
		}
	}
	s.want(account, "cart/ca-account", "total|amount", x*1000+500+450)
	late := s.refused("cart_not_active", anonymousToken, "cart.add_line", anonymous, `{"cart":"ca-anonymous","sku":"x","quantity":1}`, "")
	if late.field("details|merged_into") != "ca-account" {
		t.Errorf("a late command to the old cart: %s", late.body)
	}
	// Whoever comes to the old name later is brought along as well.
	newcomer := s.connect(t, anonymousToken)
	newcomer.subscribe(anonymous)
	newcomer.pushed(account, "subscribe", func(p push) bool { return p.Subscribe != nil })
	s.refused("forbidden", token(`{"sub":"c-stranger","role":"customer"}`), "cart.add_line", account, `{"sku":"x","quantity":1}`, "")

	// What the app heard, on top of what it began with, is what the hub holds.
	want := s.documents(t, account, accountToken)
	got := folded(t, start, app.events(account))
	for key := range want {
		if want[key] != got[key] {
			t.Errorf("the app holds of %s:\n%s\nwant\n%s", key, got[key], want[key])
		}
	}
	s.crash()
	s.want(account, "cart/ca-account", "total|amount", x*1000+500+450)
	if a := s.call("GET", "/v1/channels/"+anonymous, anonymousToken, ""); a.field("channel") != account {
		t.Errorf("after a crash the old name leads to %s", a.body)
	}
	// A till tablet's device id merges nobody.
	s.refused("invalid", "", "profile.identify", account, `{"identities":[{"type":"device","value":"d-1"}]}`, "")
}

// The stock client is moved as well, on the socket it has.
func TestTheStockClientIsMovedToTheWinner(t *testing.T) {
	s := openShop(t, "")
	s.backend("profile.identify", "context:c-account", `{"identities":[{"type":"user_id","value":"u-1"}]}`)
	s.backend("profile.identify", "context:c-anonymous", `{"identities":[{"type":"anonymous_id","value":"browser-1"}]}`)
	stock(t, time.Minute, "merge.mjs", s.url, apiKey, token(`{"sub":"c-anonymous","role":"customer"}`))
}

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
