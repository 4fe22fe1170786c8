package commerce

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/samepage/samepage/hub"
)

// ProfileOpen is profile.open.
type ProfileOpen struct {
	Reason string `json:"reason"`
}

// Check implements [hub.Checker].
func (a *ProfileOpen) Check(f hub.Faults) {
	checkText(f, "/reason", a.Reason, 200)
}

// Opened is what profile.open answers: how to reach the customer.
type Opened struct {
	Traits     map[string]string   `json:"traits"`
	Identities map[string]Identity `json:"identities"`
	Addresses  map[string]string   `json:"addresses"` // conversation -> where the customer writes from
}

// openProfile shows staff what is masked in the profile. That they looked is
// an event before they see it.
func (s *shop) openProfile(ctx context.Context, q *hub.Query, args ProfileOpen) (hub.Answer, *hub.Problem) {
	on, p := q.Resolve(ctx, q.Command.On)
	if p != nil {
		return hub.Answer{}, p
	}
	a := q.Do(ctx, hub.Command{Method: "profile.note_opening", On: on, Args: encode(args)})
	if a.Problem != nil {
		return hub.Answer{}, a.Problem
	}
	state, p := q.Load(ctx, on)
	if p != nil {
		return hub.Answer{}, p
	}
	opened := Opened{Traits: map[string]string{}, Identities: map[string]Identity{}, Addresses: map[string]string{}}
	for key, e := range state.Entries {
		kind, id, _ := strings.Cut(key, "/")
		switch kind {
		case "profile":
			if err := json.Unmarshal(e.Doc, &opened); err != nil {
				return hub.Answer{}, hub.Problemf(hub.CodeInternal, "the profile of %s cannot be read: %v", on, err)
			}
		case "conversation":
			var c struct {
				Address string `json:"address"`
			}
			if json.Unmarshal(e.Doc, &c) == nil && c.Address != "" {
				opened.Addresses[id] = c.Address
			}
		}
	}
	a.Result, a.On = opened, on
	return a, nil
}

func (s *shop) noteOpening(tx *hub.Tx, args ProfileOpen) *hub.Problem {
	if _, p := s.profile(tx); p != nil {
		return p
	}
	Note(tx, "profile.opened", "profile", strings.TrimSuffix("Contact data opened by "+tx.By().Name, " by "))
	tx.Emit("profile.opened", map[string]string{"reason": args.Reason})
	return nil
}
