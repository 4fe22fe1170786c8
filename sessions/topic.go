package sessions

import (
	"context"
	"sync"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// topic is one channel as this node's sessions follow it: one feed from the
// hub, whatever the number of subscribers. What comes in is filtered and
// encoded once for each group of subscribers that get the same bytes, and
// those bytes are put into all their outboxes.
//
//	hub.Feed ── Deliver ─┬─ joining: kept until the subscriber has read its snapshot
//	                     ├─ group customer, JSON      ── outbox, outbox, outbox …
//	                     ├─ group agent, JSON         ── outbox …
//	                     └─ group agent, Protobuf     ── outbox …
//
// Locks are taken in the order line (hub), topic, session, outbox.
type topic struct {
	server *Server
	name   hub.Channel
	opts   hub.ChannelOptions // of a plain channel

	users int           // guarded by the shard
	ready chan struct{} // closed when attached, or failed with err
	err   error
	feed  *hub.Feed // set before ready is closed

	mu      sync.Mutex                // guards the following fields and the subscriptions' places
	lost    bool                      // the feed ended; nothing comes any more
	joining map[*subscription]*joiner // nil while nobody does
	groups  []*group
	filled  []*outbox
	last    []byte // the last payload, where subscribers may ask for deltas
}

// joiner keeps what comes while a subscriber reads where it begins.
type joiner struct {
	messages []*hub.Message
	heeds    bool // one of them says that the channel has moved or ended
	lost     bool // too much came, or the feed ended: begin again
}

// maxJoining is how many messages may come while one subscriber reads its snapshot.
const maxJoining = 4096

// group are the subscriptions that get the same bytes.
type group struct {
	audience hub.Audience // zero on plain channels, which have nothing to hide
	encoding protocol.Type
	delta    bool // payloads as deltas, for those who got the one before
	subs     []*subscription
}

const topicShards = 64

type topicShard struct {
	mu     sync.Mutex
	topics map[hub.Channel]*topic
}

// acquire finds or makes the channel's topic and counts its caller as a user. It may block.
func (s *Server) acquire(ctx context.Context, name hub.Channel) (*topic, error) {
	shard := &s.topics[hub.Partition(name, topicShards)]
	shard.mu.Lock()
	t, ok := shard.topics[name]
	if !ok {
		t = &topic{server: s, name: name, ready: make(chan struct{})}
		t.opts, _ = s.hub.Namespaces().Options(name)
		shard.topics[name] = t
	}
	t.users++
	shard.mu.Unlock()
	if !ok {
		t.feed, t.err = s.hub.Attach(s.ctx, name, name.HasEntries() || t.opts.Recoverable(), t)
		if t.err != nil {
			s.forget(t)
		}
		close(t.ready)
	}
	select {
	case <-t.ready:
	case <-ctx.Done():
		s.release(t)
		return nil, ctx.Err()
	}
	if t.err != nil {
		s.release(t)
		return nil, t.err
	}
	return t, nil
}

// release lets go of a topic; the last one ends its feed.
func (s *Server) release(t *topic) {
	shard := &s.topics[hub.Partition(t.name, topicShards)]
	shard.mu.Lock()
	t.users--
	last := t.users == 0
	if last && shard.topics[t.name] == t {
		delete(shard.topics, t.name)
	}
	shard.mu.Unlock()
	if last { // so it is ready: who made it is a user until then
		if t.err == nil {
			t.feed.Close()
		}
	}
}

// forget makes the next subscriber of the channel start a topic anew.
func (s *Server) forget(t *topic) {
	shard := &s.topics[hub.Partition(t.name, topicShards)]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.topics[t.name] == t {
		delete(shard.topics, t.name)
	}
}

// Deliver implements [hub.Sink].
func (t *topic) Deliver(m *hub.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.joining {
		if len(j.messages) == maxJoining {
			j.messages, j.lost = nil, true
		}
		if !j.lost {
			j.messages = append(j.messages, m)
		}
	}
	for _, g := range t.groups {
		g.deliver(t, m, t.last)
	}
	t.flush()
	if m.Type == hub.MessagePublication && allowsDelta(t.opts) {
		t.last = m.Data
	}
	t.doubt(m)
	if heedsMessage(m) {
		t.heed()
	}
}

// deliver encodes a message and queues it for all members. Those of a delta
// group who got the payload before, which is base, get the difference.
func (g *group) deliver(t *topic, m *hub.Message, base []byte) {
	message, err := t.encode(g, m, nil)
	if err != nil { // a payload that is no JSON, for a client that reads JSON
		for _, sub := range g.subs {
			sub.session.close(CloseProtocol)
		}
		return
	}
	if message == nil {
		return
	}
	members := m.Type == hub.MessageJoin || m.Type == hub.MessageLeave
	payload := g.delta && m.Type == hub.MessagePublication
	var delta []byte
	for _, sub := range g.subs {
		if sub.begun.Epoch != "" && sub.has(m) {
			continue
		}
		switch {
		case payload && sub.primed && base != nil:
			if delta == nil {
				if delta, err = t.encode(g, m, base); err != nil {
					delta = message
				}
			}
			t.put(sub, delta)
		case !members || sub.joinLeave:
			t.put(sub, message)
		}
		sub.primed = sub.primed || payload
	}
	t.server.delivered.Add(int64(len(g.subs)))
}

// has reports whether what the subscription began with holds a message. One of
// another epoch is of a past that the channel is about to leave: the topic then
// ends. The topic's mutex is held.
func (sub *subscription) has(m *hub.Message) bool {
	if m.Position.Offset == 0 {
		return false
	}
	if m.Position.Epoch != sub.begun.Epoch || m.Position.Offset <= sub.begun.Offset {
		return true
	}
	sub.begun = hub.Position{}
	return false
}

// put queues a message for a subscriber, to be flushed with all others.
func (t *topic) put(sub *subscription, message []byte) {
	if o := &sub.session.out; o.put(message) {
		t.filled = append(t.filled, o)
	}
}

// flush has written what was put.
func (t *topic) flush() {
	if len(t.filled) > few {
		t.server.writers.add(t.filled...)
	} else if len(t.filled) > 0 {
		p := pens.Get().(*pen)
		for _, o := range t.filled {
			o.flush(p)
		}
		pens.Put(p)
	}
	clear(t.filled)
	if t.filled = t.filled[:0]; cap(t.filled) > maxFilled {
		t.filled = nil
	}
}

// maxFilled is how much room a topic keeps for the outboxes it fills.
const maxFilled = 16 << 10

// Lost implements [hub.Sink]: nobody who followed is left believing to be up to date.
func (t *topic) Lost(error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost = true
	t.server.forget(t)
	for _, j := range t.joining {
		j.messages, j.lost = nil, true
	}
	groups := t.groups
	t.groups = nil
	for _, g := range groups {
		for _, sub := range g.subs {
			sub.group = nil
			sub.session.cutOff(sub, UnsubscribeInsufficient)
		}
	}
}

// join makes the topic keep what comes for sub, until it goes live or leaves.
// It is false if the topic came to its end meanwhile.
func (t *topic) join(sub *subscription) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lost {
		return false
	}
	t.keep(sub, &joiner{})
	return true
}

