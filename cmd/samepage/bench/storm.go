package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// stormShare is how many sockets follow one channel in a storm.
const stormShare = 10

// runStorm lets all sockets go, publishes what they miss, and has them return
// at once. Each must recover exactly what it missed.
func runStorm(ctx context.Context, l Load) (Result, error) {
	channel := func(i int) string { return fmt.Sprintf("storm-%d", i/stormShare) }
	positions := make([]subscription, l.Sockets)
	l.say("opening %d sockets", l.Sockets)
	sockets, err := crowd(ctx, l.Sockets, func(ctx context.Context, i int) (*socket, error) {
		token, err := l.guest(i)
		if err != nil {
			return nil, err
		}
		s, sub, err := dial(ctx, l.address(i), token, &subscription{Channel: channel(i)}, nil)
		positions[i] = subscription{Channel: channel(i), Recover: true, Epoch: sub.Epoch, Offset: sub.Offset}
		return s, err
	})
	if err != nil {
		return Result{}, err
	}
	closeAll(sockets)
	p := newPublisher(l)
	defer p.close()
	for c := 0; c < l.Sockets; c += stormShare {
		for range l.Missed {
			if err := p.publish(ctx, c, channel(c)); err != nil {
				return Result{}, err
			}
		}
	}
	time.Sleep(settle)
	before, err := l.usage()
	if err != nil {
		return Result{}, err
	}
	l.say("all return, having missed %d events each", l.Missed)
	start := time.Now()
	took := &latencies{}
	var got atomic.Int64
	sockets, err = crowd(ctx, l.Sockets, func(ctx context.Context, i int) (*socket, error) {
		token, err := l.guest(i)
		if err != nil {
			return nil, err
		}
		s, sub, err := dial(ctx, l.address(i), token, &positions[i], nil)
		took.add(i, time.Since(start))
		if sub.Recovered {
			got.Add(int64(len(sub.Publications)))
		}
		return s, err
	})
	if err != nil {
		return Result{}, err
	}
	seconds := time.Since(start).Seconds()
	after, err := l.usage()
	closeAll(sockets)
	r := Result{
		Unit: "return", Units: l.Sockets, Seconds: seconds,
		Expected: l.Sockets * l.Missed, Got: int(got.Load()),
	}
	r.charge(before, after)
	took.fill(&r)
	return r, err
}
