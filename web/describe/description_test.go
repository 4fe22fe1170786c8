package describe_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
	"github.com/samepage/samepage/web"
	"github.com/samepage/samepage/web/describe"
)

var once = sync.OnceValues(describeAll)

func describeAll() (*describe.Description, error) {
	return describe.New(describe.Options{Models: models(), Version: "1.2.3"})
}

// described is one description for all tests that run one after the other.
func described(t testing.TB) *describe.Description {
	t.Helper()
	d, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A method that is added wants a row beside its model: see docs.go there.
func TestEveryMethodIsDescribed(t *testing.T) {
	for _, m := range models() {
		docs := map[string]hub.MethodDoc{}
		for _, doc := range m.Docs.Methods {
			if _, ok := docs[doc.Name]; ok {
				t.Errorf("%s is described twice", doc.Name)
			}
			docs[doc.Name] = doc
		}
		for _, method := range m.Methods {
			doc, ok := docs[method.Name]
			delete(docs, method.Name)
			if !ok && len(method.Roles) == 0 {
				continue // the hub's own
			}
			if !ok {
				t.Errorf("%s has no row in its model's docs.go", method.Name)
				continue
			}
			if !strings.HasSuffix(doc.Summary, ".") {
				t.Errorf("%s: the summary %q is no whole sentence", method.Name, doc.Summary)
			}
			accepted := false
			for _, e := range doc.Examples {
				accepted = accepted || e.Problem == ""
				if e.As != hub.RoleSystem && !method.Allows(e.As) {
					t.Errorf("%s: an example calls it as %s, who may not", method.Name, e.As)
				}
			}
			if !accepted && len(method.Roles) > 0 {
				t.Errorf("%s has no example that is accepted", method.Name)
			}
			for _, code := range doc.Problems {
				if slices.Contains(hub.AnyCommand(), code) {
					t.Errorf("%s names %s, which any command may answer", method.Name, code)
				}
			}
		}
		for name := range docs {
			t.Errorf("%s is described and is no method", name)
		}
	}
}

func TestEveryKindOfEntryIsDescribed(t *testing.T) {
	for _, m := range models() {
		seen := map[string]bool{}
		for _, s := range m.Sights {
			seen[s.Channel+" "+s.Entry] = true
		}
		for _, e := range m.Docs.Entries {
			if !seen[e.Channel+" "+e.Entry] {
				t.Errorf("%s of %s is described, and nobody sees it", e.Entry, e.Channel)
			}
			delete(seen, e.Channel+" "+e.Entry)
		}
		delete(seen, "context repair") // declared by its operator
		for name := range seen {
			t.Errorf("%s is seen and not described", name)
		}
	}
}

// TestEveryEventIsDescribed looks for the names of events in the source.
func TestEveryEventIsDescribed(t *testing.T) {
	methods := hub.NewMethods(models()...)
	nouns, known := map[string]bool{}, map[string]bool{}
	for name, m := range methods {
		if noun, _, _ := strings.Cut(name, "."); len(m.Roles) > 0 { // the others' are seen by nobody
			nouns[noun] = true
		}
	}
	for _, m := range models() {
		for _, e := range m.Docs.Events {
			known[e.Type] = true
		}
	}
	event := regexp.MustCompile(`^([a-z]+)\.[a-z_]+$`)
	found := map[string]bool{}
	for _, dir := range []string{"hub/commerce", "hub/care", "hub/custom", "sessions"} {
		literals(t, dir, func(text string) {
			m := event.FindStringSubmatch(text)
			if m == nil || !nouns[m[1]] {
				return
			}
			found[text] = true
			if _, method := methods[text]; method {
				return
			}
			if !known[text] {
				t.Errorf("%s tells of %s, which is not described", dir, text)
			}
		})
	}
	for name := range known {
		noun, _, _ := strings.Cut(name, ".")
		if nouns[noun] && !found[name] && !strings.HasPrefix(name, "conversation.") {
			t.Errorf("%s is described, and nothing tells of it", name)
		}
	}
}

// literals calls f with every string of a room's source, its docs and sights excepted.
func literals(t *testing.T, dir string, f func(string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		base := filepath.Base(file)
		if strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "docs") || strings.HasPrefix(base, "sight") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					f(text)
				}
			}
			return true
		})
	}
}

// TestEveryProblemIsDescribed holds the constants against the tables.
func TestEveryProblemIsDescribed(t *testing.T) {
	inside := []string{hub.CodeNobodyAsked} // never leaves the hub
	known := map[string]bool{}
	for _, p := range described(t).Problems {
		if known[p.Code] {
			t.Errorf("%s is described twice", p.Code)
		}
		known[p.Code] = true
	}
	for _, dir := range []string{".", "commerce", "care", "custom"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "hub", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				v, ok := n.(*ast.ValueSpec)
				if !ok || len(v.Values) == 0 || !strings.HasPrefix(v.Names[0].Name, "Code") {
					return true
				}
				if lit, ok := v.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if code, _ := strconv.Unquote(lit.Value); !known[code] && !slices.Contains(inside, code) {
						t.Errorf("%s (%s) is not described", code, filepath.Base(file))
					}
				}
				return true
			})
		}
	}
}

func TestCodesAndCallsHaveTheirWords(t *testing.T) {
	d := described(t)
	for _, c := range d.Codes {
		if c.Summary == "" {
			t.Errorf("nothing is said of code %d (%s)", c.Code.Code, c.Reason)
		}
	}
	if len(d.Codes) != len(sessions.Codes()) || len(d.Codes) < 30 {
		t.Errorf("%d codes", len(d.Codes))
	}
	calls := 0
	for _, e := range d.Endpoints {
		if e.Summary == "" {
			t.Errorf("nothing is said of %s", e.Path)
		}
		if strings.HasPrefix(e.Path, "/api/") {
			calls++
		}
	}
	if calls != len(web.APIMethods()) {
		t.Errorf("%d calls of the server API, want %d", calls, len(web.APIMethods()))
	}
}

// What the checks of arguments say reaches the description.
func TestArgumentsTellWhatTheyDemand(t *testing.T) {
	want := map[string]describe.Field{
		"cart.add_line quantity":       {Type: "whole number", Required: true, Words: "1 to 9999"},
		"cart.add_line sku":            {Type: "text", Required: true, Words: "64 bytes"},
		"cart.add_line cart":           {Type: "text", Words: "64 bytes"},
		"order.place tenders.*.type":   {Type: "text", Required: true, Words: "gift_card"},
		"order.place expected_total":   {Type: "money", Required: true},
		"profile.set_consent status":   {Type: "text", Required: true, Words: "grant, deny, revoke"},
		"conversation.snooze until":    {Type: "time", Words: "until the customer writes"},
		"catalog.set items.*.name":     {Type: "text", Required: true, Words: "200 characters"},
		"conversation.escalate skills": {Type: "list of texts", Words: "20 items"},
	}
	for _, c := range described(t).Commands() {
		for _, f := range c.Fields {
			w, ok := want[c.Name+" "+f.Path]
			if !ok {
				continue
			}
			delete(want, c.Name+" "+f.Path)
			if f.Type != w.Type || f.Required != w.Required || !strings.Contains(f.Words, w.Words) {
				t.Errorf("%s: %+v, want %+v", c.Name, f, w)
			}
		}
	}
	for name := range want {
		t.Errorf("there is no %s", name)
	}
}
