package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// lineLength is how long a JSON value may be that stays on one line.
const lineLength = 54

// pretty writes JSON for reading: members keep their order, and what is short
// stays on one line.
func pretty(raw json.RawMessage) string { return spread(ordered(raw), "") }

// member is a name and what stands behind it.
type member struct {
	name  string
	value any // []member, []any or json.RawMessage
}

// ordered decodes objects as lists of members, which keeps their order.
func ordered(raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	start, err := dec.Token()
	if err != nil || start != json.Delim('{') && start != json.Delim('[') {
		return raw
	}
	members, items := []member{}, []any{}
	for dec.More() {
		var name json.Token
		if start == json.Delim('{') {
			if name, err = dec.Token(); err != nil {
				return raw
			}
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return raw
		}
		if start == json.Delim('{') {
			members = append(members, member{name.(string), ordered(value)})
		} else {
			items = append(items, ordered(value))
		}
	}
	if start == json.Delim('{') {
		return members
	}
	return items
}

func spread(v any, at string) string {
	parts, ends := parts(v, func(v any) string { return spread(v, at+"  ") })
	flat, _ := flatten(v)
	if len(at)+len(flat) <= lineLength || len(parts) == 0 {
		return flat
	}
	return ends[:1] + "\n" + at + "  " + strings.Join(parts, ",\n"+at+"  ") + "\n" + at + ends[1:]
}

func flatten(v any) (string, bool) {
	parts, ends := parts(v, func(v any) string { flat, _ := flatten(v); return flat })
	switch ends {
	case "{}":
		if len(parts) == 0 {
			return ends, true
		}
		return "{ " + strings.Join(parts, ", ") + " }", true
	case "[]":
		return "[" + strings.Join(parts, ", ") + "]", true
	}
	raw, ok := v.(json.RawMessage)
	return string(raw), ok
}

// parts are what stands between the ends of an object or a list.
func parts(v any, write func(any) string) (all []string, ends string) {
	switch v := v.(type) {
	case []member:
		for _, m := range v {
			all = append(all, fmt.Sprintf("%q: %s", m.name, write(m.value)))
		}
		return all, "{}"
	case []any:
		for _, item := range v {
			all = append(all, write(item))
		}
		return all, "[]"
	}
	return nil, ""
}

// Span is a piece of JSON and what it is: a name, a text, a number or neither.
type Span struct{ Class, Text string }

// spansOf colours JSON.
func spansOf(text string) []Span {
	var all []Span
	add := func(class, piece string) {
		if piece == "" {
			return
		}
		if n := len(all); n > 0 && all[n-1].Class == class {
			all[n-1].Text += piece
			return
		}
		all = append(all, Span{class, piece})
	}
	for text != "" {
		switch c := text[0]; {
		case c == '"':
			end := 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(text))
			class := "s"
			if strings.HasPrefix(text[end:], ":") {
				class = "n"
			}
			add(class, text[:end])
			text = text[end:]
		case c >= '0' && c <= '9' || c == '-' || strings.HasPrefix(text, "true") || strings.HasPrefix(text, "false") || strings.HasPrefix(text, "null"):
			end := strings.IndexAny(text, ",]} \n")
			if end < 0 {
				end = len(text)
			}
			add("v", text[:end])
			text = text[end:]
		default:
			add("", text[:1])
			text = text[1:]
		}
	}
	return all
}
