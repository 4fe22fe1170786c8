package commerce

import (
	"context"
	"encoding/json"

	"github.com/samepage/samepage/hub"
)

// ContextResolve is context.resolve: whose is this handle?
type ContextResolve struct {
	Type   string `json:"type"`
	Value  string `json:"value"`
	Create bool   `json:"create"` // make a context where there is none
}

// Resolved is what context.resolve answers.
type Resolved struct {
	Context string `json:"context"`
	Created bool   `json:"created"`
}

// resolve finds the context of a handle, and with create makes one. Two who
// ask at once get the same one: the index takes a handle once.
func (s *shop) resolve(ctx context.Context, q *hub.Query, args ContextResolve) (hub.Answer, *hub.Problem) {
	h, field, reason := s.directory.normalise(hub.Handle{Type: args.Type, Value: args.Value})
	if reason != "" {
		return hub.Answer{}, hub.Faults{"/" + field: reason}.Problem()
	}
	made := ""
	if args.Create {
		if p := q.RequireID(); p != nil {
			return hub.Answer{}, p
		}
		made = "c-" + q.NewID("context")
	}
	id, p := s.holder(ctx, q, h)
	if p != nil {
		return hub.Answer{}, p
	}
	if id == "" && made == "" {
		return hub.Answer{}, hub.Problemf(hub.CodeNotFound, "nobody is known by this %s", h.Type).
			With(map[string]any{"type": h.Type})
	}
	if id == "" {
		a := q.Do(ctx, hub.Command{
			Method: "profile.identify", On: contextChannel(made),
			Args: encode(ProfileIdentify{Identities: []IdentityArgs{{Type: h.Type, Value: h.Value}}}),
		})
		switch {
		case a.Problem != nil && a.Problem.Code != CodeIdentityConflict:
			return hub.Answer{}, a.Problem
		case a.Problem != nil: // somebody was faster
			if id, p = s.holder(ctx, q, h); p != nil {
				return hub.Answer{}, p
			}
			if id == "" {
				return hub.Answer{}, hub.Problemf(hub.CodeUnavailable, "the handle changes hands just now; try again")
			}
		default:
			id = made
		}
	}
	state, p := q.Load(ctx, contextChannel(id))
	if p != nil {
		return hub.Answer{}, p
	}
	return hub.Answer{Position: state.Position, Result: Resolved{Context: id, Created: id == made}}, nil
}

// holder is the context that the index names, "" if none; gone if the handle was erased.
func (s *shop) holder(ctx context.Context, q *hub.Query, h hub.Handle) (string, *hub.Problem) {
	state, p := q.Load(ctx, identityChannel(h))
	if p != nil {
		return "", p
	}
	e, ok := state.Entries["owner"]
	if !ok {
		return "", nil
	}
	var o Holder
	if err := json.Unmarshal(e.Doc, &o); err != nil {
		return "", hub.Problemf(hub.CodeInternal, "the owner of an identity is corrupt: %v", err)
	}
	if !o.SuppressedAt.IsZero() {
		return "", hub.Problemf(hub.CodeGone, "this handle was erased").With(map[string]any{"type": h.Type})
	}
	name, p := q.Resolve(ctx, contextChannel(o.Context))
	return name.ID(), p
}
