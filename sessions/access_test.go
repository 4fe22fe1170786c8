package sessions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// The matrix of who may follow (r) and address (c) which channel, as one page.
const accessMatrix = `
                  c-42  c-43  store:s1 store:s2 catalog board:s1 board:s2 support sales desk:me desk:x roster
guest             .     .     .        .        .       .        .        .       .     .       .      .
customer c-42     rc    .     r        r        r       .        .        .       .     .       .      .
pos s1            c     .     rc       .        r       r        .        .       .     .       .      .
pos s2            .     .     .        rc       r       .        r        .       .     .       .      .
agent support     rc    .     r        r        r       .        .        r       .     rc      .      rc
agent sales       .     .     r        r        r       .        .        .       r     rc      .      rc
supervisor both   rc    .     r        r        r       .        .        r       r     rc      .      rc
supervisor of all rc    rc    r        r        r       .        .        r       r     rc      .      rc
agent offered     .     rc    r        r        r       .        .        .       .     .       .      rc
bot with a thread .     rc    r        r        r       .        .        .       .     .       .      .
bot that had one  c     .     r        r        r       .        .        .       .     .       .      .
service           rc    rc    rc       rc       rc      rc       rc       rc      rc    rc      rc     rc
service in scopes r     r     rc       rc       .       .        .        .       .     .       .      .
service in none   .     .     .        .        .       .        .        .       .     .       .      .
`

func TestAccessIsDeniedUnlessTheTableAllowsIt(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("catalog.set", "catalog:default", latte)
	h.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	h.order("c-42", "s1")
	once, helper := hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: "once"}}, hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: "helper"}}
	x := hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "x"}, Queues: []string{"billing"}}
	h.as(once, "conversation.open", "context:c-42", `{"conversation":"v2","channel":"web","queue":"support"}`)
	h.as(once, "conversation.escalate", "context:c-42", `{"conversation":"v2","reason":"policy"}`)
	h.as(helper, "conversation.open", "context:c-43", `{"conversation":"v1","channel":"web","queue":"billing"}`)
	h.as(x, "conversation.open", "context:c-43", `{"conversation":"v2","channel":"web","queue":"billing"}`)
	h.as(x, "conversation.transfer", "context:c-43", `{"conversation":"v2","to":{"type":"agent","id":"ben"}}`)
	access := h.server.Access()
	who := func(role hub.Role, change func(*sessions.Identity)) *sessions.Identity {
		id := &sessions.Identity{Caller: hub.Caller{Actor: hub.Actor{Role: role, ID: "me"}}}
		if change != nil {
			change(id)
		}
		return id
	}
	queues := func(q ...string) func(*sessions.Identity) {
		return func(id *sessions.Identity) { id.Queues = q }
	}
	rows := []struct {
		name string
		id   *sessions.Identity
	}{
		{"guest", who(hub.RoleGuest, nil)},
		{"customer c-42", who(hub.RoleCustomer, func(id *sessions.Identity) { id.Context = "c-42" })},
		{"pos s1", who(hub.RolePOS, func(id *sessions.Identity) { id.Store = "s1" })},
		{"pos s2", who(hub.RolePOS, func(id *sessions.Identity) { id.Store = "s2" })},
		{"agent support", who(hub.RoleAgent, queues("support"))},
		{"agent sales", who(hub.RoleAgent, queues("sales"))},
		{"supervisor both", who(hub.RoleSupervisor, queues("support", "sales"))},
		{"supervisor of all", who(hub.RoleSupervisor, nil)},
		{"agent offered", who(hub.RoleAgent, func(id *sessions.Identity) { id.ID, id.Queues = "ben", nil })},
		{"bot with a thread", who(hub.RoleBot, func(id *sessions.Identity) { id.ID = "helper" })},
		{"bot that had one", who(hub.RoleBot, func(id *sessions.Identity) { id.ID, id.Queues = "once", []string{"support"} })},
		{"service", who(hub.RoleService, nil)},
		{"service in scopes", who(hub.RoleService, func(id *sessions.Identity) { id.Scopes = []string{"store", "context:read"} })},
		{"service in none", who(hub.RoleService, func(id *sessions.Identity) { id.Scopes = []string{} })},
	}
	columns := []hub.Channel{"context:c-42", "context:c-43", "store:s1", "store:s2", "catalog:default", "board:s1", "board:s2",
		"queue:support", "queue:sales", "desk:me", "desk:x", "roster:all"}
	names := strings.Fields(strings.Split(accessMatrix, "\n")[1])
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-17s", "")
	line := func(cells []string) {
		var l strings.Builder
		for i, c := range cells {
			fmt.Fprintf(&l, " %-*s", max(len(names[i]), 5), c)
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	line(names)
	for _, row := range rows {
		fmt.Fprintf(&b, "%-17s", row.name)
		var cells []string
		for _, ch := range columns {
			cell := ""
			if access.Subscribe(t.Context(), row.id, ch) == nil {
				cell += "r"
			}
			if access.Command(t.Context(), row.id, ch) == nil {
				cell += "c"
			}
			if cell == "" {
				cell = "."
			}
			cells = append(cells, cell)
		}
		line(cells)
	}
	if b.String() != accessMatrix {
		t.Fatalf("got\n%s\nwant\n%s", b.String(), accessMatrix)
	}
}

func TestGrantsAddRightsOnPlainChannelsOnly(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	access := h.server.Access()
	id := &sessions.Identity{Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleGuest, ID: "u1"}}, Grants: []sessions.Grant{
		{Channels: []string{"closed:*"}, Can: []string{"subscribe", "publish"}}, {Channels: []string{"context:*", "*"}, Can: []string{"subscribe", "publish", "history"}},
	}}
	for ch, want := range map[hub.Channel]string{"closed:a": "", "context:c-42": hub.CodeForbidden, "nope:a": hub.CodeNotFound} {
		got := ""
		if p := access.Subscribe(t.Context(), id, ch); p != nil {
			got = p.Code
		}
		if got != want {
			t.Errorf("subscribe to %s: %q, want %q", ch, got, want)
		}
		if p := access.Publish(t.Context(), id, ch); (p == nil) != (want == "") {
			t.Errorf("publish to %s: %v", ch, p)
		}
	}
	everything := sessions.Guest()
	everything.Everything = true
	for ch, want := range map[hub.Channel]bool{"closed:a": true, "own:a#7": true, "context:c-42": false} {
		if p := access.Subscribe(t.Context(), everything, ch); (p == nil) != want {
			t.Errorf("insecure on %s: %v", ch, p)
		}
	}
}

