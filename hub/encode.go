package hub

import (
	"encoding/json"
	"strconv"
)

// Events are written once for the log and once for every audience that sees
// them, so they are written by hand: what [json.Marshal] would write, without
// reading through their documents again.

// MarshalJSON implements [json.Marshaler].
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// AppendJSON appends the event as JSON, with the labels if it has any: filter
// it ([Sights.Event]) before it leaves the hub. Its documents must be valid JSON.
func (e *Event) AppendJSON(b []byte) []byte {
	b = appendString(append(b, `{"type":`...), e.Type)
	b = e.At.appendJSON(append(b, `,"at":`...))
	if e.OccurredAt != nil {
		b = e.OccurredAt.appendJSON(append(b, `,"occurred_at":`...))
	}
	b = e.By.appendJSON(append(b, `,"by":`...))
	b = appendMember(b, `,"cause":`, e.Cause)
	for i, c := range e.Changes {
		if i == 0 {
			b = append(b, `,"changes":[`...)
		} else {
			b = append(b, ',')
		}
		b = c.appendJSON(b)
		if i == len(e.Changes)-1 {
			b = append(b, ']')
		}
	}
	b = appendDocument(b, `,"data":`, e.Data)
	return append(b, '}')
}

func (a Actor) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"role":`...), string(a.Role))
	b = appendMember(b, `,"id":`, a.ID)
	b = appendMember(b, `,"name":`, a.Name)
	b = appendMember(b, `,"via":`, a.Via)
	b = appendMember(b, `,"device":`, a.Device)
	return append(b, '}')
}

func (c Change) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"key":`...), c.Key)
	b = strconv.AppendUint(append(b, `,"v":`...), c.Version, 10)
	b = appendDocument(b, `,"patch":`, c.Patch)
	b = appendDocument(b, `,"doc":`, c.Doc)
	if c.Gone {
		b = append(b, `,"gone":true`...)
	}
	b = appendStrings(b, `,"labels":`, c.Labels)
	if c.Moved {
		b = append(b, `,"moved":true`...)
	}
	b = appendStrings(b, `,"was":`, c.Was)
	return append(b, '}')
}

// appendMember appends a member of an object unless it is empty.
func appendMember(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, name...), s)
}

func appendDocument(b []byte, name string, doc json.RawMessage) []byte {
	if len(doc) == 0 {
		return b
	}
	return append(append(b, name...), doc...)
}

func appendStrings(b []byte, name string, all []string) []byte {
	if len(all) == 0 {
		return b
	}
	b = append(b, name...)
	for i, s := range all {
		if i == 0 {
			b = append(b, '[')
		} else {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// appendString appends a string in quotes, escaped as [json.Marshal] does.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			escaped, _ := json.Marshal(s) // a string always can be
			return append(b, escaped...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
