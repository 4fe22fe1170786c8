package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/web/describe"
)

func rolesOf(roles []hub.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}

// anchor is a name that can stand behind # and in an id.
func anchor(parts ...string) string {
	return strings.NewReplacer("/", "-", " ", "-", "{", "", "}", "").Replace(strings.Join(parts, "-"))
}

// kindOf is the entries of one kind of channel.
type kindOf struct {
	Kind    string
	Entries []describe.Entry
}

// kindsOf groups entries by channel, in the order they come.
func kindsOf(entries []describe.Entry) []kindOf {
	var all []kindOf
	at := map[string]int{}
	for _, e := range entries {
		i, ok := at[e.Channel]
		if !ok {
			i = len(all)
			at[e.Channel] = i
			all = append(all, kindOf{Kind: e.Channel})
		}
		all[i].Entries = append(all[i].Entries, e)
	}
	return all
}

// groupOf is the events of one noun.
type groupOf struct {
	Noun   string
	Events []describe.Event
}

func groupsOf(events []describe.Event) []groupOf {
	var all []groupOf
	at := map[string]int{}
	for _, e := range events {
		noun, _, _ := strings.Cut(e.Type, ".")
		i, ok := at[noun]
		if !ok {
			i = len(all)
			at[noun] = i
			all = append(all, groupOf{Noun: noun})
		}
		all[i].Events = append(all[i].Events, e)
	}
	return all
}

// dataOf are the names in an event's data, as far as one was seen.
func dataOf(e describe.Event) []string {
	var seen struct{ Data json.RawMessage }
	if json.Unmarshal(e.EventSeen.Event, &seen) != nil || len(seen.Data) == 0 {
		return nil
	}
	var names []string
	if members, ok := ordered(seen.Data).([]member); ok {
		for _, m := range members {
			names = append(names, m.name)
		}
	}
	return names
}

// outcome is how a call ended, in a few words.
func outcome(c describe.Call) string {
	var a struct {
		Problem *struct{ Code string }
		Event   *struct{ Type string }
	}
	switch err := json.Unmarshal(c.Answer, &a); {
	case err != nil:
		return ""
	case a.Problem != nil:
		return fmt.Sprintf("%d %s", c.Status, a.Problem.Code)
	case a.Event != nil:
		return fmt.Sprintf("%d %s", c.Status, a.Event.Type)
	}
	return fmt.Sprintf("%d nothing to change", c.Status)
}

// answer is what came back, with long documents left out.
func answer(c describe.Call) string { return pretty(shorten(c.Answer)) }

// longDoc is from how many bytes on a whole document is not shown in an answer.
const longDoc = 600

// shorten puts an ellipsis in the place of long documents and patches.
func shorten(raw json.RawMessage) json.RawMessage {
	var a map[string]json.RawMessage
	var e map[string]json.RawMessage
	var changes []map[string]json.RawMessage
	if json.Unmarshal(raw, &a) != nil || json.Unmarshal(a["event"], &e) != nil || json.Unmarshal(e["changes"], &changes) != nil {
		return raw
	}
	for _, c := range changes {
		for _, name := range []string{"doc", "patch"} {
			if len(c[name]) > longDoc {
				raw = bytes.Replace(raw, c[name], []byte(`{"…":"…"}`), 1)
			}
		}
	}
	return raw
}

func title(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// refused reports whether a call was.
func refused(c describe.Call) bool { return c.Status >= 400 }
