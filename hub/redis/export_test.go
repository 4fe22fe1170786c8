package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"

	"github.com/samepage/samepage/hub"
)

// Slot is the hash slot of a channel's keys.
func (e *Engine) Slot(name hub.Channel) int { return slot(e.keys.tags[e.keys.partition(name)]) }

// Links is how many connections were opened to listen, to the master of partition 0.
func (e *Engine) Links() int {
	l := e.topo.node(0).link
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened
}

// Run sends one command by our own queue.
func (e *Engine) Run(ctx context.Context, args []any) error {
	_, err := e.topo.node(0).do(ctx, args, false)
	return err
}

// Client is the driver's, to the master of partition 0.
func (e *Engine) Client() *goredis.Client { return e.topo.node(0).client }

// CommitCall is the command of a commit.
func (e *Engine) CommitCall(c *hub.Commit) ([]any, error) {
	return e.commitCall(e.keys.partition(c.Channel), c)
}

// Sweep lets go of what has expired now.
func (e *Engine) Sweep() { e.sweep() }
