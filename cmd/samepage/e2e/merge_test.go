package e2e

import (
	"fmt"
	"testing"
	"time"
)

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
