package bench

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// latencies collects durations from many readers, each with a lock of its own.
type latencies struct {
	shards [64]struct {
		mu  sync.Mutex
		all []time.Duration
		_   [64]byte
	}
}

func (l *latencies) add(i int, d time.Duration) {
	s := &l.shards[i%len(l.shards)]
	s.mu.Lock()
	s.all = append(s.all, d)
	s.mu.Unlock()
}

func (l *latencies) count() int {
	n := 0
	for i := range l.shards {
		l.shards[i].mu.Lock()
		n += len(l.shards[i].all)
		l.shards[i].mu.Unlock()
	}
	return n
}

// await waits until n were added, or nothing came for a while.
func (l *latencies) await(ctx context.Context, n int, patience time.Duration) int {
	last, since := l.count(), time.Now()
	for last < n && ctx.Err() == nil && time.Since(since) < patience {
		time.Sleep(10 * time.Millisecond)
		if now := l.count(); now != last {
			last, since = now, time.Now()
		}
	}
	return last
}

// fill puts the percentiles into a result.
func (l *latencies) fill(r *Result) {
	var all []time.Duration
	for i := range l.shards {
		all = append(all, l.shards[i].all...)
	}
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	at := func(q float64) float64 {
		return float64(all[min(len(all)-1, int(q*float64(len(all))))].Microseconds()) / 1000
	}
	r.P50, r.P99, r.Max = at(0.50), at(0.99), float64(all[len(all)-1].Microseconds())/1000
}

// stamp finds the time that a publisher wrote behind mark into a message.
func stamp(message []byte, mark string) (time.Time, bool) {
	i := bytes.Index(message, []byte(mark))
	if i < 0 {
		return time.Time{}, false
	}
	digits := message[i+len(mark):]
	end := 0
	for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(digits[:end]), 10, 64)
	return time.Unix(0, n), err == nil
}
