package commerce_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

const (
	anna hub.Channel = "context:c-anna"
	ben  hub.Channel = "context:c-ben"
)

func owns(on hub.Channel) hub.Caller {
	return hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: on.ID(), Via: "app"}, Context: on.ID()}
}

func TestAHandleHasOneFormAndOneOwner(t *testing.T) {
	w := newTown(t, commerce.Config{})
	w.identify(anna, handle("phone", "(415) 555-0100"), handle("email", "  Anna@Example.COM "), handle("instagram", "@Anna_B"))
	for _, same := range []obj{
		handle("phone", "+1 415 555 0100"), handle("phone", "1-415-555-0100"), handle("whatsapp", "+14155550100"), handle("sms", "415.555.0100"),
		handle("email", "anna@example.com"), handle("instagram", "anna_b"),
	} {
		if got := w.resolve(same["type"].(string), same["value"].(string)); got != "c-anna" {
			t.Errorf("%v is %q's", same, got)
		}
		w.refused(commerce.CodeIdentityConflict, service, ben, "profile.identify", obj{"identities": []obj{same}})
	}
	if len(w.entries(ben)) > 0 {
		t.Errorf("what was refused left %v", w.entries(ben))
	}
	w.want(anna, "profile", obj{"identities|phone:+14155550100|value": "+14155550100", "identities|email:anna@example.com|type": "email"})
}

func TestANumberIsTheSameHoweverItIsDialled(t *testing.T) {
	w := newTown(t, commerce.Config{Identities: commerce.Identities{Region: "AR"}})
	w.identify(anna, handle("whatsapp", "+54 9 11 2345-6789"))
	for _, number := range []string{"+54 11 2345 6789", "011 15 2345-6789", "5491123456789", "+5491123456789"} {
		if got := w.do(service, "", "context.resolve", handle("phone", number)); got.Problem != nil || got.Result.(commerce.Resolved).Context != "c-anna" {
			t.Errorf("%s: %v %v", number, got.Problem, got.Result)
		}
	}
}

func TestWhatIsNobodysIsRefused(t *testing.T) {
	w := newTown(t, commerce.Config{Identities: commerce.Identities{Blocked: []string{"till-[0-9]+"}}})
	for _, value := range []string{"", " ", "-1", "null", "NULL", "undefined", "anonymous", "Anonymous", "000000", "0-0-0", "---", "till-17"} {
		w.refused(hub.CodeInvalid, service, anna, "profile.identify", obj{"identities": []obj{handle("user_id", value)}})
		w.refused(hub.CodeInvalid, service, "", "context.resolve", obj{"type": "user_id", "value": value})
	}
	for _, h := range []obj{
		handle("device", "d-1"), handle("device_id", "d-1"), handle("nonsense", "x"), handle("phone", "12"), handle("phone", "hello"),
		handle("email", "at"), handle("email", "a b@c.de"), handle("marketplace:", "1"), handle("email", strings.Repeat("a", 130)+"@b.de"),
	} {
		w.refused(hub.CodeInvalid, service, anna, "profile.identify", obj{"identities": []obj{h}})
	}
	tablet := hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: "b", Device: "kitchen-tablet"}}
	w.refused(hub.CodeInvalid, tablet, anna, "profile.identify", obj{"identities": []obj{handle("anonymous_id", "kitchen-tablet")}})
}

func TestACustomerHasSoManyHandlesOfAType(t *testing.T) {
	w := newTown(t, commerce.Config{})
	w.identify(anna, handle("user_id", "u-1"))
	if d := w.refused(commerce.CodeIdentityConflict, service, anna, "profile.identify", obj{"identities": []obj{handle("user_id", "u-2")}}); d["limit"] != 1.0 {
		t.Errorf("details %v", d)
	}
	for n := range 5 {
		w.identify(anna, handle("email", fmt.Sprintf("anna%d@example.com", n)))
	}
	w.refused(commerce.CodeIdentityConflict, service, anna, "profile.identify", obj{"identities": []obj{handle("email", "anna5@example.com")}})
	w.refused(hub.CodeNotFound, service, "", "context.resolve", handle("email", "anna5@example.com")) // and nobody has it
	w.identify(ben, handle("email", "anna5@example.com"), handle("user_id", "u-2"))
}

