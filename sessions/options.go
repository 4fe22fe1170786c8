package sessions

import (
	"log/slog"
	"time"

	"github.com/samepage/samepage/hub"
)

// Options configure a [Server]. The zero value works and admits nobody
// without a token.
type Options struct {
	// Insecure admits everybody, with every right on plain channels. A token that is shown is
	// still checked, but does not expire.
	Insecure bool
	// AnonymousAllowed makes a connection without a token a guest.
	AnonymousAllowed bool
	// AllowedOrigins are the hosts whose pages may connect besides the server's own: patterns of
	// path.Match, "*" for all.
	AllowedOrigins []string
	// Version is told to clients. Defaults to "0.0.0".
	Version string
	// Name is this node's among the nodes. Defaults to "samepage".
	Name string

	ConnectTimeout time.Duration // until the first command. Defaults to 10 s.
	PingInterval   time.Duration // Defaults to 25 s; negative: no pings.
	PongTimeout    time.Duration // Defaults to 8 s; negative: no pongs are expected.
	ExpiryGrace    time.Duration // how long a session or subscription outlives its token. Defaults to 25 s.
	CloseTimeout   time.Duration // how long a socket that is being closed may take. Defaults to 5 s.

	MaxFrame         int // bytes of a frame that comes in; beyond: close 1009. Defaults to 64 KiB.
	MaxFrameCommands int // commands of a frame; beyond: close 3501. Defaults to 512.
	MaxOutbox        int // bytes waiting to go out; beyond: close 3008. Defaults to 1 MiB.
	MaxChannels      int // subscriptions of a session; beyond: error 106. Defaults to 128.
	MaxChannelLength int // bytes of a name; beyond: error 107. Defaults to 255.
	MaxInFlight      int // commands of a session under way; beyond: nothing more is read. Defaults to 64.
	UserConnections  int // sessions of a user on this node; beyond: close 3504. Defaults to 0: no limit.
	RecoveryLimit    int // publications that may be recovered; beyond: a fresh start. Defaults to 300.
	HistoryLimit     int // publications in one answer to history. Defaults to 300.

	// CommandRate is how many commands a session, or a caller over HTTP, may send in a second,
	// after CommandBurst at once; beyond: error 111, or rate_limited. Those that only give
	// something up are not counted. Defaults to 1000 and 2000; negative: no limit.
	CommandRate  float64
	CommandBurst int

	// OnOpen and OnClose are told of every socket that was opened, and of its end with the code
	// it was closed with (3000 where the client left). They do not block.
	OnOpen  func()
	OnClose func(code uint32)

	Logger *slog.Logger // Defaults to discarding.
}

func (o Options) withDefaults() Options {
	defaultTo(&o.Version, "0.0.0")
	defaultTo(&o.Name, "samepage")
	defaultTo(&o.ConnectTimeout, 10*time.Second)
	defaultTo(&o.PingInterval, 25*time.Second)
	defaultTo(&o.PongTimeout, 8*time.Second)
	defaultTo(&o.ExpiryGrace, 25*time.Second)
	defaultTo(&o.CloseTimeout, 5*time.Second)
	o.PingInterval, o.PongTimeout = max(0, o.PingInterval), max(0, o.PongTimeout)
	defaultTo(&o.MaxFrame, 64<<10)
	defaultTo(&o.MaxFrameCommands, 512)
	defaultTo(&o.MaxOutbox, 1<<20)
	defaultTo(&o.MaxChannels, 128)
	defaultTo(&o.MaxChannelLength, hub.MaxChannelLength)
	defaultTo(&o.MaxInFlight, 64)
	defaultTo(&o.RecoveryLimit, 300)
	defaultTo(&o.HistoryLimit, 300)
	defaultTo(&o.CommandRate, 1000)
	defaultTo(&o.CommandBurst, 2000)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func defaultTo[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// tick is how exactly the times are kept.
func (o Options) tick() time.Duration {
	shortest := o.ConnectTimeout
	for _, t := range []time.Duration{o.PingInterval, o.PongTimeout, o.ExpiryGrace} {
		if t > 0 {
			shortest = min(shortest, t)
		}
	}
	return min(max(shortest/50, 2*time.Millisecond), 100*time.Millisecond)
}
