package commerce

import (
	"maps"

	"github.com/samepage/samepage/hub"
)

// Profile is "profile" of a context: who the customer is.
type Profile struct {
	Traits         map[string]string   `json:"traits,omitempty"` // first_name, last_name, email, phone …
	Identities     map[string]Identity `json:"identities,omitempty"`
	Consents       map[string]Consent  `json:"consents,omitempty"` // marketing, analytics …
	PreferredStore string              `json:"preferred_store,omitempty"`
	Since          hub.Time            `json:"since,omitzero"`        // when we first heard of them
	Aliases        map[string]hub.Time `json:"aliases,omitempty"`     // contexts that were found to be this one, and when
	MergedInto     string              `json:"merged_into,omitempty"` // the context that this one is an alias of
	ErasedAt       hub.Time            `json:"erased_at,omitzero"`
}

// Identity is a handle by which the customer is known elsewhere.
type Identity struct {
	Type     string `json:"type"`
	Value    string `json:"value"` // normalised
	Verified bool   `json:"verified"`

	FirstSeen hub.Time `json:"first_seen,omitzero"`
	Source    string   `json:"source,omitempty"` // the touchpoint that told us
}

// The words of a consent.
const (
	ConsentGrant  = "grant"
	ConsentDeny   = "deny"
	ConsentRevoke = "revoke"
)

// Consent is what the customer said to one kind of use, and when.
type Consent struct {
	Status string   `json:"status"`
	At     hub.Time `json:"at"`
}

// ProfileUpdate is profile.update: traits that are named change, "" removes one, the others stay.
type ProfileUpdate struct {
	Traits         map[string]string `json:"traits"`
	PreferredStore *string           `json:"preferred_store"`
}

// Check implements [hub.Checker].
func (a *ProfileUpdate) Check(f hub.Faults) {
	if len(a.Traits) == 0 && a.PreferredStore == nil {
		f.Add("", "needs traits or preferred_store")
	}
	for name, value := range a.Traits {
		requireID(f, pointer("/traits", name), name)
		checkText(f, pointer("/traits", name), value, 500)
	}
	if a.PreferredStore != nil {
		checkID(f, "/preferred_store", *a.PreferredStore)
	}
}

// ProfileSetConsent is profile.set_consent.
type ProfileSetConsent struct {
	Type   string `json:"type"`
	Status string `json:"status"`
}

// Check implements [hub.Checker].
func (a *ProfileSetConsent) Check(f hub.Faults) {
	requireID(f, "/type", a.Type)
	switch a.Status {
	case ConsentGrant, ConsentDeny, ConsentRevoke:
	default:
		f.Add("/status", "must be grant, deny or revoke")
	}
}

// maxTraits is how many traits, and how many consents, a profile holds.
const maxTraits = 50

func (s *shop) updateProfile(tx *hub.Tx, args ProfileUpdate) *hub.Problem {
	profile, p := s.profile(tx)
	if p != nil {
		return p
	}
	if profile.Traits == nil {
		profile.Traits = map[string]string{}
	}
	maps.Copy(profile.Traits, args.Traits)
	maps.DeleteFunc(profile.Traits, func(_, value string) bool { return value == "" })
	if len(profile.Traits) > maxTraits {
		return tooLarge("traits of a profile", maxTraits)
	}
	if args.PreferredStore != nil {
		profile.PreferredStore = *args.PreferredStore
	}
	s.begin(tx, profile)
	tx.Put("profile", profile)
	tx.Emit("profile.updated", nil)
	return nil
}

func (s *shop) setConsent(tx *hub.Tx, args ProfileSetConsent) *hub.Problem {
	profile, p := s.profile(tx)
	if p != nil {
		return p
	}
	if profile.Consents[args.Type].Status == args.Status {
		return nil
	}
	if profile.Consents == nil {
		profile.Consents = map[string]Consent{}
	}
	profile.Consents[args.Type] = Consent{Status: args.Status, At: hub.At(tx.Now)}
	if len(profile.Consents) > maxTraits {
		return tooLarge("consents of a profile", maxTraits)
	}
	s.begin(tx, profile)
	tx.Put("profile", profile)
	s.consented(tx, args.Type, args.Status)
	tx.Emit("profile.consent_set", map[string]any{"type": args.Type, "status": args.Status})
	return nil
}

func (s *shop) profile(tx *hub.Tx) (*Profile, *hub.Problem) {
	profile := &Profile{}
	tx.Get("profile", profile)
	if !profile.ErasedAt.IsZero() {
		return nil, hub.Problemf(hub.CodeGone, "the customer was erased")
	}
	return profile, nil
}