// keep has what comes kept for sub. t.mu is held.
func (t *topic) keep(sub *subscription, j *joiner) {
	if t.joining == nil {
		t.joining = map[*subscription]*joiner{}
	}
	t.joining[sub] = j
}

// joined is what was kept for sub, nil if nothing is. t.mu is held.
func (t *topic) joined(sub *subscription) *joiner {
	j := t.joining[sub]
	if delete(t.joining, sub); len(t.joining) == 0 {
		t.joining = nil // most topics have nobody who joins, most of the time
	}
	return j
}

// live hands sub what was kept behind a position, and from then on whatever
// comes. It is false if the thread was lost meanwhile, or sub has left.
func (t *topic) live(sub *subscription, after hub.Position) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.joined(sub)
	if j == nil || j.lost || t.lost {
		return false
	}
	sub.heeds = sub.heeds || j.heeds
	sub.begun = after
	kept := j.messages[:0]
	for _, m := range j.messages {
		if m.Position.Offset > 0 && after.Epoch != "" {
			if m.Position.Epoch != after.Epoch {
				return false
			}
			if m.Position.Offset <= after.Offset {
				continue
			}
		}
		kept = append(kept, m)
	}
	t.release(sub, kept, false)
	return true
}

// group finds or makes the group of a subscription.
func (t *topic) group(sub *subscription) *group {
	for _, g := range t.groups {
		if g.audience == sub.audience && g.encoding == sub.session.encoding && g.delta == sub.delta {
			return g
		}
	}
	g := &group{audience: sub.audience, encoding: sub.session.encoding, delta: sub.delta}
	t.groups = append(t.groups, g)
	return g
}

// leave takes sub out; nothing is delivered to it afterwards.
func (t *topic) leave(sub *subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.joined(sub)
	t.remove(sub)
}

// remove takes sub out of its group. t.mu is held.
func (t *topic) remove(sub *subscription) {
	g := sub.group
	if g == nil {
		return
	}
	sub.group = nil
	last := len(g.subs) - 1
	g.subs[sub.place] = g.subs[last]
	g.subs[sub.place].place = sub.place
	g.subs[last] = nil
	g.subs = g.subs[:last]
	t.forgetEmpty(g)
}

// forgetEmpty lets go of a group without members. t.mu is held.
func (t *topic) forgetEmpty(g *group) {
	if len(g.subs) > 0 {
		return
	}
	for i, other := range t.groups {
		if other == g {
			t.groups = append(t.groups[:i], t.groups[i+1:]...)
			break
		}
	}
}
