package commerce

import (
	"bytes"
	"encoding/json"

	"github.com/samepage/samepage/hub"
)

// ConsentAnalytics is the consent without which nothing of what a customer
// looks at is kept.
const ConsentAnalytics = "analytics"

// MaxProperties is how much an item of the timeline says of what happened, in bytes of JSON.
const MaxProperties = 2 << 10

// ActivityTrack is activity.track: something the customer did elsewhere, under
// the name that analytics knows it by: "Product Viewed".
type ActivityTrack struct {
	Event      string          `json:"event"`
	Properties json.RawMessage `json:"properties"`
}

// Check implements [hub.Checker].
func (a *ActivityTrack) Check(f hub.Faults) {
	if a.Event == "" {
		f.Add("/event", "required")
	}
	checkText(f, "/event", a.Event, 100)
	raw := bytes.TrimSpace(a.Properties)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		a.Properties = nil
	case raw[0] != '{':
		f.Add("/properties", "must be an object")
	case len(raw) > MaxProperties:
		f.Add("/properties", "must have at most %d bytes", MaxProperties)
	default:
		a.Properties = withoutNulls(raw)
	}
}

// withoutNulls leaves out members that are null: documents hold none.
func withoutNulls(raw json.RawMessage) json.RawMessage {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	out, err := json.Marshal(stripNulls(v))
	if err != nil {
		return nil
	}
	return out
}

func stripNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if inner == nil {
				delete(v, name)
			} else {
				v[name] = stripNulls(inner)
			}
		}
	case []any:
		kept := v[:0]
		for _, inner := range v {
			if inner != nil {
				kept = append(kept, stripNulls(inner))
			}
		}
		return kept
	}
	return v
}

// track puts it on the timeline. Without the customer's consent it is dropped:
// accepted, and nothing happens.
func (s *shop) track(tx *hub.Tx, args ActivityTrack) *hub.Problem {
	profile, p := s.profile(tx)
	if p != nil {
		return p
	}
	if profile.Consents[ConsentAnalytics].Status != ConsentGrant {
		return nil
	}
	note(tx, ActivityItem{Kind: "activity.tracked", Summary: args.Event, Properties: args.Properties})
	tx.Emit("activity.tracked", map[string]any{"event": args.Event})
	return nil
}
