package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A hub keeps little and lets much pass through. Collecting garbage costs by
// what is kept, so it is done half as often as usual; and when a storm is over,
// what it left behind is given back at once, rather than at the next storm.
// GOGC and GOMEMLIMIT, where they are set, are obeyed instead.
const (
	gcPercent   = 200
	tidyEvery   = time.Second
	tidyAfter   = 32 << 20 // bytes that passed since the last time
	quietEnough = 1 << 20  // bytes a tidyEvery: nobody is waiting
)

// tuneMemory sets how often garbage is collected.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// tidy gives memory back whenever it becomes quiet after much has passed,
// until ctx ends.
func tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	passed := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	var last, tidied uint64
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		metrics.Read(passed)
		now := passed[0].Value.Uint64()
		if now-last < quietEnough && now-tidied > tidyAfter {
			debug.FreeOSMemory()
			tidied = now
		}
		last = now
	}
}
