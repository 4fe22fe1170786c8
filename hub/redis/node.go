package redis

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// maxBatch is how many calls share one round trip at most.
const maxBatch = 256

var (
	errQueueFull = errors.New("too many calls are waiting for the server")
	errNodeGone  = errors.New("the server is no longer a master")
	errNotSent   = errors.New("the server gave no reply")
)

// node is one master: the connections that carry calls, a queue of those that
// find none free, which then share a round trip, and a connection that listens
// ([link]).
type node struct {
	addr   string
	client *goredis.Client
	opts   *Options
	acks   acks
	log    *slog.Logger
	link   *link

	free   chan struct{} // a token for each connection that carries nothing
	queue  chan *call
	ctx    context.Context // ends with the node
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex // guards the following fields
	down  error      // why it is away; nil: it is not
	since time.Time
	up    chan struct{} // closed when it is back
}

// call is one command on its way.
type call struct {
	args  []any
	acked bool // to be acknowledged as Options.Acks says
	state atomic.Int32
	reply any
	err   error
	done  chan struct{}
}

const (
	callWaits = iota
	callTaken
	callLeft
)

func newNode(ctx context.Context, addr string, client *goredis.Client, opts *Options, acks acks) *node {
	n := &node{
		addr: addr, client: client, opts: opts, acks: acks, log: opts.Logger,
		free: make(chan struct{}, opts.Connections), queue: make(chan *call, opts.Queue),
	}
	n.ctx, n.cancel = context.WithCancel(ctx)
	for range opts.Connections {
		n.free <- struct{}{}
		n.work.Go(n.run)
	}
	return n
}

// close ends the node; calls that wait fail.
func (n *node) close() {
	n.cancel()
	n.work.Wait()
	if n.link != nil {
		n.link.wait()
	}
	_ = n.client.Close()
}

// do runs one command and returns its reply or its error, as the server gave
// them. If ctx ends before it was sent, it never is.
func (n *node) do(ctx context.Context, args []any, acked bool) (any, error) {
	if err := n.ready(ctx); err != nil {
		return nil, err
	}
	if len(n.free) == cap(n.free) && n.patient(ctx) { // nothing is under way
		select {
		case <-n.free: // so its caller carries it, and nobody has to be woken
			c := &call{args: args, acked: acked, done: make(chan struct{})}
			n.carry([]*call{c})
			return c.reply, c.err
		default:
		}
	}
	c, err := n.begin(args, acked)
	if err != nil {
		return nil, err
	}
	return n.end(ctx, c)
}

// begin queues a command.
func (n *node) begin(args []any, acked bool) (*call, error) {
	c := &call{args: args, acked: acked, done: make(chan struct{})}
	select {
	case n.queue <- c:
		return c, nil
	default:
		return nil, errQueueFull
	}
}

// end waits for what became of it.
func (n *node) end(ctx context.Context, c *call) (any, error) {
	select {
	case <-c.done:
		return c.reply, c.err
	case <-n.ctx.Done():
		select {
		case <-c.done:
			return c.reply, c.err
		default:
			return nil, errNodeGone
		}
	case <-ctx.Done():
		c.state.CompareAndSwap(callWaits, callLeft)
		return nil, ctx.Err()
	}
}

// patient reports whether a caller may wait for as long as a round trip can take.
func (n *node) patient(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) > n.opts.Timeout+n.opts.AckTimeout
}

// run carries calls: whatever has queued up when a connection is free shares a
// round trip.
func (n *node) run() {
	batch := make([]*call, 0, maxBatch)
	for {
		select {
		case c := <-n.queue:
			batch = append(batch[:0], c)
		case <-n.ctx.Done():
			return
		}
		select {
		case <-n.free:
		case <-n.ctx.Done():
			return
		}
		for len(batch) < maxBatch {
			select {
			case c := <-n.queue:
				batch = append(batch, c)
				continue
			default:
			}
			break
		}
		n.carry(batch)
		clear(batch)
	}
}

// carry sends the calls that still have a caller, hands out their replies, and
// gives the connection's token back.
func (n *node) carry(batch []*call) {
	defer func() { n.free <- struct{}{} }()
	pipe := n.client.Pipeline()
	var sent []*call
	var cmds []*goredis.Cmd
	acked := false
	for _, c := range batch {
		if !c.state.CompareAndSwap(callWaits, callTaken) {
			continue
		}
		sent, cmds = append(sent, c), append(cmds, pipe.Do(n.ctx, c.args...))
		acked = acked || c.acked
	}
	if len(sent) == 0 {
		return
	}
	var wait *goredis.Cmd
	if acked && n.acks.wanted() {
		wait = pipe.Do(n.ctx, n.acks.command(n.opts.AckTimeout)...)
	}
	_, failed := pipe.Exec(n.ctx)
	unacked := n.acks.missing(wait)
	for i, c := range sent {
		c.reply, c.err = cmds[i].Result()
		switch {
		case errors.Is(c.err, goredis.Nil):
			c.reply, c.err = nil, nil
		case c.err == nil && c.reply == nil: // never sent: the connection was refused as it began
			c.err = cmp.Or(failed, errNotSent)
		}
		if c.err != nil && judge(c.err) == broken {
			n.away(c.err)
		}
		if c.err == nil && c.acked && unacked != nil {
			c.reply, c.err = nil, unacked
		}
		close(c.done)
	}
}