func TestACustomerLinksWhatTheTokenVouchesFor(t *testing.T) {
	w := newTown(t, commerce.Config{})
	by := owns(anna)
	w.refused(hub.CodeForbidden, by, anna, "profile.identify", obj{"identities": []obj{handle("email", "anna@example.com")}})
	by.Vouched = []hub.Handle{{Type: "email", Value: "Anna@example.com"}}
	w.must(by, anna, "profile.identify", obj{"identities": []obj{handle("email", "anna@example.com")}})
	w.want(anna, "profile", obj{"identities|email:anna@example.com|verified": true})
	w.refused(hub.CodeForbidden, by, anna, "profile.identify", obj{"identities": []obj{handle("email", "ben@example.com")}})
}

func TestAClaimWhoseNodeDiedIsLetGo(t *testing.T) {
	for _, after := range []bool{false, true} {
		w := newTown(t, commerce.Config{})
		w.engine.after = after
		w.engine.left.Store(2) // the claim is stored; the profile is not, or nobody hears of it
		w.do(service, anna, "profile.identify", obj{"identities": []obj{handle("email", "anna@example.com")}})
		w.start()
		w.later(2 * time.Minute)
		if after {
			if got := w.resolve("email", "anna@example.com"); got != "c-anna" {
				t.Errorf("it is %q's", got)
			}
			continue
		}
		w.identify(ben, handle("email", "anna@example.com"))
	}
}

func TestResolvingMakesOneContextHoweverOftenItIsAsked(t *testing.T) {
	w := newTown(t, commerce.Config{})
	w.refused(hub.CodeNotFound, bot, "", "context.resolve", handle("email", "anna@example.com"))
	args := obj{"type": "email", "value": "anna@example.com", "create": true}
	w.refused(hub.CodeForbidden, owns(anna), "", "context.resolve", args)
	if a := w.send(service, "", "context.resolve", "", args, nil); a.Problem == nil || a.Problem.Code != hub.CodeInvalid {
		t.Errorf("without an id: %+v", a)
	}
	first := w.send(service, "", "context.resolve", "r-1", args, nil)
	again := w.send(service, "", "context.resolve", "r-1", args, nil)
	other := w.send(service, "", "context.resolve", "r-2", args, nil)
	if first.Problem != nil || !first.Result.(commerce.Resolved).Created || first.Position.Offset != 1 {
		t.Fatalf("%+v", first)
	}
	if again.Result != first.Result {
		t.Errorf("sent again: %v, then %v", first.Result, again.Result)
	}
	if r := other.Result.(commerce.Resolved); r.Created || r.Context != first.Result.(commerce.Resolved).Context {
		t.Errorf("asked by another: %v", r)
	}
	made := make(chan hub.Answer)
	for n := range 8 {
		go func() {
			made <- w.send(service, "", "context.resolve", fmt.Sprintf("race-%d", n), obj{"type": "phone", "value": "+14155550177", "create": true}, nil)
		}()
	}
	contexts, created := map[string]bool{}, 0
	for range 8 {
		a := <-made
		if a.Problem != nil {
			t.Fatal(a.Problem)
		}
		r := a.Result.(commerce.Resolved)
		contexts[r.Context] = true
		if r.Created {
			created++
		}
	}
	if len(contexts) != 1 || created != 1 {
		t.Errorf("eight who asked at once got %v, %d made", contexts, created)
	}
}

