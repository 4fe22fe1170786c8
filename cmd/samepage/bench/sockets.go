package bench

import (
	"context"
	"fmt"
	"time"
)

// runIdle opens sockets with one subscription each and watches what they cost
// while nothing happens.
func runIdle(ctx context.Context, l Load) (Result, error) {
	before, err := l.usage()
	if err != nil {
		return Result{}, err
	}
	sockets, err := l.subscribeAll(ctx, l.Sockets, func(i int) string { return fmt.Sprintf("idle-%d", i) }, nil)
	if err != nil {
		return Result{}, err
	}
	defer closeAll(sockets)
	time.Sleep(time.Second) // what connecting left behind
	busy, err := l.usage()
	if err != nil {
		return Result{}, err
	}
	l.say("%d sockets are open; watching for %s", len(sockets), l.Duration)
	select {
	case <-time.After(l.Duration):
	case <-ctx.Done():
	}
	after, err := l.usage()
	r := Result{
		Unit: "socket", Units: l.Sockets, Seconds: l.Duration.Seconds(),
		RSS: float64(after.rss-before.rss) / 1000 / float64(l.Sockets),
	}
	r.charge(busy, after)
	r.CPU, r.Store = r.CPU/r.Seconds, r.Store/r.Seconds
	return r, err
}

// runConnect measures what a connection with a token and a subscription costs.
func runConnect(ctx context.Context, l Load) (Result, error) {
	before, err := l.usage()
	if err != nil {
		return Result{}, err
	}
	start := time.Now()
	took := &latencies{}
	sockets, err := crowd(ctx, l.Sockets, func(ctx context.Context, i int) (*socket, error) {
		began := time.Now()
		s, err := l.subscribe(ctx, i, l.address(i), &subscription{Channel: fmt.Sprintf("connect-%d", i)}, nil)
		took.add(i, time.Since(began))
		return s, err
	})
	if err != nil {
		return Result{}, err
	}
	seconds := time.Since(start).Seconds()
	after, err := l.usage()
	closeAll(sockets)
	r := Result{Unit: "connect", Units: l.Sockets, Seconds: seconds}
	r.charge(before, after)
	took.fill(&r)
	return r, err
}

// subscribe opens the i-th socket, at a node, with one subscription.
func (l Load) subscribe(ctx context.Context, i int, at string, sub *subscription, onPush func([]byte)) (*socket, error) {
	token, err := l.guest(i)
	if err != nil {
		return nil, err
	}
	s, _, err := dial(ctx, at, token, sub, onPush)
	return s, err
}

// subscribeAll opens sockets, shared out among so many channels; the i-th
// follows channel(i) and gives onPush what comes.
func (l Load) subscribeAll(ctx context.Context, channels int, channel func(i int) string, onPush func(i int, push []byte)) ([]*socket, error) {
	l.say("opening %d sockets", l.Sockets)
	return crowd(ctx, l.Sockets, func(ctx context.Context, i int) (*socket, error) {
		var push func([]byte)
		if onPush != nil {
			push = func(b []byte) { onPush(i, b) }
		}
		return l.subscribe(ctx, i, l.spread(i, channels), &subscription{Channel: channel(i)}, push)
	})
}
