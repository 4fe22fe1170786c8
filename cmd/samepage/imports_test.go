package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/samepage/samepage"

// room says what a package may import of ours, and which libraries live
// there. A name with "/..." also means what is below it.
type room struct {
	ours      []string
	libraries []string
}

// rooms is the plan of the house. Every package has its row; the standard
// library is open to all.
var rooms = map[string]room{
	"hub":      {},
	"presence": {},

	"hub/commerce":          {ours: []string{"hub"}, libraries: []string{"github.com/nyaruka/phonenumbers"}},
	"hub/care":              {ours: []string{"hub"}},
	"hub/custom":            {ours: []string{"hub"}, libraries: []string{"github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/text"}},
	"hub/bolt":              {ours: []string{"hub"}, libraries: []string{"go.etcd.io/bbolt"}},
	"hub/redis":             {ours: []string{"hub"}, libraries: []string{"github.com/redis/go-redis/v9"}},
	"hub/enginetest":        {ours: []string{"hub"}, libraries: []string{"pgregory.net/rapid", "github.com/google/go-cmp"}},
	"hub/redis/redistest":   {},
	"presence/redis":        {ours: []string{"presence"}, libraries: []string{"github.com/redis/go-redis/v9"}},
	"presence/presencetest": {ours: []string{"presence"}},

	"hub/view": {ours: []string{"hub", "presence", "hub/commerce", "hub/care"}},
	"hub/flow": {ours: []string{"hub", "presence", "hub/commerce", "hub/care"}},
	"sessions": {ours: []string{"hub", "presence", "hub/commerce", "hub/care"}, libraries: []string{
		"github.com/coder/websocket", "github.com/centrifugal/protocol", "github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3",
	}},
	"web": {ours: []string{"sessions", "presence", "hub/..."}, libraries: []string{
		"github.com/labstack/echo/v4", "github.com/prometheus/client_golang",
	}},
	"web/describe": {ours: []string{"web", "sessions", "hub/..."}, libraries: []string{"github.com/invopop/jsonschema"}},
	"web/docs":     {ours: []string{"web/describe", "hub"}},
	"clients/go":   {ours: []string{"hub"}, libraries: []string{"github.com/coder/websocket", "github.com/centrifugal/protocol"}},

	"cmd/samepage": {ours: []string{"web/...", "sessions", "presence/...", "hub/...", "cmd/samepage/bench"}, libraries: []string{
		"github.com/alecthomas/kong", "github.com/goccy/go-yaml", "github.com/standard-webhooks/standard-webhooks/libraries",
	}},
	"cmd/samepage/bench": {ours: []string{"hub/...", "clients/go"}, libraries: []string{
		"github.com/coder/websocket", "github.com/centrifugal/protocol",
	}},
	"cmd/samepage/e2e": {},
}

func TestRoomsImportWhatThePlanAllows(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		plan, ok := rooms[name]
		if !ok {
			t.Errorf("%s is not in the plan", name)
			continue
		}
		for _, path := range p.Imports {
			if ours, ok := strings.CutPrefix(path, module+"/"); ok {
				if !allows(plan.ours, ours) {
					t.Errorf("%s may not import %s", name, ours)
				}
				continue
			}
			if domain, _, _ := strings.Cut(path, "/"); strings.Contains(domain, ".") && !slices.ContainsFunc(plan.libraries, func(l string) bool { return path == l || strings.HasPrefix(path, l+"/") }) {
				t.Errorf("%s is not the home of %s", name, path)
			}
		}
	}
}

// A row that allowed everything would hold nothing.
func TestThePlanHoldsItself(t *testing.T) {
	for name, plan := range rooms {
		if name == "cmd/samepage" {
			continue // wires everything
		}
		for _, ours := range plan.ours {
			parent := strings.TrimSuffix(ours, "/...")
			if parent != name && strings.HasPrefix(parent, name+"/") {
				t.Errorf("%s may import its child %s", name, ours)
			}
		}
	}
	if allows([]string{"hub"}, "hub/bolt") || allows([]string{"hub/..."}, "hubs") || !allows([]string{"hub/..."}, "hub") || !allows([]string{"hub/..."}, "hub/bolt") {
		t.Error("patterns do not mean what they say")
	}
}

func allows(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		parent, below := strings.CutSuffix(p, "/...")
		return path == parent || (below && strings.HasPrefix(path, parent+"/"))
	})
}

type listed struct {
	ImportPath string
	Imports    []string
}

// packages are all of the module with their imports outside of tests.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 8 {
		t.Fatalf("go list names only %d packages", len(all))
	}
	return all
}