func TestWhatIsTrackedNeedsConsent(t *testing.T) {
	w := newTown(t, commerce.Config{})
	seen := obj{"event": "Product Viewed", "properties": obj{"sku": "x", "note": nil, "list": []any{1, nil}}}
	if a := w.must(owns(anna), anna, "activity.track", seen); a.Event != nil {
		t.Error("it was kept without consent")
	}
	w.must(owns(anna), anna, "profile.set_consent", obj{"type": "analytics", "status": "grant"})
	w.must(owns(anna), anna, "activity.track", seen)
	w.want(anna, "activity", obj{"items|1|summary": "Product Viewed", "items|1|properties|sku": "x", "items|1|properties|note": nil})
	w.must(owns(anna), anna, "profile.set_consent", obj{"type": "analytics", "status": "revoke"})
	if a := w.must(owns(anna), anna, "activity.track", seen); a.Event != nil {
		t.Error("it was kept after the consent was revoked")
	}
	w.refused(hub.CodeInvalid, owns(anna), anna, "activity.track", obj{"event": "x", "properties": obj{"long": strings.Repeat("a", 3000)}})
}

func TestACodeGivesATillTheContextForAWhile(t *testing.T) {
	w := newTown(t, commerce.Config{})
	w.must(owns(anna), anna, "profile.update", obj{"traits": obj{"first_name": "Anna"}})
	w.must(owns(anna), anna, "cart.add_line", obj{"cart": "ca1", "line": "l1", "sku": "x", "quantity": 1})
	line := obj{"cart": "ca1", "sku": "y", "quantity": 1}
	w.refused(hub.CodeForbidden, till, anna, "cart.add_line", line)

	w.must(owns(anna), anna, "context.check_in_code", nil)
	code := w.at(anna, "check_in", "code").(string)
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		t.Fatalf("the code is %q", code)
	}
	w.refused(commerce.CodeCodeExpired, till, "", "context.check_in", obj{"code": "nothing"})
	a := w.must(till, "", "context.check_in", obj{"code": code})
	r := a.Result.(commerce.CheckedIn)
	if r.Context != "c-anna" || !r.Until.Equal(w.now.Add(15*time.Minute)) {
		t.Errorf("the till got %+v", r)
	}
	w.refused(commerce.CodeCodeExpired, otherTill, "", "context.check_in", obj{"code": code}) // it is good once
	w.must(till, anna, "cart.add_line", line)
	w.refused(hub.CodeForbidden, otherTill, anna, "cart.add_line", line)
	w.later(15*time.Minute - time.Second)
	w.must(till, anna, "cart.add_line", line)
	w.later(2 * time.Second)
	w.refused(hub.CodeForbidden, till, anna, "cart.add_line", line)
	if _, ok := w.entries(anna)["check_in"]; ok {
		t.Error("the check-in stays")
	}

	w.must(owns(anna), anna, "context.check_in_code", nil)
	code = w.at(anna, "check_in", "code").(string)
	w.later(2*time.Minute + time.Second)
	w.refused(commerce.CodeCodeExpired, till, "", "context.check_in", obj{"code": code})
	if len(w.entries(hub.Channel("code:"+code))) > 0 || w.at(anna, "check_in", "code") != nil {
		t.Error("the code stays")
	}
}

func TestWhoSeesACheckIn(t *testing.T) {
	w := newTown(t, commerce.Config{})
	w.must(owns(anna), anna, "cart.add_line", obj{"cart": "ca1", "sku": "x", "quantity": 1})
	w.must(owns(anna), anna, "context.check_in_code", nil)
	all := w.entries(anna)
	for name, c := range map[string]struct {
		audience   hub.Audience
		code, cart bool
	}{
		"the customer sees both":          {hub.Audience{Role: hub.RoleCustomer}, true, true},
		"an agent sees no code":           {hub.Audience{Role: hub.RoleAgent}, false, true},
		"a service sees no code":          {hub.Audience{Role: hub.RoleService}, false, true},
		"a till sees neither":             {hub.Audience{Role: hub.RolePOS, Store: "s1"}, false, false},
		"a checked-in till sees the cart": {hub.Audience{Role: hub.RolePOS, Store: "s1", CheckedIn: true}, false, true},
	} {
		seen := w.hub.Sights().Entries(c.audience, anna, all)
		if _, cart := seen["cart/ca1"]; cart != c.cart {
			t.Errorf("%s: cart seen: %v", name, cart)
		}
		if code := strings.Contains(string(seen["check_in"].Doc), `"code"`); code != c.code {
			t.Errorf("%s: code seen: %v", name, code)
		}
	}
}
