package redis

import "net"

// subscribeBatch is how many topics one command subscribes to.
const subscribeBatch = 256

// add subscribes to topics; each is confirmed when the server says so.
func (l *link) add(ts []*topic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start()
	for _, t := range ts {
		t.lost()
		l.topics[t.name] = t
	}
	if l.conn != nil {
		l.subscribe(ts)
	}
}

// remove ends subscriptions. What was given away is no longer subscribed to,
// and asking for that would be an error.
func (l *link) remove(ts []*topic, given bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range ts {
		t.lost()
		if l.topics[t.name] == t {
			delete(l.topics, t.name)
		}
	}
	if l.conn != nil && !given {
		l.command("UNSUBSCRIBE", ts)
	}
}

// subscribe queues the commands for topics. l.mu is held.
func (l *link) subscribe(ts []*topic) {
	for _, t := range ts {
		l.pending[t.name]++
	}
	l.command("SUBSCRIBE", ts)
}

// command queues commands of at most a batch, of one slot each where it must be. l.mu is held.
func (l *link) command(name string, ts []*topic) {
	if l.sharded {
		name = "S" + name
	}
	groups := map[int][]string{}
	for _, t := range ts {
		group := 0
		if l.sharded {
			group = t.partition
		}
		groups[group] = append(groups[group], t.name)
		if len(groups[group]) == subscribeBatch {
			l.out = appendCommand(l.out, append([]string{name}, groups[group]...)...)
			delete(groups, group)
		}
	}
	for _, names := range groups {
		l.out = appendCommand(l.out, append([]string{name}, names...)...)
	}
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// again subscribes to a topic that was taken away and is still ours, if only
// to be told where it is now.
func (l *link) again(conn net.Conn, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.topics[name]; t != nil && l.conn == conn && conn != nil && l.pending[name] == 0 {
		l.subscribe([]*topic{t})
	}
}
