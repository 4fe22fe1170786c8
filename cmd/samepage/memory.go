package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A hub keeps little and lets much pass through. Collecting garbage costs by
// what is kept, so it is done half as often as usual, and not at all before
// some has gathered; when a storm is over, what it left behind is given back
// at once, rather than at the next storm. GOGC, where it is set, is obeyed
// instead, and so is GOMEMLIMIT.
const (
	gcPercent   = 200
	leastHeap   = 96 << 20 // bytes: garbage is not collected before the heap has grown so far
	startHeap   = 4 << 20  // bytes: what the runtime begins to count from
	tidyEvery   = time.Second
	tidyAfter   = 32 << 20 // bytes that passed since the last time
	quietEnough = 1 << 20  // bytes a tidyEvery: nobody is waiting
)

// tuneMemory sets how often garbage is collected while live bytes are kept.
func tuneMemory(live uint64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(max(gcPercent, int(leastHeap*100/max(live, startHeap))-100))
	}
}

// tidy gives memory back whenever it becomes quiet after much has passed,
// until ctx ends.
func tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	heap := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	var last, tidied, tuned uint64
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		metrics.Read(heap)
		now, live := heap[0].Value.Uint64(), heap[1].Value.Uint64()
		if live > tuned+tuned/4 || live < tuned-tuned/4 {
			tuneMemory(live)
			tuned = live
		}
		if now-last < quietEnough && now-tidied > tidyAfter {
			debug.FreeOSMemory()
			tidied = now
		}
		last = now
	}
}
