package hub

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxChannelLength is the longest channel name, in bytes.
const MaxChannelLength = 255

// Channel is the name of everything a touchpoint can subscribe to: "kind:id"
// for a channel with entries ("context:c-42"), any other text for a plain one
// ("news", "chat:lobby").
type Channel string

// The kinds of channel that hold entries. Every other name is a plain channel.
const (
	KindContext = "context" // one customer: profile, loyalty, carts, orders, conversations
	KindStore   = "store"   // one store: acceptance, stock levels, reservations
	KindCatalog = "catalog" // sku -> name and price
	KindBoard   = "board"   // derived: a ticket for every open order of a store
	KindQueue   = "queue"   // derived: waiting conversations
	KindDesk    = "desk"    // derived: what one agent owns and is offered
	KindRoster  = "roster"  // derived: agents with state and load

	KindBlocks = "blocks" // who is kept out: users, tokens, devices; for services, and followed by every node

	// Looked up by the hub, followed by nobody.
	KindIdentity = "identity" // whose a handle is, and whose an order of a marketplace
	KindCode     = "code"     // which context a check-in code stands for
)

// Kinds lists the kinds that hold entries, in the order of the documentation.
func Kinds() []string {
	return []string{KindContext, KindStore, KindCatalog, KindBoard, KindQueue, KindDesk, KindRoster, KindBlocks, KindIdentity, KindCode}
}

// Kind is the part before the first colon, "" where there is none.
func (c Channel) Kind() string {
	kind, _, ok := strings.Cut(string(c), ":")
	if !ok {
		return ""
	}
	return kind
}

// ID is the part after the first colon, the whole name where there is none.
func (c Channel) ID() string {
	_, id, ok := strings.Cut(string(c), ":")
	if !ok {
		return string(c)
	}
	return id
}

// HasEntries reports whether the channel is of one of the [Kinds]; the others are plain.
func (c Channel) HasEntries() bool {
	switch c.Kind() {
	case KindContext, KindStore, KindCatalog, KindBoard, KindQueue, KindDesk, KindRoster, KindBlocks, KindIdentity, KindCode:
		return true
	}
	return false
}

// Derived reports whether the channel's entries are folded from other
// channels' logs: no command addresses it.
func (c Channel) Derived() bool {
	switch c.Kind() {
	case KindBoard, KindQueue, KindDesk, KindRoster:
		return true
	}
	return false
}

// Valid reports why the name cannot be a channel's, nil if it can: it must be
// 1 to [MaxChannelLength] bytes of printable UTF-8 without spaces, and a
// channel with entries needs an id.
func (c Channel) Valid() error {
	if c == "" {
		return fmt.Errorf("a channel needs a name")
	}
	if len(c) > MaxChannelLength {
		return fmt.Errorf("a channel name has at most %d bytes", MaxChannelLength)
	}
	for _, r := range c {
		if r <= ' ' || r == 0x7f || r == '\uFFFD' {
			return fmt.Errorf("a channel name holds no spaces and no control characters")
		}
	}
	if c.HasEntries() && c.ID() == "" {
		return fmt.Errorf("a %s channel needs an id behind the colon", c.Kind())
	}
	return nil
}

// Position is a point in a channel's log. Offsets are contiguous inside an
// epoch; an epoch ends when, and only when, the past can no longer be
// continued. The zero Position is "before anything was known".
//
//	{"k3x9", 17}  the log as of its 17th event
//	{"m0aa", 3}   not comparable: another epoch, so what was known must be loaded anew
type Position struct {
	Epoch  string
	Offset uint64
}

// String is "EPOCH:OFFSET", the form of SSE event ids and of the after parameter.
func (p Position) String() string { return p.Epoch + ":" + strconv.FormatUint(p.Offset, 10) }

// ParsePosition reads what [Position.String] wrote.
func ParsePosition(s string) (Position, error) {
	epoch, offset, ok := strings.Cut(s, ":")
	if !ok {
		return Position{}, fmt.Errorf("a position reads EPOCH:OFFSET")
	}
	n, err := strconv.ParseUint(offset, 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("a position reads EPOCH:OFFSET: %q is no offset", offset)
	}
	return Position{Epoch: epoch, Offset: n}, nil
}
