package redis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// ready waits for a node that is away, for as long as Options.Patience since it went.
func (n *node) ready(ctx context.Context) error {
	n.mu.Lock()
	down, up, since := n.down, n.up, n.since
	n.mu.Unlock()
	if down == nil {
		return ctx.Err()
	}
	left := n.opts.Patience - time.Since(since)
	if left <= 0 {
		return fmt.Errorf("away for %s: %w", time.Since(since).Round(time.Millisecond), down)
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-up:
		return nil
	case <-timer.C:
		return down
	case <-n.ctx.Done():
		return errNodeGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// away notes that the server could not be reached and sees to it that it is
// found again.
func (n *node) away(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down != nil || n.ctx.Err() != nil {
		return
	}
	n.down, n.since, n.up = err, time.Now(), make(chan struct{})
	n.work.Go(n.find)
}

// find asks the server, at growing intervals, until it answers.
func (n *node) find() {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		ctx, cancel := context.WithTimeout(n.ctx, n.opts.Timeout)
		err := n.client.Ping(ctx).Err()
		cancel()
		if err == nil || judge(err) != broken {
			n.mu.Lock()
			took := time.Since(n.since)
			reason := n.down
			n.down = nil
			close(n.up)
			n.mu.Unlock()
			if took > n.opts.Patience {
				n.log.Info("redis is back", "server", n.addr, "away", took.Round(time.Millisecond), "reason", reason)
			}
			return
		}
		n.mu.Lock()
		n.down = err
		n.mu.Unlock()
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-n.ctx.Done():
			return
		}
	}
}

// health is why the server is away, nil if it is not known to be.
func (n *node) health() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.down
}
