package commerce

import (
	"cmp"
	"encoding/json"

	"github.com/samepage/samepage/hub"
)

// older reports whether a was there before b. Equally old ones go by their
// names, so that everybody decides alike.
func older(a hub.Channel, as hub.State, b hub.Channel, bs hub.State) bool {
	first, second := beginning(as.Entries), beginning(bs.Entries)
	if first.IsZero() != second.IsZero() {
		return second.IsZero() // one that holds nothing loses
	}
	return cmp.Or(first.Compare(second.Time), cmp.Compare(a, b)) < 0
}

// beginning is the earliest that a context's entries tell of.
func beginning(entries map[string]hub.Entry) hub.Time {
	var first hub.Time
	for _, e := range entries {
		var d struct {
			Since    hub.Time `json:"since"`
			OpenedAt hub.Time `json:"opened_at"`
			PlacedAt hub.Time `json:"placed_at"`
			SentAt   hub.Time `json:"sent_at"`
			Ledger   map[string]struct{ At hub.Time }
			Items    map[string]struct{ At hub.Time }
			Consents map[string]struct{ At hub.Time }
		}
		if json.Unmarshal(e.Doc, &d) != nil {
			continue
		}
		all := []hub.Time{d.Since, d.OpenedAt, d.PlacedAt, d.SentAt}
		for _, of := range []map[string]struct{ At hub.Time }{d.Ledger, d.Items, d.Consents} {
			for _, l := range of {
				all = append(all, l.At)
			}
		}
		for _, at := range all {
			if !at.IsZero() && (first.IsZero() || at.Before(first.Time)) {
				first = at
			}
		}
	}
	return first
}
