package redis

import (
	"crypto/tls"
	"log/slog"
	"time"
)

// Options of an engine. Only Addresses is required.
type Options struct {
	// Addresses say where the store is: one URL, or several hosts of a cluster.
	//
	//	redis://[user:password@]host:port[/db]                         one server; rediss:// with TLS
	//	redis+sentinel://[user:password@]host:port,host:port/NAME[/db]  the master that Sentinels call NAME
	//	redis+cluster://[user:password@]host:port,host:port            a cluster, by some of its nodes
	//
	// With rediss+sentinel:// and rediss+cluster:// connections are encrypted too.
	// sentinel_username and sentinel_password may follow as a query.
	Addresses []string
	// TLS is used with rediss addresses. nil: the system's roots.
	TLS *tls.Config

	// Prefix begins all keys and topics, so that several hubs can share a server. Empty: "samepage".
	Prefix string
	// Partitions the store is laid out with at its first start; 0 takes what it has, or
	// [hub.DefaultPartitions]. A store of another number is refused.
	Partitions int

	// Acks is what a commit waits for besides the master's own answer: nothing (""), that N
	// replicas have it ("replica:N"), or that the master's append only file is synced ("aof").
	Acks string
	// AckTimeout is how long that may take before the commit's outcome is unknown. 0: one second.
	AckTimeout time.Duration

	// LogSize is how many events a channel's log keeps. 0: 1000.
	LogSize int
	// LogAge is how long a channel's log keeps an event. 0: seven days.
	LogAge time.Duration
	// RecordsSize is how many records, of all partitions together, are kept for consumers of
	// [Engine.Log]; up to a few hundred more are. 0: a million.
	RecordsSize int
	// RecordsAge is how long a record is kept for them. 0: seven days.
	RecordsAge time.Duration

	// Timeout bounds one round trip. 0: two seconds.
	Timeout time.Duration
	// Patience is how long a call waits for a store that went away to come back before it
	// answers [hub.ErrUnavailable]; one that has been away for longer is not waited for. 0: 500 ms.
	Patience time.Duration
	// ProbeInterval is how often a subscription is made to prove that it delivers. 0: one second.
	ProbeInterval time.Duration
	// Connections is how many connections to each master carry commands; those of concurrent
	// callers share round trips. 0: two.
	Connections int
	// Queue is how many calls may wait for each master; what is more is unavailable. 0: 8192.
	Queue int
	// MaxCommit bounds the bytes of one commit or message. 0: 8 MiB.
	MaxCommit int

	// Logger is told of connections lost and found. nil: nobody is.
	Logger *slog.Logger
	// Now is the clock of plain channels' times to live. nil: time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = "samepage"
	}
	o.AckTimeout = or(o.AckTimeout, time.Second)
	o.LogSize = or(o.LogSize, 1000)
	o.LogAge = or(o.LogAge, 7*24*time.Hour)
	o.RecordsSize = or(o.RecordsSize, 1_000_000)
	o.RecordsAge = or(o.RecordsAge, 7*24*time.Hour)
	o.Timeout = or(o.Timeout, 2*time.Second)
	o.Patience = or(o.Patience, 500*time.Millisecond)
	o.ProbeInterval = or(o.ProbeInterval, time.Second)
	o.Connections = or(o.Connections, 2)
	o.Queue = or(o.Queue, 8192)
	o.MaxCommit = or(o.MaxCommit, 8<<20)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func or[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
