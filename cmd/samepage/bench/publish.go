package bench

import (
	"context"
	"fmt"
	"time"
)

// settle is how long servers rest between setting up and measuring.
const settle = time.Second

// patience is how long the last deliveries are waited for while none comes.
const patience = 2 * time.Second

// runFanout publishes to one channel that all sockets follow.
func runFanout(ctx context.Context, l Load) (Result, error) {
	return l.runPublish(ctx, "delivery", func(int) string { return "fanout" }, 1)
}

// runPairs publishes to channels that two sockets follow each.
func runPairs(ctx context.Context, l Load) (Result, error) {
	channels := max(1, l.Sockets/2)
	return l.runPublish(ctx, "publish", func(i int) string { return fmt.Sprintf("pair-%d", i%channels) }, channels)
}

func (l Load) runPublish(ctx context.Context, unit string, channel func(i int) string, channels int) (Result, error) {
	took := &latencies{}
	sockets, err := l.subscribeAll(ctx, channels, channel, func(i int, push []byte) {
		if at, ok := stamp(push, stampMark); ok {
			took.add(i, time.Since(at))
		}
	})
	if err != nil {
		return Result{}, err
	}
	defer closeAll(sockets)
	p := newPublisher(l)
	defer p.close()
	time.Sleep(settle)
	before, err := l.usage()
	if err != nil {
		return Result{}, err
	}
	l.say("publishing %g times a second for %s", l.Rate, l.Duration)
	start := time.Now()
	calls, failed, fault := pace(ctx, l.Rate, l.Duration, maxUnderWay, func(i int) error { return p.publish(ctx, i, channel(i)) })
	seconds := time.Since(start).Seconds()
	expected := (calls - failed) * l.Sockets / channels
	got := took.await(ctx, expected, patience)
	after, err := l.usage()
	if err != nil {
		return Result{}, err
	}
	if failed == calls && fault != nil {
		return Result{}, fault
	}
	units := calls
	if unit == "delivery" {
		units = got
	}
	r := Result{Unit: unit, Units: units, Seconds: seconds, Expected: expected, Got: got, Failed: failed}
	r.charge(before, after)
	took.fill(&r)
	return r, nil
}
