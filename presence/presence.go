package presence

import (
	"context"
	"encoding/json"
)

// Member is one connection in a channel.
type Member struct {
	Client   string          `json:"client"`              // the connection's id
	User     string          `json:"user"`                // whose it is
	ConnInfo json.RawMessage `json:"conn_info,omitempty"` // what the connection's token says of it
	ChanInfo json.RawMessage `json:"chan_info,omitempty"` // what the subscription's token says of it
}

// Stats count a channel's members.
type Stats struct {
	Clients int // connections
	Users   int // different users behind them
}

// Store knows who is in which channel. It may be called concurrently; its
// answers belong to the caller. A member stays until it is removed or its node
// is gone.
type Store interface {
	// Join adds a member, or replaces the one of the same client. It reports whether the client
	// was not there before.
	Join(ctx context.Context, channel string, m Member) (bool, error)
	// Leave removes a client and reports whether it was there.
	Leave(ctx context.Context, channel, client string) (bool, error)
	// Members are those of a channel by client.
	Members(ctx context.Context, channel string) (map[string]Member, error)
	// Stats count them.
	Stats(ctx context.Context, channel string) (Stats, error)
	// Channels are those that have members and match a pattern of path.Match ("" : all), with
	// how many connections each has.
	Channels(ctx context.Context, pattern string) (map[string]int, error)
}
