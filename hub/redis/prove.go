package redis

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A subscription can look alive and deliver nothing: its server may be a
// master no more, or the way back may be cut. So every link publishes to
// itself, by the connections that carry commands, and is opened anew when that
// does not come in although it could be published.

// misses is how many probes may fail to come in before the link is opened anew.
const misses = 3

// probeBy sets the topic to probe by: of a partition that the master holds.
func (l *link) probeBy(t *topic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.take = l.came
	if l.probe != nil && l.probe.name == t.name {
		return
	}
	if l.started {
		delete(l.topics, l.probe.name) // its slot is gone, and with it the subscription
		l.topics[t.name] = t
		if l.conn != nil {
			l.subscribe([]*topic{t})
		}
	}
	l.probe = t
}

// came notes that the probe came in.
func (l *link) came([]byte) {
	l.mu.Lock()
	l.proved = time.Now()
	l.mu.Unlock()
}

func (l *link) prove(ctx context.Context) {
	tick := time.NewTicker(l.node.opts.ProbeInterval)
	defer tick.Stop()
	missed := 0
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		l.mu.Lock()
		conn, before, topic := l.conn, l.proved, l.probe.name
		l.mu.Unlock()
		if conn == nil {
			missed = 0
			continue
		}
		sending, cancel := context.WithTimeout(ctx, l.node.opts.Timeout)
		err := l.send(sending, topic)
		cancel()
		if err != nil { // the server is away: nothing is proved by silence
			missed = misses - 1 // but when it is back it may be another one
			continue
		}
		wait := time.NewTimer(l.node.opts.ProbeInterval / 2)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
		l.mu.Lock()
		heard := l.proved.After(before)
		same := l.conn == conn
		l.mu.Unlock()
		if heard || !same {
			missed = 0
			continue
		}
		if missed++; missed >= misses {
			l.log.Warn("a subscription delivers nothing and is opened anew", "server", l.node.addr)
			_ = conn.Close()
			missed = 0
		}
	}
}

// deaf is why nothing can be expected to come in, nil if it can.
func (l *link) deaf() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch silent := time.Since(l.proved); {
	case !l.started:
		return nil
	case l.conn == nil && l.reason != nil && silent > time.Second:
		return fmt.Errorf("nothing is heard: %w", l.reason)
	case silent > (misses+2)*l.node.opts.ProbeInterval:
		return errors.New("a subscription delivers nothing")
	}
	return nil
}
