package describe_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/sessions"
	"github.com/samepage/samepage/web"
)

func decode(t testing.TB, raw []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v: %.300s", err, raw)
	}
	return v
}

// documents are both, decoded.
func documents(t testing.TB) map[string]any {
	t.Helper()
	d := described(t)
	all := map[string]any{}
	for name, of := range map[string]func() ([]byte, error){"openapi.json": d.OpenAPI, "asyncapi.json": d.AsyncAPI} {
		raw, err := of()
		if err != nil {
			t.Fatal(err)
		}
		all[name] = decode(t, raw)
	}
	return all
}

func TestDescriptionsAreTheSameEveryTime(t *testing.T) {
	a, err := described(t).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	d, err := describeAll()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.AsyncAPI(); err != nil {
		t.Fatal(err)
	}
	b, err := d.OpenAPI()
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two descriptions of the same differ: %v", err)
	}
}

// Every reference leads to something in its own document, and every definition is used.
func TestReferencesLeadSomewhere(t *testing.T) {
	for name, doc := range documents(t) {
		used := map[string]bool{}
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				if to, ok := v["$ref"].(string); ok {
					used[to] = true
					if at(doc, to) == nil {
						t.Errorf("%s: %s leads nowhere", name, to)
					}
				}
				for _, inner := range v {
					walk(inner)
				}
			case []any:
				for _, inner := range v {
					walk(inner)
				}
			}
		}
		walk(doc)
		if len(used) < 20 {
			t.Errorf("%s: only %d references", name, len(used))
		}
	}
}

