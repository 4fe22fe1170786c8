package hub

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
)

// Documents are taken apart and put together many times for one command, and
// are known to be valid JSON: they were written by [json.Marshal] or checked
// when they came in. What follows reads them in place, without copying and
// without deciding what their values mean. On bytes that are no JSON it gives
// some answer and does not panic.

// field is a member of an object: its name and value as they stand in the text.
type field struct {
	name  []byte // with quotes and escapes
	value json.RawMessage
}

// Members yields the members of a valid JSON object: their names as they are
// written between the quotes, and their values. Nothing is copied.
func Members(object json.RawMessage) iter.Seq2[[]byte, json.RawMessage] {
	return func(yield func([]byte, json.RawMessage) bool) {
		var members [16]field
		for _, f := range fields(object, members[:0]) {
			if len(f.name) < 2 || !yield(f.name[1:len(f.name)-1], f.value) {
				return
			}
		}
	}
}

// key is the field's name.
func (f field) key() string { return text(f.name) }

// text is what a quoted string says.
func text(quoted []byte) string {
	if len(quoted) < 2 {
		return ""
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	_ = json.Unmarshal(quoted, &s)
	return s
}

// fields appends the members of an object to into. Of a name that stands twice
// the last one counts, as with [json.Unmarshal].
func fields(object json.RawMessage, into []field) []field {
	start := len(into)
	i := space(object, 0)
	if i >= len(object) || object[i] != '{' {
		return into
	}
	i++
	for {
		i = space(object, i)
		if i >= len(object) || object[i] != '"' {
			return into
		}
		end := value(object, i)
		name := object[i:end]
		i = space(object, end)
		if i >= len(object) || object[i] != ':' {
			return into
		}
		i = space(object, i+1)
		end = value(object, i)
		f := field{name, object[i:end:end]}
		if at := find(into[start:], name); at >= 0 {
			into[start+at] = f
		} else {
			into = append(into, f)
		}
		i = space(object, end)
		if i >= len(object) || object[i] != ',' {
			return into
		}
		i++
	}
}

// find is where a member stands, -1 if there is none of that name. Names are
// compared as they are written: one writer writes a name in one way.
func find(in []field, name []byte) int {
	return slices.IndexFunc(in, func(f field) bool { return bytes.Equal(f.name, name) })
}

// items appends the members of a list to into.
func items(list json.RawMessage, into []json.RawMessage) []json.RawMessage {
	i := space(list, 0)
	if i >= len(list) || list[i] != '[' {
		return into
	}
	i++
	for {
		i = space(list, i)
		if i >= len(list) || list[i] == ']' {
			return into
		}
		end := value(list, i)
		into = append(into, list[i:end:end])
		i = space(list, end)
		if i >= len(list) || list[i] != ',' {
			return into
		}
		i++
	}
}

// space is the place of the first byte from i on that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// value is the end of the value that begins at i.
func value(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = quoted(b, i)
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i // a bare value's end
			}
			depth--
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
			continue
		default: // part of a number, true, false or null
			continue
		}
		if depth == 0 {
			return min(i+1, len(b))
		}
	}
	return len(b)
}

// quoted is the place of the quote that ends the string beginning at i.
func quoted(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b)
}

// appendObject writes fields as an object.
func appendObject(b []byte, all []field) []byte {
	b = append(b, '{')
	for i, f := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, f.name...), ':'), f.value...)
	}
	return append(b, '}')
}

// appendCanonical writes a value with the members of its objects in order of
// their names and without white space between. Of the value itself the member
// except, a name in quotes, is left out.
func appendCanonical(b []byte, v json.RawMessage, except string) []byte {
	v = bytes.TrimSpace(v)
	switch {
	case len(v) == 0:
		return b
	case v[0] == '{':
		all := fields(v, nil)
		slices.SortFunc(all, func(a, b field) int { return bytes.Compare(a.name, b.name) })
		b = append(b, '{')
		open := len(b)
		for _, f := range all {
			if string(f.name) == except {
				continue
			}
			if len(b) > open {
				b = append(b, ',')
			}
			b = appendCanonical(append(append(b, f.name...), ':'), f.value, "")
		}
		return append(b, '}')
	case v[0] == '[':
		b = append(b, '[')
		for i, item := range items(v, nil) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCanonical(b, item, "")
		}
		return append(b, ']')
	}
	return append(b, v...)
}

// isObject reports whether a value is one, by its first byte.
func isObject(raw json.RawMessage) bool {
	i := space(raw, 0)
	return i < len(raw) && raw[i] == '{'
}

// isNull reports whether a value is null.
func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// deep reports whether objects and lists stand in each other more than most deep.
func deep(b []byte, most int) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = quoted(b, i)
		case '{', '[':
			if depth++; depth > most {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
