package bolt

import (
	"time"

	"github.com/samepage/samepage/hub"
)

// Options of an engine. The zero value is what a shop wants.
type Options struct {
	// Partitions the store is laid out with at its first start; 0 takes what the file has, or
	// [hub.DefaultPartitions]. A file of another number is refused.
	Partitions int

	// LogSize is how many events a channel's log keeps. 0: 1000.
	LogSize int
	// LogAge is how long a channel's log keeps an event. 0: seven days.
	LogAge time.Duration

	// RecordsSize is how many records, of all partitions together, are kept for consumers of
	// [Engine.Log]; some more are, because they go in steps of RecordsStep. 0: a million.
	RecordsSize int
	// RecordsAge is how long a record is kept for them. 0: seven days.
	RecordsAge time.Duration
	// RecordsStep is the distance of checkpoints in the log of records. 0: 256.
	RecordsStep int

	// Gather is how far apart transactions begin where callers come side by side, so that each
	// fsync is for more of them; a lone caller never waits. 0: two milliseconds; negative: no wait.
	Gather time.Duration

	// SweepEvery is the pause between two rounds of removing what has expired. 0: five seconds.
	SweepEvery time.Duration
	// LockTimeout is how long Open waits for another process to release the file. 0: one second.
	LockTimeout time.Duration
	// Now is the clock of plain channels' times to live and of the sweeper. nil: time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.LogSize <= 0 {
		o.LogSize = 1000
	}
	if o.LogAge <= 0 {
		o.LogAge = 7 * 24 * time.Hour
	}
	if o.RecordsSize <= 0 {
		o.RecordsSize = 1_000_000
	}
	if o.RecordsAge <= 0 {
		o.RecordsAge = 7 * 24 * time.Hour
	}
	if o.RecordsStep <= 0 {
		o.RecordsStep = 256
	}
	if o.Gather == 0 {
		o.Gather = 2 * time.Millisecond
	}
	if o.SweepEvery <= 0 {
		o.SweepEvery = 5 * time.Second
	}
	if o.LockTimeout <= 0 {
		o.LockTimeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) partitionsAtFirst() int {
	if o.Partitions > 0 {
		return o.Partitions
	}
	return hub.DefaultPartitions
}
