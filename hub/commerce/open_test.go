package commerce_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// Staff sees a trace of how to reach the customer until they open it, and that is an event.
func TestContactDataIsMaskedUntilItIsOpened(t *testing.T) {
	w := newTown(t, commerce.Config{})
	on := hub.Channel("context:c-42")
	w.must(service, on, "profile.update", obj{"traits": obj{"first_name": "Maya", "email": "maya@example.com", "phone": "+14155550123", "tier": "gold"}})
	w.must(service, on, "profile.identify", obj{"identities": []obj{{"type": "email", "value": "maya@example.com"}}})
	w.must(service, on, "conversation.receive", obj{"channel": "whatsapp", "address": "+14155550123", "external_id": "1", "text": "hi"})

	sees := func(role hub.Role) string {
		snapshot, err := w.hub.Snapshot(t.Context(), on)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		text.WriteString(show(w.hub.Sights().Entries(hub.Audience{Role: role}, on, snapshot.Entries)))
		log, err := w.hub.History(t.Context(), on, hub.HistoryQuery{Limit: -1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range log.Messages {
			text.WriteString(show(w.hub.Sights().Event(hub.Audience{Role: role}, on, m.Event)))
		}
		return text.String()
	}
	for _, role := range []hub.Role{hub.RoleAgent, hub.RoleSupervisor} {
		text := sees(role)
		for secret, trace := range map[string]string{"maya@example.com": "m…@example.com", "+14155550123": "…123"} {
			if strings.Contains(text, secret) || !strings.Contains(text, trace) {
				t.Errorf("%s sees %s, or no trace of it: %s", role, secret, text)
			}
		}
		if !strings.Contains(text, "Maya") || !strings.Contains(text, "gold") {
			t.Errorf("%s sees too little: %s", role, text)
		}
	}

	a := w.must(agent, on, "profile.open", obj{"reason": "calls back"})
	opened := a.Result.(commerce.Opened)
	want := map[string]string{"first_name": "Maya", "email": "maya@example.com", "phone": "+14155550123", "tier": "gold"}
	if diff := cmp.Diff(want, opened.Traits); diff != "" || opened.Identities["email:maya@example.com"].Value != "maya@example.com" || len(opened.Addresses) != 1 {
		t.Errorf("opened, it shows %+v", opened)
	}
	if a.Event == nil || a.Event.Type != "profile.opened" || a.Event.By.ID != agent.ID || string(a.Event.Data) != `{"reason":"calls back"}` {
		t.Errorf("the event is %+v", a.Event)
	}
	if text := sees(hub.RoleCustomer); strings.Contains(text, "profile.opened") {
		t.Errorf("the customer sees who looked: %s", text)
	}
	for _, who := range []hub.Caller{customer, till, bot} {
		if p := w.send(who, on, "profile.open", "by-"+who.ID, obj{}, nil).Problem; p == nil || p.Code != hub.CodeForbidden {
			t.Errorf("%s: %v", who.Role, p)
		}
	}
}
