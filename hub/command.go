package hub

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// MaxCommandIDLength is the longest command id, in bytes.
const MaxCommandIDLength = 128

// MaxDepth is how deep objects and lists of a command's arguments stand in each other.
const MaxDepth = 64

// How long a command id is remembered. Tills may be offline for days.
const (
	RememberCommand    = 24 * time.Hour
	RememberPOSCommand = 7 * 24 * time.Hour
)

// Role is who a caller is to the shop.
type Role string

// The roles of a token, and System for the hub's own timers and flows.
const (
	RoleGuest      Role = "guest"
	RoleCustomer   Role = "customer"
	RolePOS        Role = "pos"
	RoleAgent      Role = "agent"
	RoleSupervisor Role = "supervisor"
	RoleService    Role = "service"
	RoleBot        Role = "bot"
	RoleSystem     Role = "system"
)

// Caller is who sends a command or looks at a channel, as far as models and
// filters may know. It is made from a token by whoever authenticated it.
type Caller struct {
	Actor
	Context  string   // customer: the id of the context the token is for
	Store    string   // pos: its store
	Queues   []string // agent, supervisor, bot
	Vouched  []Handle // customer: what the token says is theirs
	Skills   []string
	Capacity int

	CheckedIn bool // pos: the customer of the context that is addressed is checked in at the till
}

// Handle names somebody on a channel of communication: ("email", "maya@example.com").
type Handle struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Audience is what decides what a caller sees. It is comparable: events are
// filtered and encoded once per audience.
type Audience struct {
	Role  Role
	Store string // pos
	Bot   string // bot: its id

	CheckedIn bool // pos: on a context, while the customer is checked in at the till
}

// elsewhere is who acts, as channels are told that follow from the one that was
// addressed: of a customer the role, so that no other channel's log has to be
// searched when they are erased.
func (c Caller) elsewhere() Actor {
	if c.Role == RoleCustomer {
		return Actor{Role: c.Role, Via: c.Via}
	}
	return c.Actor
}

// Audience of the caller.
func (c Caller) Audience() Audience {
	a := Audience{Role: c.Role}
	switch c.Role {
	case RolePOS:
		a.Store, a.CheckedIn = c.Store, c.CheckedIn
	case RoleBot:
		a.Bot = c.ID
	}
	return a
}

// Command asks one channel's model for one change.
type Command struct {
	Method    string
	ID        string // made by the sender before its first send; the same in every retry
	On        Channel
	Args      json.RawMessage
	IfVersion map[string]uint64
	Caller    Caller
}

// Answer is what a command's sender gets: a position and the event as its
// audience may see it, or a problem.
type Answer struct {
	Position Position
	Event    *Event  // unfiltered; nil where nothing changed
	Result   any     // of a query: marshals to an object
	On       Channel // where it was done, if that is another channel than the one addressed: see [AliasKey], [Tx.Elsewhere]
	Problem  *Problem
	Replayed bool
}

// sentAt is the argument that may differ each time a command is sent: when a
// device that was offline sends it.
const sentAt = `"sent_at"`

// hash binds a command's id to its body and its sender.
func (c *Command) hash() [32]byte {
	b := make([]byte, 0, 512)
	for _, part := range []string{c.Method, string(c.On), string(c.Caller.Role), c.Caller.ID} {
		b = append(strconv.AppendInt(b, int64(len(part)), 10), ':')
		b = append(b, part...)
	}
	for _, key := range slices.Sorted(maps.Keys(c.IfVersion)) {
		b = append(strconv.AppendInt(b, int64(len(key)), 10), ':')
		b = strconv.AppendUint(append(b, key...), c.IfVersion[key], 10)
		b = append(b, ',')
	}
	if args := appendCanonical(append(b, ' '), c.Args, sentAt); len(args) > len(b)+1 {
		b = args
	} else {
		b = append(b, " {}"...) // no arguments are an empty object
	}
	return sha256.Sum256(b)
}
