package custom_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/custom"
	"github.com/samepage/samepage/hub/enginetest"
)

// workshop is what a bicycle shop declares.
func workshop(t *testing.T) []custom.Kind {
	t.Helper()
	var schema any
	err := json.Unmarshal([]byte(`{"type":"object","required":["bike","state"],"additionalProperties":false,"properties":{
		"bike":{"type":"string","minLength":1},"state":{"enum":["waiting","done"]},"due":{"type":"string","format":"date"},
		"parts":{"type":"object","additionalProperties":{"type":"integer","minimum":1}}}}`), &schema)
	if err != nil {
		t.Fatal(err)
	}
	return []custom.Kind{
		{Kind: "repair", Channel: "context", Schema: schema, Roles: map[string]string{"customer": "read", "agent": "write", "service": "write"}},
		{Kind: "table", Channel: "store", Roles: map[string]string{"pos": "write", "service": "read"}},
	}
}

// others is a model that has an entry already.
var others = hub.Model{Sights: []hub.EntrySight{{Channel: "context", Entry: "cart"}}}

type house struct {
	t *testing.T
	*hub.Hub
	n int
}

func open(t *testing.T) *house {
	t.Helper()
	m, err := custom.Model(workshop(t), others)
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, Hub: hub.New(enginetest.NewModel(enginetest.ModelOptions{}), hub.Options{}, others, m)}
}

func (h *house) do(role hub.Role, on hub.Channel, method, args string) hub.Answer {
	h.t.Helper()
	h.n++
	return h.Do(h.t.Context(), hub.Command{
		Method: method, ID: fmt.Sprint(h.n), On: on, Args: json.RawMessage(args), Caller: hub.Caller{Actor: hub.Actor{Role: role, ID: "x"}, Store: "s1"},
	})
}

func (h *house) must(role hub.Role, on hub.Channel, method, args string) hub.Answer {
	h.t.Helper()
	a := h.do(role, on, method, args)
	if a.Problem != nil {
		h.t.Fatalf("%s %s: %v %v", method, args, a.Problem, a.Problem.Details)
	}
	return a
}

// doc is an entry as a role sees it, "" if it does not.
func (h *house) doc(role hub.Role, on hub.Channel, key string) string {
	h.t.Helper()
	s, err := h.Snapshot(h.t.Context(), on)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(h.Sights().Entries(hub.Audience{Role: role, Store: "s1"}, on, s.Entries)[key].Doc)
}

// sorted is JSON with its names in order.
func sorted(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}

const bike hub.Channel = "context:c-1"

func TestEntriesArePutMergedAndRemoved(t *testing.T) {
	h := open(t)
	h.must(hub.RoleAgent, bike, "entry.put", `{"key":"repair/r1","doc":{"bike":"red","state":"waiting","parts":{"chain":1}}}`)
	merged := h.must(hub.RoleService, bike, "entry.merge", `{"key":"repair/r1","patch":{"state":"done","parts":{"chain":null,"bell":2},"due":"2026-12-01"}}`)
	if got := sorted(t, h.doc(hub.RoleCustomer, bike, "repair/r1")); got != `{"bike":"red","due":"2026-12-01","parts":{"bell":2},"state":"done"}` {
		t.Errorf("the customer sees %s", got)
	}
	if seen := h.Sights().Event(hub.Audience{Role: hub.RoleCustomer}, bike, merged.Event); seen == nil || sorted(t, string(seen.Changes[0].Patch)) != `{"due":"2026-12-01","parts":{"bell":2,"chain":null},"state":"done"}` {
		t.Errorf("the customer is told %+v", seen)
	}
	if seen := h.Sights().Event(hub.Audience{Role: hub.RoleBot}, bike, merged.Event); seen != nil || h.doc(hub.RoleBot, bike, "repair/r1") != "" {
		t.Error("a role that is not listed sees something")
	}
	h.must(hub.RoleAgent, bike, "entry.remove", `{"key":"repair/r1"}`)
	if a := h.must(hub.RoleAgent, bike, "entry.remove", `{"key":"repair/r1"}`); a.Event != nil || h.doc(hub.RoleAgent, bike, "repair/r1") != "" {
		t.Error("removed twice")
	}
	h.must(hub.RolePOS, "store:s1", "entry.put", `{"key":"table/7","doc":{"seats":4}}`)
	if h.doc(hub.RoleService, "store:s1", "table/7") == "" || h.doc(hub.RoleCustomer, "store:s1", "table/7") != "" {
		t.Error("the table is seen by the wrong people")
	}
}

