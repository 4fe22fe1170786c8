package commerce

import (
	"context"
	"encoding/json"

	"github.com/samepage/samepage/hub"
)

// Export is what context.export answers: one document with everything that is
// kept of a customer and that the caller may see.
type Export struct {
	Context    string                     `json:"context"`
	ExportedAt hub.Time                   `json:"exported_at"`
	Epoch      string                     `json:"epoch"`
	Offset     uint64                     `json:"offset"`
	Entries    map[string]json.RawMessage `json:"entries"` // key -> document
}

// export collects a context's entries. The timeline is the customer's own
// data: it is part of it, though their app does not show it.
func (s *shop) export(ctx context.Context, q *hub.Query, _ struct{}) (hub.Answer, *hub.Problem) {
	on, p := q.Resolve(ctx, q.Command.On)
	if p != nil {
		return hub.Answer{}, p
	}
	state, p := q.Load(ctx, on)
	if p != nil {
		return hub.Answer{}, p
	}
	if _, ok := state.Entries[hub.ErasedKey]; ok {
		return hub.Answer{}, hub.Problemf(hub.CodeGone, "the customer was erased")
	}
	e := Export{
		Context: on.ID(), ExportedAt: hub.At(q.Now), Epoch: state.Position.Epoch, Offset: state.Position.Offset,
		Entries: map[string]json.RawMessage{},
	}
	for key, entry := range state.Entries {
		if key == "activity" {
			e.Entries[key] = entry.Doc
		} else if seen, ok := q.Entry(on, key, entry); ok {
			e.Entries[key] = seen.Doc
		}
	}
	return hub.Answer{Position: state.Position, On: on, Result: e}, nil
}
