package commerce

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
)

// The refusals about identities.
const (
	CodeIdentityConflict = "identity_conflict" // another customer's, or one too many; details: type, limit?
)

// identityChannel is where the index keeps whose a handle is. Its name says no
// more than a hash, so that it may outlive the person. A phone number is the
// same handle by whichever way it is reached.
//
//	identity:phone:7k3q…   owner {"context":"c-42","verified":true}
func identityChannel(h hub.Handle) hub.Channel {
	t := h.Type
	if t == "whatsapp" || t == "sms" {
		t = "phone"
	}
	sum := sha256.Sum256([]byte(t + "\x00" + h.Value))
	word := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
	return hub.Channel(hub.KindIdentity + ":" + t + ":" + word)
}

// orderIdentity is where the index keeps whose an order of a marketplace is.
func orderIdentity(id string) hub.Channel {
	return identityChannel(hub.Handle{Type: "order", Value: id})
}

// Holder is "owner" of an identity: the context whose handle or order it is, or
// that it shall be nobody's.
type Holder struct {
	Context      string   `json:"context,omitempty"`
	Verified     bool     `json:"verified,omitempty"`
	Claim        string   `json:"claim,omitempty"` // the command that claimed it
	At           hub.Time `json:"at"`
	SuppressedAt hub.Time `json:"suppressed_at,omitzero"`
}

// IdentityClaim is what the hub asks of an identity.
type IdentityClaim struct {
	Context  string `json:"context"`
	Verified bool   `json:"verified"`
	Claim    string `json:"claim"`
	Restore  bool   `json:"restore"` // take it although it was suppressed
	To       string `json:"to"`      // of a move
}

// settleIdentity is when a claim is looked at again, in case its context never got it.
const settleIdentity = time.Minute

func (s *shop) claimIdentity(tx *hub.Tx, args IdentityClaim) *hub.Problem {
	var h Holder
	if tx.Get("owner", &h) {
		switch {
		case !h.SuppressedAt.IsZero() && !args.Restore:
			return hub.Problemf(hub.CodeGone, "this handle was erased").With(map[string]any{"type": identityType(tx.Command.On)})
		case !h.SuppressedAt.IsZero():
		case h.Context == args.Context && (h.Verified || !args.Verified):
			return nil
		case !s.same(tx, h.Context, args.Context):
			return conflict(tx, identityType(tx.Command.On), h.Context)
		}
	}
	h = Holder{Context: args.Context, Verified: args.Verified, Claim: args.Claim, At: hub.At(tx.Now)}
	tx.Put("owner", h)
	tx.SetTimer("settle", tx.Now.Add(settleIdentity), "identity.settle", IdentityClaim{Context: args.Context})
	tx.Emit("identity.claimed", nil)
	return nil
}

// same reports whether an index names a context: by its name, or, where it is
// behind, by that of what is now its alias.
func (s *shop) same(tx *hub.Tx, was, now string) bool {
	if was == now {
		return true
	}
	var p Profile
	var e Erased
	tx.Ref(contextChannel(now), "profile", &p)
	tx.Ref(contextChannel(now), hub.ErasedKey, &e)
	_, ok := together(p.Aliases, e.Aliases)[was]
	return ok
}

// ownedBy is the owner of an identity, if that is this context.
func ownedBy(tx *hub.Tx, context string) (Holder, bool) {
	var h Holder
	ok := tx.Get("owner", &h)
	return h, ok && h.Context == context && h.SuppressedAt.IsZero()
}

func (s *shop) releaseIdentity(tx *hub.Tx, args IdentityClaim) *hub.Problem {
	if h, ok := ownedBy(tx, args.Context); !ok || h.Claim != args.Claim {
		return nil
	}
	tx.Delete("owner")
	tx.ClearTimer("settle")
	tx.Emit("identity.released", nil)
	return nil
}

// settleIdentity lets go of what was claimed for a context that does not have
// it: the node died in between.
func (s *shop) settleIdentity(tx *hub.Tx, args IdentityClaim) *hub.Problem {
	if _, ok := ownedBy(tx, args.Context); !ok {
		return nil
	}
	var p Profile
	tx.Ref(contextChannel(args.Context), "profile", &p)
	for _, i := range p.Identities {
		if identityChannel(i.handle()) == tx.Command.On {
			return nil
		}
	}
	tx.Delete("owner")
	tx.Emit("identity.released", nil)
	return nil
}

// moveIdentity follows a merge.
func (s *shop) moveIdentity(tx *hub.Tx, args IdentityClaim) *hub.Problem {
	h, ok := ownedBy(tx, args.Context)
	if !ok {
		return nil
	}
	h.Context = args.To
	tx.Put("owner", h)
	tx.Emit("identity.moved", nil)
	return nil
}

// suppressIdentity makes a handle nobody's, for good.
func (s *shop) suppressIdentity(tx *hub.Tx, args IdentityClaim) *hub.Problem {
	var h Holder
	if tx.Get("owner", &h) && (!h.SuppressedAt.IsZero() || !s.same(tx, h.Context, args.Context)) {
		return nil
	}
	tx.Put("owner", Holder{At: hub.At(tx.Now), SuppressedAt: hub.At(tx.Now)})
	tx.ClearTimer("settle")
	tx.Emit("identity.suppressed", nil)
	return nil
}

// claimOrder gives an order to the first who asks. Who comes later sees whose it is.
func (s *shop) claimOrder(tx *hub.Tx, args IdentityClaim) *hub.Problem {
	if tx.Has("owner") {
		return nil
	}
	tx.Put("owner", Holder{Context: args.Context, At: hub.At(tx.Now)})
	tx.Emit("identity.claimed", nil)
	return nil
}

func identityType(name hub.Channel) string {
	id := name.ID()
	return id[:max(strings.LastIndexByte(id, ':'), 0)]
}

// conflict says that a handle is another customer's; whose, staff and services learn.
func conflict(tx *hub.Tx, t, context string) *hub.Problem {
	details := map[string]any{"type": t}
	switch tx.By().Role {
	case hub.RoleService, hub.RoleAgent, hub.RoleSupervisor:
		details["context"] = context
	}
	return hub.Problemf(CodeIdentityConflict, "the %s belongs to another customer", t).With(details)
}

func (i Identity) handle() hub.Handle { return hub.Handle{Type: i.Type, Value: i.Value} }

func (i Identity) key() string { return i.Type + ":" + i.Value }

func contextChannel(id string) hub.Channel { return hub.Channel(hub.KindContext + ":" + id) }
