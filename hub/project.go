package hub

import (
	"encoding/json"
	"maps"
	"strings"
)

// paths are the fields that a [Sight] names, taken apart at the dots, as seen
// from some object on the way down.
type paths [][]string

// compiled are sights with their paths taken apart.
func compiled(roles map[Role]Sight) map[Role]Sight {
	roles = maps.Clone(roles)
	for role, s := range roles {
		s.show, s.hide, s.mask = splitPaths(s.Show), splitPaths(s.Hide), splitPaths(s.Mask)
		roles[role] = s
	}
	return roles
}

func splitPaths(names []string) paths {
	var p paths
	for _, name := range names {
		p = append(p, strings.Split(name, "."))
	}
	return p
}

// below is what the paths say of a member: that it is meant itself, with all
// that is in it, or which paths go on inside.
func (p paths) below(name []byte) (inside paths, itself bool) {
	for _, path := range p {
		if path[0] != "*" && path[0] != string(name) {
			continue
		}
		if len(path) == 1 {
			return nil, true
		}
		inside = append(inside, path[1:])
	}
	return inside, false
}

// project leaves out of a document what may not be seen: a field is judged by its path.
func (s Sight) project(doc json.RawMessage) json.RawMessage { return s.projected(doc, nil) }

// projectPatch does so with a merge patch. Where a value takes the place of an
// object of which parts were seen, the patch removes them.
func (s Sight) projectPatch(patch json.RawMessage) json.RawMessage { return s.projected(patch, null) }

// projected puts instead (nil: nothing) in the place of values whose parts
// would have to be judged and that have none.
func (s Sight) projected(raw, instead json.RawMessage) json.RawMessage {
	if len(s.Show)+len(s.Hide)+len(s.Mask) == 0 || !isObject(raw) {
		return raw
	}
	return view{s.show, len(s.Show) == 0, s.hide, s.mask}.project(make([]byte, 0, len(raw)), raw, instead)
}

// view is what may be seen of an object: everything if all, else what show
// names, and in either case not what hide names, and of what mask names a trace.
type view struct {
	show       paths
	all        bool
	hide, mask paths
}

// project appends what may be seen of an object.
func (v view) project(b []byte, object json.RawMessage, instead json.RawMessage) []byte {
	var members [24]field
	b = append(b, '{')
	start := len(b)
	for _, f := range fields(object, members[:0]) {
		name := f.name[1 : len(f.name)-1]
		shown, whole := v.show.below(name)
		hidden, gone := v.hide.below(name)
		traced, masked := v.mask.below(name)
		whole = whole || v.all
		if gone || !whole && shown == nil {
			continue
		}
		value := f.value
		judged := !whole || hidden != nil // it depends on what is inside
		switch {
		case masked && !isNull(value):
			value = trace(value)
		case judged && !isObject(value) && !isNull(value):
			if value = instead; value == nil {
				continue
			}
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(append(b, f.name...), ':')
		if (judged || traced != nil) && isObject(value) {
			b = view{shown, whole, hidden, traced}.project(b, value, instead)
		} else {
			b = append(b, value...)
		}
	}
	return append(b, '}')
}

// trace is what is left of a masked value: of a text the end, of an e-mail
// address the beginning and the house, of anything else that there is one.
func trace(value json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(value, &text) != nil {
		text = ""
	}
	const rest = 3
	left := "…"
	runes := []rune(text)
	if at := strings.LastIndexByte(text, '@'); at > 0 {
		left = string(runes[:1]) + "…" + text[at:]
	} else if len(runes) > 2*rest {
		left += string(runes[len(runes)-rest:])
	}
	raw, err := json.Marshal(left)
	if err != nil {
		return json.RawMessage(`"…"`)
	}
	return raw
}