// at is what a reference leads to.
func at(doc any, ref string) any {
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	for part := range strings.SplitSeq(path, "/") {
		m, ok := doc.(map[string]any)
		if !ok {
			return nil
		}
		doc = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return doc
}

// compiler knows both documents, so that any schema in them can be used.
func compiler(t testing.TB, doc any) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("test:doc", doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// strict makes objects closed that the description leaves open for fields to
// come, so that a field nobody described is noticed.
func strict(doc any) any {
	schemas := at(doc, "#/components/schemas").(map[string]any)
	for _, s := range schemas {
		if s := s.(map[string]any); s["type"] == "object" && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
	}
	return doc
}

func TestSchemasAreSchemas(t *testing.T) {
	for name, doc := range documents(t) {
		c := compiler(t, doc)
		schemas := at(doc, "#/components/schemas").(map[string]any)
		for s := range schemas {
			if _, err := c.Compile("test:doc#/components/schemas/" + s); err != nil {
				t.Errorf("%s: %s: %v", name, s, err)
			}
		}
		if len(schemas) < 60 {
			t.Errorf("%s has %d schemas", name, len(schemas))
		}
	}
}

// TestExamplesFollowTheSchemas holds requests that were accepted, documents and answers
// against what is said of them; and that the schema sees what the checks see.
func TestExamplesFollowTheSchemas(t *testing.T) {
	doc := strict(documents(t)["openapi.json"])
	c := compiler(t, doc)
	schema := func(ref string) *jsonschema.Schema {
		s, err := c.Compile("test:doc" + ref)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	answer, problem := schema("#/components/schemas/Answer"), schema("#/components/schemas/Problem")
	entries := map[string]*jsonschema.Schema{}
	for _, m := range models() {
		for _, e := range m.Docs.Entries {
			entries[e.Channel+" "+e.Entry] = schema("#/components/schemas/" + e.Doc.Name())
		}
	}
	documents := 0
	look := func(s *stage) { // at everything that the last command left behind
		for name, err := range s.engine.Channels(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			snapshot, err := s.hub.Snapshot(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			for key, e := range snapshot.Entries {
				if e.Version != snapshot.Position.Offset || name.Kind() == hub.KindIdentity || name.Kind() == hub.KindCode || hub.EntryKind(key) == "repair" {
					continue
				}
				if of := entries[name.Kind()+" "+hub.EntryKind(key)]; of == nil {
					t.Errorf("%s of %s has no schema", key, name)
				} else if err := of.Validate(decode(t, e.Doc)); err != nil {
					t.Errorf("%s of %s: %v", key, name, err)
				}
				documents++
			}
		}
	}
	for _, m := range models() {
		s := newStage(t)
		for _, method := range m.Docs.Methods {
			for i, e := range method.Examples {
				call, got := s.play(method.Name, e)
				name := fmt.Sprintf("%s, example %d", method.Name, i+1)
				if ref := "#/paths/~1v1~1commands~1" + method.Name + "/post/requestBody/content/application~1json/schema"; at(doc, ref) != nil {
					err := schema(ref).Validate(decode(t, call.Request))
					if call.Status == 200 && err != nil {
						t.Errorf("%s was accepted: %v", name, err)
					}
				}
				if got.Problem != nil {
					var a struct{ Problem json.RawMessage }
					if json.Unmarshal(call.Answer, &a) != nil || problem.Validate(decode(t, a.Problem)) != nil {
						t.Errorf("%s: %s", name, call.Answer)
					}
				} else if err := answer.Validate(decode(t, call.Answer)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				look(s)
			}
		}
	}
	if documents < 100 {
		t.Errorf("only %d documents were looked at", documents)
	}
}

// TestPublishedExamplesFollowTheSchemas looks at what readers of both
// documents take for a request that can be sent.
func TestPublishedExamplesFollowTheSchemas(t *testing.T) {
	all := documents(t)
	follow := func(doc any, ref string, examples []any) {
		schema, err := compiler(t, doc).Compile("test:doc" + ref)
		if err != nil {
			t.Fatal(err)
		}
		for _, example := range examples {
			if err := schema.Validate(example); err != nil {
				t.Errorf("%s: %v", ref, err)
			}
		}
	}
	for path := range at(all["openapi.json"], "#/paths").(map[string]any) {
		media := fmt.Sprintf("#/paths/%s/post/requestBody/content/application~1json", escape(path))
		examples, _ := at(all["openapi.json"], media+"/examples").(map[string]any)
		var values []any
		for _, example := range examples {
			values = append(values, example.(map[string]any)["value"])
		}
		if values != nil {
			follow(all["openapi.json"], media+"/schema", values)
		}
	}
	for name, m := range at(all["asyncapi.json"], "#/components/messages").(map[string]any) {
		examples, _ := m.(map[string]any)["examples"].([]any)
		var payloads []any
		for _, example := range examples {
			payloads = append(payloads, example.(map[string]any)["payload"])
		}
		if payloads != nil {
			follow(all["asyncapi.json"], "#/components/messages/"+name+"/payload", payloads)
		}
	}
}

// house is the front door on a stage.
func house(t *testing.T) (*stage, *web.Server, *httptest.Server) {
	t.Helper()
	s := newStage(t)
	tokens, err := sessions.NewTokens(sessions.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	door, err := web.New(web.Options{
		Hub: s.hub, Sessions: s.sessions, Access: sessions.NewAccess(s.hub), Tokens: tokens, Members: presence.NewMemory(),
		APIKey: "key", Logger: slog.New(slog.DiscardHandler), Description: http.NotFoundHandler(), Heartbeat: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(door)
	t.Cleanup(func() {
		door.Shutdown(t.Context())
		server.Close()
	})
	return s, door, server
}

// TestTheRoutesAreDescribed holds both sides against each other.
func TestTheRoutesAreDescribed(t *testing.T) {
	_, door, _ := house(t)
	paths := at(documents(t)["openapi.json"], "#/paths").(map[string]any)
	var routes []*regexp.Regexp
	methods := map[string][]string{}
	parameter := regexp.MustCompile(`:[a-z]+`)
	for _, r := range door.Routes() {
		if r.Method == "OPTIONS" || r.Method == "HEAD" || r.Path == "/docs" {
			continue // preflights, and GET without its body; a redirect
		}
		pattern := "^" + strings.ReplaceAll(parameter.ReplaceAllString(regexp.QuoteMeta(r.Path), `[^/]+`), `\*`, `.*`) + "$"
		re := regexp.MustCompile(pattern)
		routes = append(routes, re)
		methods[re.String()] = append(methods[re.String()], strings.ToLower(r.Method))
		described := false
		for path, item := range paths {
			if re.MatchString(path) && item.(map[string]any)[strings.ToLower(r.Method)] != nil {
				described = true
			}
		}
		if !described {
			t.Errorf("%s %s is not described", r.Method, r.Path)
		}
	}
	for path, item := range paths {
		for method := range item.(map[string]any) {
			if !slices.ContainsFunc(routes, func(re *regexp.Regexp) bool {
				return re.MatchString(path) && slices.Contains(methods[re.String()], method)
			}) {
				t.Errorf("%s %s is described and leads nowhere", method, path)
			}
		}
	}
	for name, m := range hub.NewMethods(models()...) {
		if described := paths["/v1/commands/"+name] != nil; described != (len(m.Roles) > 0) {
			t.Errorf("%s is described: %v", name, described)
		}
	}
}

// TestAnswersFollowTheDescription asks the front door and holds what comes
// against the schema that its path has.
func TestAnswersFollowTheDescription(t *testing.T) {
	s, _, server := house(t)
	doc := strict(documents(t)["openapi.json"])
	c := compiler(t, doc)
	for _, m := range models()[:1] {
		for _, method := range m.Docs.Methods {
			for _, e := range method.Examples {
				s.play(method.Name, e)
			}
		}
	}
	for name, c2 := range map[string]struct {
		method, path, described, body string
		status                        int
	}{
		"a snapshot":           {"GET", "/v1/channels/context:c-42", "/v1/channels/{channel}", "", 200},
		"events":               {"GET", "/v1/channels/context:c-42/events?limit=1000", "/v1/channels/{channel}/events", "", 200},
		"events from nowhere":  {"GET", "/v1/channels/context:c-42/events?after=other:3", "/v1/channels/{channel}/events", "", 410},
		"a channel of nobody":  {"GET", "/v1/channels/%20", "/v1/channels/{channel}", "", 422},
		"a command":            {"POST", "/v1/commands/loyalty.adjust", "", `{"id":"a","on":"context:c-7","args":{"points":1,"reason":"x"}}`, 200},
		"a command again":      {"POST", "/v1/commands/loyalty.adjust", "", `{"id":"a","on":"context:c-7","args":{"points":1,"reason":"x"}}`, 200},
		"a refusal":            {"POST", "/v1/commands/loyalty.adjust", "", `{"id":"b","on":"context:c-7","args":{"points":-100000,"reason":"x"}}`, 409},
		"faults":               {"POST", "/v1/commands/loyalty.adjust", "", `{"id":"c","on":"context:c-7","args":{"points":"x"}}`, 422},
		"a command for others": {"POST", "/v1/commands/cart.open", "", `{"id":"d","on":"context:c-7","args":{}}`, 403},
		"a batch":              {"POST", "/v1/commands", "", `{"commands":[{"method":"loyalty.adjust","id":"e","on":"context:c-7","args":{"points":1,"reason":"x"}},{"method":"nothing"}]}`, 200},
		"publish":              {"POST", "/api/publish", "", `{"channel":"news","data":{}}`, 200},
		"publish where not":    {"POST", "/api/publish", "", `{"channel":"context:c-42","data":{}}`, 200},
		"info":                 {"POST", "/api/info", "", `{}`, 200},
		"channels":             {"POST", "/api/channels", "", `{}`, 200},
		"batch":                {"POST", "/api/batch", "", `{"commands":[{"info":{}}]}`, 200},
		"readiness":            {"GET", "/readyz", "", "", 503},
		"no key":               {"POST", "/api/info", "", `{}`, 401},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c2.method, server.URL+c2.path, strings.NewReader(c2.body))
			if err != nil {
				t.Fatal(err)
			}
			if name != "no key" {
				request.Header.Set("X-API-Key", "key")
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var body bytes.Buffer
			if _, err := bufio.NewReader(response.Body).WriteTo(&body); err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c2.status {
				t.Fatalf("status %d: %s", response.StatusCode, body.String())
			}
			if c2.described == "" {
				c2.described = c2.path
			}
			kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
			ref := fmt.Sprintf("#/paths/%s/%s/responses/%d/content/%s/schema", escape(c2.described), strings.ToLower(c2.method), c2.status, escape(kind))
			if at(doc, ref) == nil {
				t.Fatalf("nothing is said of %s", ref)
			}
			schema, err := c.Compile("test:doc" + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(ref))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(decode(t, body.Bytes())); err != nil {
				t.Errorf("%v: %.400s", err, body.String())
			}
		})
	}
}

func escape(part string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(part) }