func TestWhatEntriesRefuse(t *testing.T) {
	h := open(t)
	h.must(hub.RoleAgent, bike, "entry.put", `{"key":"repair/r1","doc":{"bike":"red","state":"waiting","parts":{"a/b":1}}}`)
	tests := map[string]struct {
		role         hub.Role
		on           hub.Channel
		method, args string
		code         string
		at           []string // pointers
	}{
		"a document that does not fit, every fault with its pointer": {hub.RoleAgent, bike, "entry.put", `{"key":"repair/r2","doc":{"bike":"","state":"lost","parts":{"a/b":0}}}`, "invalid", []string{"/doc/bike", "/doc/parts/a~1b", "/doc/state"}},
		"a field that is missing or not known":                       {hub.RoleAgent, bike, "entry.put", `{"key":"repair/r2","doc":{"state":"done","colour":"red"}}`, "invalid", []string{"/doc"}},
		"a format that is not kept":                                  {hub.RoleAgent, bike, "entry.put", `{"key":"repair/r2","doc":{"bike":"b","state":"done","due":"soon"}}`, "invalid", []string{"/doc/due"}},
		"a null":                                                     {hub.RoleAgent, bike, "entry.put", `{"key":"repair/r2","doc":{"bike":null,"state":"done"}}`, "invalid", []string{"/doc/bike"}},
		"a patch that leaves what does not fit":                      {hub.RoleAgent, bike, "entry.merge", `{"key":"repair/r1","patch":{"bike":null}}`, "invalid", []string{"/patch"}},
		"a patch of nothing":                                         {hub.RoleAgent, bike, "entry.merge", `{"key":"repair/r9","patch":{}}`, "not_found", nil},
		"a document that is none":                                    {hub.RoleAgent, bike, "entry.put", `{"key":"repair/r2","doc":[1]}`, "invalid", []string{"/doc"}},
		"a key of no declared kind":                                  {hub.RoleAgent, bike, "entry.put", `{"key":"cart/ca1","doc":{}}`, "invalid", []string{"/key"}},
		"a kind that lives elsewhere":                                {hub.RoleAgent, bike, "entry.put", `{"key":"table/7","doc":{}}`, "invalid", []string{"/key"}},
		"a key without an id":                                        {hub.RoleAgent, bike, "entry.remove", `{"key":"repair"}`, "invalid", []string{"/key"}},
		"a role that may only read, or nothing":                      {hub.RolePOS, bike, "entry.put", `{"key":"repair/r2","doc":{"bike":"b","state":"done"}}`, "forbidden", nil},
		"a role that may write nothing at all":                       {hub.RoleCustomer, bike, "entry.remove", `{"key":"repair/r1"}`, "forbidden", nil},
		"a channel of a kind without any":                            {hub.RoleService, "catalog:default", "entry.put", `{"key":"repair/r1","doc":{}}`, "invalid", []string{"/on"}},
		"more than a document holds":                                 {hub.RolePOS, "store:s1", "entry.put", `{"key":"table/1","doc":{"x":"` + strings.Repeat("x", hub.MaxDocument) + `"}}`, "too_large", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := h.do(test.role, test.on, test.method, test.args)
			if a.Problem == nil || a.Problem.Code != test.code {
				t.Fatalf("got %v, want %s", a.Problem, test.code)
			}
			faults, _ := a.Problem.Details.(hub.Faults)
			var at []string
			for pointer := range faults {
				at = append(at, pointer)
			}
			if diff := cmp.Diff(test.at, at, cmp.Transformer("set", func(s []string) map[string]bool {
				m := map[string]bool{}
				for _, x := range s {
					m[x] = true
				}
				return m
			})); diff != "" {
				t.Errorf("%s\n%v", diff, faults)
			}
		})
	}
}

func TestAChannelHoldsSoManyEntriesOfAKind(t *testing.T) {
	h := open(t)
	for i := range custom.MaxEntries {
		h.must(hub.RolePOS, "store:s1", "entry.put", fmt.Sprintf(`{"key":"table/%d","doc":{}}`, i))
	}
	if a := h.do(hub.RolePOS, "store:s1", "entry.put", `{"key":"table/more","doc":{}}`); a.Problem == nil || a.Problem.Code != hub.CodeTooLarge {
		t.Errorf("got %v", a.Problem)
	}
	h.must(hub.RolePOS, "store:s1", "entry.put", `{"key":"table/0","doc":{"seats":2}}`)
}

func TestDeclarationsThatCannotBeAreRefusedWithTheReason(t *testing.T) {
	for name, test := range map[string]struct {
		kind custom.Kind
		want string
	}{
		"a name that a model has":     {custom.Kind{Kind: "cart", Channel: "context"}, "entries[0]: kind: cart is what a context has already"},
		"a name that is none":         {custom.Kind{Kind: "Re pair", Channel: "context"}, `kind: "Re pair" must be`},
		"a channel that is derived":   {custom.Kind{Kind: "repair", Channel: "board"}, `channel: "board" must be`},
		"a role that is none":         {custom.Kind{Kind: "repair", Channel: "context", Roles: map[string]string{"boss": "read"}}, `roles: "boss" is no role`},
		"a right that is none":        {custom.Kind{Kind: "repair", Channel: "context", Roles: map[string]string{"agent": "own"}}, `roles.agent: "own" must be`},
		"a schema that is none":       {custom.Kind{Kind: "repair", Channel: "context", Schema: map[string]any{"type": "thing"}}, "schema: "},
		"a schema that is a file":     {custom.Kind{Kind: "repair", Channel: "context", Schema: map[string]any{"$ref": "file:///etc/passwd"}}, "is elsewhere"},
		"a schema that is an address": {custom.Kind{Kind: "repair", Channel: "context", Schema: map[string]any{"$ref": "http://127.0.0.1/x"}}, "is elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := custom.Model([]custom.Kind{test.kind}, others); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	twice := custom.Kind{Kind: "repair", Channel: "context"}
	if _, err := custom.Model([]custom.Kind{twice, twice}); err == nil || !strings.Contains(err.Error(), "declared twice") {
		t.Errorf("got %v", err)
	}
	if m, err := custom.Model(nil, others); err != nil || m.Methods != nil {
		t.Errorf("nothing declared: %v, %v", m, err)
	}
}
