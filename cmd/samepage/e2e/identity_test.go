package e2e

import (
	"fmt"
	"strings"
	"testing"
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