// A service with scopes has its rights from them alone, on whatever it finds as well.
func TestAScopedServiceFindsNothingOutsideItsScopes(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	id := &sessions.Identity{Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "stock"}}, Scopes: []string{"store", "context:read"}}
	for method, args := range map[string]string{
		"context.resolve":      `{"type":"email","value":"maya@example.com","create":true}`,
		"conversation.receive": `{"channel":"whatsapp","address":"+14155550100","external_id":"1","text":"hi"}`,
	} {
		a, _ := h.server.Command(t.Context(), id, method, []byte(`{"id":"`+method+`","args":`+args+`}`))
		if a.Problem == nil || a.Problem.Code != hub.CodeForbidden {
			t.Errorf("%s: %+v", method, a)
		}
	}
	if p := h.server.Access().Publish(t.Context(), id, "closed:a"); p == nil {
		t.Error("it publishes to a plain channel")
	}
}

// A method of several kinds of channel is held against the table on each of them.
func TestAMethodOfManyKindsIsForOwnChannelsOnly(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	till := &sessions.Identity{Caller: hub.Caller{Actor: hub.Actor{Role: hub.RolePOS, ID: "till-1"}, Store: "s1"}}
	for on, want := range map[string]string{"store:s1": "", "store:s2": hub.CodeForbidden, "context:c-42": hub.CodeForbidden, "catalog:default": hub.CodeInvalid} {
		a, _ := h.server.Command(t.Context(), till, "test.mark", []byte(`{"id":"`+on+`","on":"`+on+`","args":{}}`))
		got := ""
		if a.Problem != nil {
			got = a.Problem.Code
		}
		if got != want {
			t.Errorf("on %s: %v, want %s", on, a.Problem, want)
		}
	}
}
