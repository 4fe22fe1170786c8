package redis

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// link is the connection by which one master tells this node what is new. It
// reconnects by itself and subscribes to everything again; and it proves,
// again and again, that what is published at the master comes in by it.
type link struct {
	node    *node
	sharded bool                                          // SSUBSCRIBE: topics of one command are of one slot
	send    func(ctx context.Context, topic string) error // publishes the probe
	hear    func(in heard, more bool)                     // more has come in behind it
	stray   func()                                        // a topic is no longer this master's
	log     *slog.Logger
	work    sync.WaitGroup

	mu      sync.Mutex // guards the following fields
	started bool
	probe   *topic
	topics  map[string]*topic
	conn    net.Conn       // nil while there is none
	pending map[string]int // how many confirmations are to come on this connection
	out     []byte         // to be written
	kick    chan struct{}  // tells the writer

	proved time.Time // when the probe last came in
	reason error     // why there is no connection
	opened int       // how many there have been
}

func newLink(n *node, sharded bool) *link {
	return &link{node: n, sharded: sharded, log: n.log, topics: map[string]*topic{}, kick: make(chan struct{}, 1)}
}

func (l *link) wait() { l.work.Wait() }

// start opens the connection when there is first something to hear. l.mu is held.
func (l *link) start() {
	if l.started || l.node.ctx.Err() != nil {
		return
	}
	l.started = true
	l.proved = time.Now()
	l.topics[l.probe.name] = l.probe
	l.work.Go(func() { l.run(l.node.ctx) })
	l.work.Go(func() { l.prove(l.node.ctx) })
}

// run keeps a connection until ctx ends.
func (l *link) run(ctx context.Context) {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		began := time.Now()
		err := l.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		l.reason = err
		l.mu.Unlock()
		l.log.Debug("a connection that listens was lost", "server", l.node.addr, "err", err)
		if time.Since(began) > 5*time.Second {
			wait = 20 * time.Millisecond
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return
		}
	}
}

// connect opens a connection, subscribes to everything and reads until it breaks.
func (l *link) connect(ctx context.Context) error {
	o := l.node.client.Options()
	dialing, cancel := context.WithTimeout(ctx, l.node.opts.Timeout)
	conn, err := o.Dialer(dialing, o.Network, o.Addr)
	cancel()
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	r := bufio.NewReaderSize(conn, 32<<10)
	if err := authenticate(conn, r, o.Username, o.Password, l.node.opts.Timeout); err != nil {
		return err
	}

	l.mu.Lock()
	l.conn, l.pending, l.out = conn, map[string]int{}, nil
	l.opened++
	all := make([]*topic, 0, len(l.topics))
	for _, t := range l.topics {
		all = append(all, t)
	}
	l.subscribe(all)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.conn, l.out = nil, nil
		for _, t := range l.topics {
			t.lost()
		}
		l.mu.Unlock()
	}()

	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() { l.write(conn, done) })
	defer writer.Wait()
	defer close(done)
	for {
		p, err := readPush(r)
		if err != nil {
			if _, ok := errors.AsType[serverError](err); ok {
				l.stray()
			}
			return err
		}
		if err := l.take(p, r.Buffered() > 0); err != nil {
			return err
		}
	}
}

// take handles one thing that came in.
func (l *link) take(p push, more bool) error {
	switch p.kind {
	case "message", "smessage":
		l.mu.Lock()
		t := l.topics[p.topic]
		l.mu.Unlock()
		switch {
		case t == nil:
		case t.take != nil:
			t.take(p.payload)
		default:
			l.hear(heard{t, p.payload}, more)
		}
	case "subscribe", "ssubscribe":
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.pending[p.topic]--; l.pending[p.topic] > 0 {
			return nil
		}
		delete(l.pending, p.topic)
		if t := l.topics[p.topic]; t != nil {
			t.confirm()
		}
	case "sunsubscribe":
		l.mu.Lock()
		_, wanted := l.topics[p.topic]
		wanted = wanted && l.pending[p.topic] == 0
		if wanted {
			l.topics[p.topic].lost()
			conn, name := l.conn, p.topic
			time.AfterFunc(200*time.Millisecond, func() { l.again(conn, name) })
		}
		l.mu.Unlock()
		if wanted { // the slot was given away; if its new master is known, the topic goes there
			l.stray()
		}
	}
	return nil
}

// write sends what is queued, until done.
func (l *link) write(conn net.Conn, done <-chan struct{}) {
	for {
		l.mu.Lock()
		out := l.out
		l.out = nil
		l.mu.Unlock()
		if len(out) > 0 {
			_ = conn.SetWriteDeadline(time.Now().Add(l.node.opts.Timeout))
			if _, err := conn.Write(out); err != nil {
				_ = conn.Close()
				<-done
				return
			}
			continue
		}
		select {
		case <-l.kick:
		case <-done:
			return
		}
	}
}

func authenticate(conn net.Conn, r *bufio.Reader, username, password string, timeout time.Duration) error {
	if password == "" {
		return nil
	}
	args := []string{"AUTH", password}
	if username != "" {
		args = []string{"AUTH", username, password}
	}
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if _, err := conn.Write(appendCommand(nil, args...)); err != nil {
		return err
	}
	if _, err := readPush(r); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}
