package hub

import (
	"encoding/json"
	"strings"
	"time"
)

// Entry is one versioned document of a channel. Version is the offset of the
// last event that touched it. Doc is a JSON object; nobody changes its bytes.
type Entry struct {
	Version uint64          `json:"v"`
	Doc     json.RawMessage `json:"doc"`
}

// Snapshot is a channel's entries and the position they stand at. The map
// belongs to whoever asked for it.
type Snapshot struct {
	Channel  Channel
	Position Position
	Entries  map[string]Entry
}

// EntryKind is the part of an entry's key before its first slash: "cart" of "cart/ca1".
func EntryKind(key string) string {
	kind, _, _ := strings.Cut(key, "/")
	return kind
}

// Actor is who did something, as events tell it.
type Actor struct {
	Role   Role   `json:"role"`
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`   // display name
	Via    string `json:"via,omitempty"`    // the touchpoint: app, pos, desk, api
	Device string `json:"device,omitempty"` // device id of a till
}

// Change is what an event did to one entry: exactly one of Patch, Doc, Gone.
type Change struct {
	Key     string          `json:"key"`
	Version uint64          `json:"v"`
	Patch   json.RawMessage `json:"patch,omitempty"` // RFC 7386, against the entry's previous version
	Doc     json.RawMessage `json:"doc,omitempty"`   // the whole new document
	Gone    bool            `json:"gone,omitempty"`

	// Labels are what the entry's [EntrySight.Labels] says of the new document (of the last one,
	// if it is gone). Where they differ from those before, Moved is set, Was holds the old ones
	// and Doc the whole document: the visibility of a change is decided by these alone. They are
	// stored with the event and never leave the hub.
	Labels []string `json:"labels,omitempty"`
	Moved  bool     `json:"moved,omitempty"`
	Was    []string `json:"was,omitempty"`
}

// Event is one accepted change of a channel: the unit of its log.
type Event struct {
	Type       string          `json:"type"`
	At         Time            `json:"at"`
	OccurredAt *Time           `json:"occurred_at,omitempty"` // where a device acted offline
	By         Actor           `json:"by"`
	Cause      string          `json:"cause,omitempty"` // the command's id
	Changes    []Change        `json:"changes,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
}

// Time is an instant in UTC with millisecond precision, written as
// "2026-11-23T09:00:00.123Z".
type Time struct{ time.Time }

// At truncates t to the precision of the wire.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

const timeLayout = "2006-01-02T15:04:05.000Z"

// MarshalJSON implements [json.Marshaler].
func (t Time) MarshalJSON() ([]byte, error) {
	return t.appendJSON(make([]byte, 0, len(timeLayout)+2)), nil
}

func (t Time) appendJSON(b []byte) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), timeLayout), '"')
}

// UnmarshalJSON implements [json.Unmarshaler]; it takes any RFC 3339 time.
func (t *Time) UnmarshalJSON(b []byte) error {
	var at time.Time
	if err := at.UnmarshalJSON(b); err != nil {
		return err
	}
	*t = At(at)
	return nil
}
