package commerce

import (
	"fmt"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// ProfileIdentify is profile.identify: these handles are this customer's.
type ProfileIdentify struct {
	Identities []IdentityArgs `json:"identities"`
}

// IdentityArgs is a handle as it is told.
type IdentityArgs struct {
	Type     string `json:"type"`
	Value    string `json:"value"`
	Verified bool   `json:"verified"`
	Restore  bool   `json:"restore"` // although it was erased: the person came back. For services
}

// Check implements [hub.Checker].
func (a *ProfileIdentify) Check(f hub.Faults) {
	if len(a.Identities) == 0 || len(a.Identities) > 20 {
		f.Add("/identities", "must be 1 to 20")
	}
}

func (s *shop) identify(tx *hub.Tx, args ProfileIdentify) *hub.Problem {
	profile, p := s.profile(tx)
	if p != nil {
		return p
	}
	asked, p := s.handles(tx.Command.Caller, args.Identities)
	if p != nil {
		return p
	}
	if profile.Identities == nil {
		profile.Identities = map[string]Identity{}
	}
	var added []string
	for n, i := range asked {
		old, known := profile.Identities[i.key()]
		if known && (old.Verified || !i.Verified) {
			continue
		}
		i.FirstSeen = hub.At(tx.Now)
		if known {
			i.FirstSeen = old.FirstSeen
		}
		i.Source = touchpoint(tx)
		profile.Identities[i.key()] = i
		added = append(added, i.Type)
		claim := IdentityClaim{
			Context: tx.Command.On.ID(), Verified: i.Verified, Claim: tx.Command.ID, Restore: args.Identities[n].Restore,
		}
		on := identityChannel(i.handle())
		tx.First(
			hub.Command{Method: "identity.claim", On: on, Args: encode(claim)},
			hub.Command{Method: "identity.release", On: on, Args: encode(claim)},
		)
	}
	if len(added) == 0 {
		return nil
	}
	if p := s.withinLimits(profile.Identities); p != nil {
		return p
	}
	s.begin(tx, profile)
	tx.Put("profile", profile)
	tx.Emit("profile.identified", map[string]any{"types": added})
	return nil
}

// handles are what a caller says, normalised. A till says nothing of the kind,
// and a customer only what their token vouches for.
func (s *shop) handles(by hub.Caller, args []IdentityArgs) ([]Identity, *hub.Problem) {
	f := hub.Faults{}
	var all []Identity
	for n, a := range args {
		at := fmt.Sprintf("/identities/%d", n)
		h, field, reason := s.directory.normalise(hub.Handle{Type: a.Type, Value: a.Value})
		if reason != "" {
			f.Add(at+"/"+field, "%s", reason)
			continue
		}
		if by.Device != "" && (h.Value == by.Device || a.Value == by.Device) {
			f.Add(at+"/value", "is a device, not a person")
			continue
		}
		if a.Restore && by.Role != hub.RoleService {
			return nil, forbidden("only a service brings an erased handle back")
		}
		if by.Role == hub.RoleCustomer {
			if !s.vouched(by, h) {
				return nil, forbidden("the token does not vouch for this %s", h.Type)
			}
			a.Verified = true
		}
		all = append(all, Identity{Type: h.Type, Value: h.Value, Verified: a.Verified})
	}
	return all, f.Problem()
}

func (s *shop) vouched(by hub.Caller, h hub.Handle) bool {
	return slices.ContainsFunc(by.Vouched, func(v hub.Handle) bool {
		v, _, reason := s.directory.normalise(v)
		return reason == "" && v == h
	})
}

// withinLimits refuses more handles of a type than one person has: more often
// than not these are several persons.
func (s *shop) withinLimits(identities map[string]Identity) *hub.Problem {
	n := map[string]int{}
	for _, i := range identities {
		n[i.Type]++
	}
	for _, t := range slices.Sorted(maps.Keys(n)) {
		if limit := s.directory.limit(t); n[t] > limit {
			return hub.Problemf(CodeIdentityConflict, "one customer has at most %d of %s", limit, t).
				With(map[string]any{"type": t, "limit": limit})
		}
	}
	return nil
}
