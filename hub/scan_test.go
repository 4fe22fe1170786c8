package hub

import (
	"encoding/json"
	"testing"
)

// What reads documents in place must agree with the decoder on all that is
// valid JSON, and not fall over anything else.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, ` { "a" : { "b" : [ 1 , "]}" , null ] } , "\"" : "\\" } `, `{"a":1,"a":2}`, `[[],{},"",-1.5e3,true]`,
		`{"a":`, `{"a"`, `{"`, `[`, `[,]`, `{,}`, `"\`, `{"a":}`, `}`, `nul`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, list := fields(b, nil), items(b, nil)
		patch, merged, same := Diff(b, b), Apply(b, b), appendCanonical(nil, b, "")
		_ = Sight{Hide: []string{"a.b"}, hide: splitPaths([]string{"a.b"})}.projectPatch(b)
		if !json.Valid(b) {
			return
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(b, &object) == nil && object != nil {
			seen := map[string]string{}
			for _, f := range all {
				seen[f.key()] = string(f.value)
			}
			for name, value := range object {
				if len(seen) == len(all) && seen[name] != string(value) { // else a name is written in two ways
					t.Fatalf("%s: member %q is %q, want %q", b, name, seen[name], value)
				}
			}
			if patch != nil {
				t.Fatalf("%s differs from itself by %s", b, patch)
			}
		}
		var members []json.RawMessage
		if json.Unmarshal(b, &members) == nil && members != nil {
			if len(list) != len(members) {
				t.Fatalf("%s has %d items, want %d", b, len(list), len(members))
			}
			for i := range members {
				if string(list[i]) != string(members[i]) {
					t.Fatalf("%s: item %d is %q, want %q", b, i, list[i], members[i])
				}
			}
		}
		if !json.Valid(merged) || !json.Valid(same) {
			t.Fatalf("%s makes %q and %q", b, merged, same)
		}
	})
}

func TestTheHashOfACommandIsOfWhatItSays(t *testing.T) {
	base := Command{Method: "m", On: "context:c", Args: json.RawMessage(`{"a":1,"b":{"c":[1,2]}}`), IfVersion: map[string]uint64{"x": 1, "y": 2}}
	same := base
	same.Args = json.RawMessage(` { "b" : {"c":[1, 2]} , "a":1 } `)
	if base.hash() != same.hash() {
		t.Error("white space and the order of members change the hash")
	}
	none, empty := base, base
	none.Args, empty.Args = nil, json.RawMessage(`{}`)
	if none.hash() != empty.hash() {
		t.Error("no arguments and empty ones differ")
	}
	for name, change := range map[string]func(*Command){
		"method":  func(c *Command) { c.Method = "n" },
		"channel": func(c *Command) { c.On = "context:d" },
		"sender":  func(c *Command) { c.Caller.ID = "s" },
		"role":    func(c *Command) { c.Caller.Role = RolePOS },
		"value":   func(c *Command) { c.Args = json.RawMessage(`{"a":2,"b":{"c":[1,2]}}`) },
		"list":    func(c *Command) { c.Args = json.RawMessage(`{"a":1,"b":{"c":[2,1]}}`) },
		"version": func(c *Command) { c.IfVersion = map[string]uint64{"x": 1, "y": 3} },
		"nothing": func(c *Command) { c.Args = nil },
	} {
		other := base
		change(&other)
		if other.hash() == base.hash() {
			t.Errorf("another %s has the same hash", name)
		}
	}
}
