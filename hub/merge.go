package hub

import "encoding/json"

// Documents never hold nulls and replace their lists whole (sets are maps by
// id), so that a merge patch (RFC 7386) can say every change.

// Diff is the merge patch that makes before into after; both are valid JSON
// objects. It is nil if they are the same, member for member.
func Diff(before, after json.RawMessage) json.RawMessage {
	patch := appendDiff(make([]byte, 0, 256), before, after)
	if len(patch) == 0 {
		return nil
	}
	return patch
}

// appendDiff appends the patch, nothing if there is none.
func appendDiff(b []byte, before, after json.RawMessage) []byte {
	var old, now [16]field
	was, is := fields(before, old[:0]), fields(after, now[:0])
	start := len(b)
	for i, f := range is {
		at := i // where it stood before, if nothing came between
		if at >= len(was) || string(was[at].name) != string(f.name) {
			at = find(was, f.name)
		}
		if at >= 0 && string(was[at].value) == string(f.value) {
			continue
		}
		mark := len(b)
		b = appendName(b, start, f.name)
		if at < 0 || !isObject(was[at].value) || !isObject(f.value) {
			b = append(b, f.value...)
			continue
		}
		inner := len(b)
		if b = appendDiff(b, was[at].value, f.value); len(b) == inner {
			b = b[:mark]
		}
	}
	for i, f := range was {
		if i < len(is) && string(is[i].name) == string(f.name) {
			continue
		}
		if find(is, f.name) < 0 {
			b = append(appendName(b, start, f.name), null...)
		}
	}
	if len(b) > start {
		b = append(b, '}')
	}
	return b
}

// appendName appends a member's name to an object that began at start.
func appendName(b []byte, start int, name []byte) []byte {
	if len(b) == start {
		b = append(b, '{')
	} else {
		b = append(b, ',')
	}
	return append(append(b, name...), ':')
}

var null = json.RawMessage("null")

// Apply is the document that a merge patch (RFC 7386) makes of doc; both are
// valid JSON.
func Apply(doc, patch json.RawMessage) json.RawMessage {
	if !isObject(patch) {
		return patch
	}
	var changes [16]field
	merged := fields(doc, make([]field, 0, 32))
	for _, p := range fields(patch, changes[:0]) {
		at := find(merged, p.name)
		switch {
		case isNull(p.value) && at >= 0:
			merged = append(merged[:at], merged[at+1:]...)
		case isNull(p.value):
		case at >= 0:
			merged[at].value = Apply(merged[at].value, p.value)
		default:
			merged = append(merged, field{p.name, Apply(nil, p.value)})
		}
	}
	return appendObject(make([]byte, 0, len(doc)+len(patch)), merged)
}
