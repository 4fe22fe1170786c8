package redis

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

// topics are what this node is subscribed to, by partition: a slot that moves
// takes its topics to another master's connection.
type topics struct {
	mu  sync.Mutex // held while links are told, so that they are told in order
	all []map[string]*topic
}

// topic is one subscription.
type topic struct {
	name      string // as the server knows it
	channel   hub.Channel
	partition int
	take      func(payload []byte) // of a topic of our own, called by the link's reader; nil for a channel's

	mu     sync.Mutex
	heard  bool            // the server said so on the connection that holds it now
	waits  []chan struct{} // closed when it is
	newest hub.Position    // of the last message delivered; owned by its lane
}

func (t *topic) confirm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard = true
	for _, c := range t.waits {
		close(c)
	}
	t.waits = nil
}

func (t *topic) lost() {
	t.mu.Lock()
	t.heard = false
	t.mu.Unlock()
}

// wait is closed when the subscription stands; nil if it does.
func (t *topic) wait() chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heard {
		return nil
	}
	c := make(chan struct{})
	t.waits = append(t.waits, c)
	return c
}

// Follow implements [hub.Engine]. It returns when the server has said that
// all of them are subscribed to.
func (e *Engine) Follow(ctx context.Context, names ...hub.Channel) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	wanted := make([]*topic, len(names))
	for i, name := range names {
		p := e.keys.partition(name)
		wanted[i] = &topic{name: e.keys.topic(p, topicChannel+string(name)), channel: name, partition: p}
	}
	return e.subscribe(ctx, wanted)
}

func (e *Engine) subscribe(ctx context.Context, wanted []*topic) error {
	for _, t := range wanted {
		n := e.topo.node(t.partition)
		if err := n.ready(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return unavailable(fmt.Errorf("%s: %w", n.addr, err))
		}
	}
	e.topics.mu.Lock()
	fresh := map[*link][]*topic{}
	var added []*topic
	for i, t := range wanted {
		of := e.topics.all[t.partition]
		if known := of[t.name]; known != nil {
			wanted[i] = known
			continue
		}
		of[t.name] = t
		added = append(added, t)
		l := e.topo.node(t.partition).link
		fresh[l] = append(fresh[l], t)
	}
	for l, ts := range fresh {
		l.add(ts)
	}
	e.topics.mu.Unlock()

	timer := time.NewTimer(e.opts.Timeout)
	defer timer.Stop()
	var err error
	for _, t := range wanted {
		c := t.wait()
		if c == nil {
			continue
		}
		select {
		case <-c:
			continue
		case <-timer.C:
			err = unavailable(fmt.Errorf("%s: no subscription in %s", e.topo.node(t.partition).addr, e.opts.Timeout))
		case <-ctx.Done():
			err = ctx.Err()
		case <-e.ctx.Done():
			err = hub.ErrClosed
		}
		break
	}
	if err != nil {
		e.unsubscribe(added) // only what nobody followed before
	}
	return err
}

// Unfollow implements [hub.Engine].
func (e *Engine) Unfollow(names ...hub.Channel) {
	gone := make([]*topic, 0, len(names))
	e.topics.mu.Lock()
	for _, name := range names {
		p := e.keys.partition(name)
		if t := e.topics.all[p][e.keys.topic(p, topicChannel+string(name))]; t != nil {
			gone = append(gone, t)
		}
	}
	e.topics.mu.Unlock()
	e.unsubscribe(gone)
}

func (e *Engine) unsubscribe(gone []*topic) {
	e.topics.mu.Lock()
	defer e.topics.mu.Unlock()
	of := map[*link][]*topic{}
	for _, t := range gone {
		if e.topics.all[t.partition][t.name] == t {
			delete(e.topics.all[t.partition], t.name)
			l := e.topo.node(t.partition).link
			of[l] = append(of[l], t)
		}
	}
	for l, ts := range of {
		l.remove(ts, false)
	}
}

// rehome takes a partition's topics to its new master.
func (e *Engine) rehome(partition int, from, to *node) {
	e.topics.mu.Lock()
	defer e.topics.mu.Unlock()
	var ts []*topic
	for _, t := range e.topics.all[partition] {
		ts = append(ts, t)
	}
	if len(ts) > 0 {
		from.link.remove(ts, true)
		to.link.add(ts)
	}
}
