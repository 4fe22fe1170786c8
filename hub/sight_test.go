package hub_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/samepage/samepage/hub"
	"pgregory.net/rapid"
)

// A little shop: tickets with a store that may change and fields not for all.
func ticketLabels(doc json.RawMessage) []string {
	var t struct {
		B string `json:"b"`
	}
	_ = json.Unmarshal(doc, &t)
	return []string{t.B}
}

var when = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

var shop = hub.NewSights(hub.Model{
	Sights: []hub.EntrySight{{
		Channel: "context", Entry: "ticket", Labels: ticketLabels,
		Roles: map[hub.Role]hub.Sight{
			hub.RoleService:    {},
			hub.RoleCustomer:   {Hide: []string{"a", "c.a", "d/e.*.b"}},
			hub.RoleAgent:      {Show: []string{"b", "c.b", "a.*"}},
			hub.RoleSupervisor: {Mask: []string{"b", "c.a", "a.*.b"}, Hide: []string{"a.c"}},
			hub.RoleBot:        {Show: []string{"a", "c.b"}, Mask: []string{"a.b", "c"}},
			hub.RolePOS:        {If: func(a hub.Audience, labels []string) bool { return labels[0] == a.Store }, Hide: []string{"c"}},
		},
	}},
	Events: map[string]map[hub.Role]hub.Sight{"ticket.put": {hub.RoleCustomer: {Show: []string{"reason"}}}},
})

func state(t interface{ Fatal(...any) }, entries map[string]hub.Entry) map[string]string {
	s := map[string]string{}
	for k, e := range entries {
		s[k] = fmt.Sprintf("v%d %s", e.Version, sorted(t, e.Doc))
	}
	return s
}

// A client that applies what it is sent holds what the filter shows of the
// hub's entries: for random histories and every audience.
func TestFilteredEventsLeadFromOneFilteredSnapshotToTheNext(t *testing.T) {
	put := hub.NewMethod("ticket.put", "context", hub.ModeCommutes, nil, func(tx *hub.Tx, args map[string]any) *hub.Problem {
		key := args["key"].(string)
		if doc, ok := args["doc"]; ok {
			tx.Put(key, doc)
		} else {
			tx.Delete(key)
		}
		tx.Emit("ticket.put", nil)
		return nil
	})
	methods := hub.NewMethods(hub.Model{Methods: []hub.Method{put}})
	audiences := []hub.Audience{{Role: hub.RoleService}, {Role: hub.RoleCustomer}, {Role: hub.RoleAgent},
		{Role: hub.RoleSupervisor}, {Role: hub.RoleBot}, {Role: hub.RolePOS, Store: "x"}, {Role: hub.RolePOS, Store: "null"}, {Role: hub.RoleGuest}}
	rapid.Check(t, func(t *rapid.T) {
		full := hub.State{}
		held := make([]map[string]hub.Entry, len(audiences))
		for i := range held {
			held[i] = map[string]hub.Entry{}
		}
		for n := range rapid.IntRange(1, 8).Draw(t, "commands") {
			args := map[string]any{"key": rapid.SampledFrom([]string{"ticket/1", "ticket/2", "secret"}).Draw(t, "key")}
			if rapid.IntRange(0, 4).Draw(t, "gone") > 0 {
				args["doc"] = document(3).Draw(t, "doc")
			}
			d := hub.Decide(methods, shop, hub.Command{Method: "ticket.put", ID: fmt.Sprint(n), On: "context:c",
				Args: encode(t, args), Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleSystem}}}, when, full, nil)
			if d.Problem != nil {
				t.Fatal(d.Problem)
			}
			full = d.State
			for i, a := range audiences {
				if d.Commit.Event != nil {
					follow(t, held[i], shop.Event(a, "context:c", number(d.Commit.Event, full.Position.Offset)))
				}
				want, got := state(t, shop.Entries(a, "context:c", full.Entries)), state(t, held[i])
				for k := range got { // a change that left nothing visible does not tell its version
					got[k], want[k] = got[k][len("v0 "):], want[k][len("v0 "):]
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%v: %s", a, diff)
				}
			}
		}
	})
}

func number(e *hub.Event, offset uint64) *hub.Event {
	numbered := *e
	numbered.Changes = append([]hub.Change{}, e.Changes...)
	for i := range numbered.Changes {
		numbered.Changes[i].Version = offset
	}
	return &numbered
}

