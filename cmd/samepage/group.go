package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// group owns goroutines: it ends them together and waits for them.
type group struct {
	ctx    context.Context
	cancel context.CancelFunc
	failed chan error // the first failure
	work   sync.WaitGroup
	log    *slog.Logger
}

// newGroup is an empty group. The channel brings the first error of a member.
func newGroup(log *slog.Logger) (*group, <-chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	g := &group{ctx: ctx, cancel: cancel, failed: make(chan error, 1), log: log}
	return g, g.failed
}

// start runs f until the group stops, or it returns by itself.
func (g *group) start(name string, f func(ctx context.Context) error) {
	g.work.Go(func() {
		err := f(g.ctx)
		if err == nil || errors.Is(err, context.Canceled) {
			return
		}
		err = fmt.Errorf("%s: %w", name, err)
		select {
		case g.failed <- err:
		default:
			g.log.Error("another part failed", "err", err)
		}
	})
}

// stop ends all members and returns after them. It may be called again.
func (g *group) stop() {
	g.cancel()
	g.work.Wait()
}
