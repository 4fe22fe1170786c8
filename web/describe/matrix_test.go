package describe_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
)

// onlookers are the columns of the matrix. The documents it is made of are of
// store s1, and of threads that the bot helper has.
var onlookers = []struct {
	name string
	as   []hub.Audience // who see the same
}{
	{"Customer", []hub.Audience{{Role: hub.RoleCustomer}}},
	{"Till, customer checked in", []hub.Audience{{Role: hub.RolePOS, Store: "s1", CheckedIn: true}}},
	{"Till", []hub.Audience{{Role: hub.RolePOS, Store: "s1"}}},
	{"Till of another store", []hub.Audience{{Role: hub.RolePOS, Store: "s2"}, {Role: hub.RolePOS}}},
	{"Agent, supervisor", []hub.Audience{{Role: hub.RoleAgent}, {Role: hub.RoleSupervisor}}},
	{"Service", []hub.Audience{{Role: hub.RoleService}}},
	{"Bot that has the thread", []hub.Audience{{Role: hub.RoleBot, Bot: "helper"}}},
	{"Another bot", []hub.Audience{{Role: hub.RoleBot, Bot: "rival"}}},
	{"Guest", []hub.Audience{{Role: hub.RoleGuest}}},
}

// TestTheMatrixOfWhoSeesWhat prints who sees what of every entry, found out by
// looking at a document in which every field is set, and holds it against
// matrix.md. Which channels an audience can read at all is held in sessions.
func TestTheMatrixOfWhoSeesWhat(t *testing.T) {
	sights := hub.NewSights(models()...)
	var b strings.Builder
	b.WriteString("Who sees what of an entry: all of it, nothing (–), or some fields. A trace is what is left of a masked field.\n")
	b.WriteString("Which channels somebody can read at all is decided before this. Made by `go test ./web/describe -run Matrix -record`.\n\n| Entry |")
	for _, o := range onlookers {
		b.WriteString(" " + o.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(onlookers)) + "\n")
	for _, m := range models() {
		for _, e := range m.Docs.Entries {
			doc, _ := filled(e.Doc, "").(map[string]any)
			variants := []map[string]any{doc}
			if _, private := doc["private"]; private {
				public := maps.Clone(doc)
				delete(public, "private")
				variants = []map[string]any{public, doc}
			}
			for n, doc := range variants {
				name := fmt.Sprintf("`%s:` `%s`", e.Channel, e.Key)
				if n > 0 {
					name += ", private"
				}
				b.WriteString("| " + name + " |")
				for _, o := range onlookers {
					cells := map[string]bool{}
					for _, a := range o.as {
						seen, ok := sights.Entry(a, hub.Channel(e.Channel+":x"), e.Key, hub.Entry{Version: 1, Doc: encode(t, doc)})
						cells[cell(t, encode(t, doc), seen.Doc, ok)] = true
					}
					if len(cells) != 1 {
						t.Errorf("%s: %v do not see the same: %v", name, o.as, cells)
					}
					b.WriteString(" " + slices.Sorted(maps.Keys(cells))[0] + " |")
				}
				b.WriteString("\n")
			}
		}
	}
	b.WriteString("\nWhat events tell besides their changes. Staff and services are told all of it.\n\n| Event | Customer | Till | Bot |\n|---|---|---|---|\n")
	for _, m := range models() {
		for _, e := range m.Docs.Events {
			fmt.Fprintf(&b, "| `%s` |", e.Type)
			for _, role := range []hub.Role{hub.RoleCustomer, hub.RolePOS, hub.RoleBot} {
				fmt.Fprintf(&b, " %s |", told(t, sights, role, e.Type))
			}
			b.WriteString("\n")
			if got := told(t, sights, hub.RoleGuest, e.Type); got != "–" {
				t.Errorf("a guest is told %s of %s", got, e.Type)
			}
		}
	}
	if *record {
		if err := os.WriteFile("matrix.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	stored, err := os.ReadFile("matrix.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(stored), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("who sees what has changed; if that is meant, record it: %s", diff)
	}
}

// told says what of an event's data a role is told. The data has a member that
// no event has, so that what is written as what may be seen shows.
func told(t *testing.T, sights *hub.Sights, role hub.Role, eventType string) string {
	t.Helper()
	data := map[string]any{"anything": 1}
	for _, name := range []string{"attention", "control", "conversation", "from", "message", "offer", "queue", "reason"} {
		data[name] = "x"
	}
	seen := sights.Event(hub.Audience{Role: role}, "context:x", &hub.Event{Type: eventType, Data: encode(t, data)})
	if seen == nil {
		return "–"
	}
	return cell(t, encode(t, data), seen.Data, true)
}

// filled is a value of a type with every field set.
func filled(t reflect.Type, name string) any {
	switch {
	case t == reflect.TypeFor[hub.Time]():
		return "2026-11-23T09:00:00.000Z"
	case t == reflect.TypeFor[json.RawMessage]():
		return map[string]any{"any": "thing"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return filled(t.Elem(), name)
	case reflect.Struct:
		doc := map[string]any{}
		for _, f := range reflect.VisibleFields(t) {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous && tag == "" || len(f.Index) > 1 && tag == "" || tag == "-" || !f.IsExported() {
				continue
			}
			doc[tag] = filled(f.Type, tag)
		}
		return doc
	case reflect.Map:
		if t.Elem().Kind() == reflect.String && name == "traits" {
			return map[string]any{"first_name": "a long enough word", "email": "a long enough word", "phone": "a long enough word", "tier": "a long enough word"}
		}
		return map[string]any{"*": filled(t.Elem(), name)}
	case reflect.Slice:
		return []any{filled(t.Elem(), name)}
	case reflect.String:
		switch name {
		case "store":
			return "s1"
		case "bot":
			return "helper"
		}
		return "a long enough word"
	case reflect.Bool:
		return true
	}
	return 7
}

// cell says what of a document is seen.
func cell(t *testing.T, whole, seen json.RawMessage, ok bool) string {
	t.Helper()
	if !ok {
		return "–"
	}
	var all, some any
	if json.Unmarshal(whole, &all) != nil || json.Unmarshal(seen, &some) != nil {
		t.Fatalf("%s or %s is no JSON", whole, seen)
	}
	var shown, hidden, traced []string
	compare("", all, some, true, &shown, &hidden, &traced)
	text := ""
	switch {
	case len(hidden) == 0:
		text = "all"
	case len(shown)+len(traced) == 0:
		return "that it is there"
	case len(hidden) <= len(shown):
		text = "all but " + strings.Join(hidden, ", ")
	default:
		text = strings.Join(append(shown, traced...), ", ")
	}
	if len(traced) > 0 {
		text += "; a trace of " + strings.Join(traced, ", ")
	}
	return text
}

// compare sorts the fields of a document by what is left of them; of an object
// that is the same all over it tells the name alone.
func compare(at string, all, some any, there bool, shown, hidden, traced *[]string) {
	object, is := all.(map[string]any)
	switch left, same := some.(map[string]any); {
	case !there:
		*hidden = append(*hidden, at)
	case at != "" && reflect.DeepEqual(all, some):
		*shown = append(*shown, at)
	case !is || !same:
		*traced = append(*traced, at)
	default:
		for _, name := range slices.Sorted(maps.Keys(object)) {
			value, there := left[name]
			compare(strings.TrimPrefix(at+"."+name, "."), object[name], value, there, shown, hidden, traced)
		}
	}
}