func follow(t interface{ Fatal(...any) }, held map[string]hub.Entry, e *hub.Event) {
	if e == nil {
		return
	}
	for _, c := range e.Changes {
		if c.Labels != nil || c.Was != nil || c.Moved {
			t.Fatal("labels leave the hub")
		}
		switch {
		case c.Gone:
			delete(held, c.Key)
		case c.Doc != nil:
			held[c.Key] = hub.Entry{Version: c.Version, Doc: c.Doc}
		default:
			held[c.Key] = hub.Entry{Version: c.Version, Doc: hub.Apply(held[c.Key].Doc, c.Patch)}
		}
	}
}

// Who guesses at versions learns nothing of entries that they may not see.
func TestAVersionTellsNothingOfWhatIsHidden(t *testing.T) {
	touch := hub.NewMethod("ticket.touch", "context", hub.ModeCommutes, []hub.Role{hub.RolePOS}, func(*hub.Tx, struct{}) *hub.Problem { return nil })
	methods := hub.NewMethods(hub.Model{Methods: []hub.Method{touch}})
	full := hub.State{Entries: map[string]hub.Entry{"ticket/1": {Version: 7, Doc: json.RawMessage(`{"b":"x"}`)}}}
	for name, tt := range map[string]struct {
		store string
		given uint64
		want  string // the problem's details
	}{
		"its own, as it stands":      {"x", 7, ""},
		"its own, behind":            {"x", 6, `{"entries":{"ticket/1":{"v":7,"doc":{"b":"x"}}},"versions":{"ticket/1":7}}`},
		"another's is not there":     {"y", 0, ""},
		"another's, guessed":         {"y", 7, `{"entries":{},"versions":{"ticket/1":0}}`},
		"another's, guessed wrongly": {"y", 6, `{"entries":{},"versions":{"ticket/1":0}}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := hub.Decide(methods, shop, hub.Command{Method: "ticket.touch", ID: "a", On: "context:c", IfVersion: map[string]uint64{"ticket/1": tt.given},
				Caller: hub.Caller{Actor: hub.Actor{Role: hub.RolePOS}, Store: tt.store}}, when, full, nil)
			got := ""
			if d.Problem != nil {
				got = string(encode(t, d.Problem.Details))
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestEventDataIsForStaffUnlessATableSaysOtherwise(t *testing.T) {
	e := &hub.Event{
		Type: "ticket.put", By: hub.Actor{Role: hub.RoleAgent, ID: "agent-7", Name: "Ann", Device: "d"},
		Changes: []hub.Change{{Key: "ticket/1", Doc: json.RawMessage(`{"b":"x"}`)}},
		Data:    json.RawMessage(`{"reason":"late","score":7}`),
	}
	for role, want := range map[hub.Role]string{
		hub.RoleService: `{"reason":"late","score":7}`, hub.RoleAgent: `{"reason":"late","score":7}`,
		hub.RoleCustomer: `{"reason":"late"}`, hub.RolePOS: ``,
	} {
		e.Changes[0].Labels = []string{"x"}
		seen := shop.Event(hub.Audience{Role: role, Store: "x"}, "context:c", e)
		if string(seen.Data) != want {
			t.Errorf("%s sees data %s, want %s", role, seen.Data, want)
		}
	}
	seen := shop.Event(hub.Audience{Role: hub.RoleCustomer}, "context:c", e)
	if seen.By.ID != "" || seen.By.Device != "" || seen.By.Name != "Ann" {
		t.Errorf("a customer sees %+v of staff, want the display name alone", seen.By)
	}
	if shop.Event(hub.Audience{Role: hub.RoleGuest}, "context:c", e) != nil {
		t.Error("an event of which a guest may see nothing is sent to guests")
	}
}

func TestOfWhatIsMaskedATraceIsLeft(t *testing.T) {
	sights := hub.NewSights(hub.Model{Sights: []hub.EntrySight{{
		Channel: "context", Entry: "who", Roles: map[hub.Role]hub.Sight{hub.RoleAgent: {Mask: []string{"email", "phone", "pin", "n", "home"}}},
	}}})
	doc := json.RawMessage(`{"name":"Maya","email":"maya@example.com","phone":"+14155550123","pin":"123456","n":7,"home":{"street":"1 Harbour Road"}}`)
	seen, _ := sights.Entry(hub.Audience{Role: hub.RoleAgent}, "context:c", "who", hub.Entry{Version: 1, Doc: doc})
	if want := `{"name":"Maya","email":"m…@example.com","phone":"…123","pin":"…","n":"…","home":"…"}`; string(seen.Doc) != want {
		t.Errorf("got %s, want %s", seen.Doc, want)
	}
}
