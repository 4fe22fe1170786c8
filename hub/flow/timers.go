package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

// Options configure [Timers]. The zero value works.
type Options struct {
	Logger *slog.Logger     // Defaults to discarding.
	Now    func() time.Time // the hub's clock. Defaults to time.Now.

	Interval time.Duration // how often the store is asked what is due. Defaults to 250 ms.
	Lease    time.Duration // how long what a node has claimed is left to it; a dead node's timers run after that. Defaults to 4 s.
	Workers  int           // commands run at once. Defaults to 8.
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Interval <= 0 {
		o.Interval = 250 * time.Millisecond
	}
	if o.Lease <= 0 {
		o.Lease = 4 * time.Second
	}
	if o.Workers <= 0 {
		o.Workers = 8
	}
	return o
}

// batch is how many timers are claimed at once, for each worker.
const batch = 8

// Timers runs the commands of timers that are due. Create it with
// [NewTimers]; it works while [Timers.Run] runs, on as many nodes as one likes.
type Timers struct {
	engine hub.Engine
	do     func(ctx context.Context, cmd hub.Command) hub.Answer
	opts   Options
	log    *slog.Logger
}

// NewTimers makes timers of an engine and the hub's Do. It starts nothing.
func NewTimers(engine hub.Engine, do func(ctx context.Context, cmd hub.Command) hub.Answer, opts Options) *Timers {
	opts = opts.withDefaults()
	return &Timers{engine: engine, do: do, opts: opts, log: opts.Logger}
}

// Run runs what is due until ctx ends, and then returns nil once the commands
// under way are answered. A store that is away is tried again; only a closed
// one is an error.
func (t *Timers) Run(ctx context.Context) error {
	ticker := time.NewTicker(t.opts.Interval)
	defer ticker.Stop()
	held := false
	for {
		more, err := t.round(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, hub.ErrClosed):
			return err
		case err != nil && !held:
			t.log.Warn("timers wait for the store", "err", err)
		}
		held = err != nil
		if more {
			continue
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// round runs a batch; more is true if there may be another at once.
func (t *Timers) round(ctx context.Context) (more bool, err error) {
	limit := batch * t.opts.Workers
	due, err := t.engine.Due(ctx, t.opts.Now(), t.opts.Lease, limit)
	if err != nil {
		return false, fmt.Errorf("ask for due timers: %w", err)
	}
	claimed := time.Now()
	queue := make(chan hub.Timer, len(due))
	for _, timer := range due {
		queue <- timer
	}
	close(queue)
	var working sync.WaitGroup
	for range min(t.opts.Workers, len(due)) {
		working.Go(func() {
			for timer := range queue {
				if ctx.Err() != nil || time.Since(claimed) > t.opts.Lease/2 {
					continue // the lease ends, and whoever is there then runs it
				}
				t.run(ctx, timer)
			}
		})
	}
	working.Wait()
	return len(due) == limit, nil
}

// run runs one timer's command, and forgets the timer if the answer is final.
func (t *Timers) run(ctx context.Context, timer hub.Timer) {
	answer := t.do(ctx, hub.Command{
		Method: timer.Method, ID: ID(timer), On: timer.Channel, Args: timer.Args,
		Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleSystem}},
	})
	if p := answer.Problem; p != nil {
		if !final(p) {
			t.log.Warn("a timer's command is tried again", "method", timer.Method, "on", timer.Channel, "key", timer.Key, "code", p.Code)
			return
		}
		t.log.Info("a timer's command was refused", "method", timer.Method, "on", timer.Channel, "key", timer.Key, "code", p.Code)
	}
	// What was answered is forgotten even if we are to stop: it would only run again for nothing.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.opts.Lease/2)
	defer cancel()
	if err := t.engine.ClearTimer(ctx, timer); err != nil {
		t.log.Warn("a timer stays after its command", "on", timer.Channel, "key", timer.Key, "err", err)
	}
}

// ID is the id of a timer's command: the same whoever runs it, however often.
//
//	timer/context:c-42/conversation/v1/wake/1795428000000
func ID(timer hub.Timer) string {
	return fmt.Sprintf("timer/%s/%s/%d", timer.Channel, timer.Key, timer.Due.UnixMilli())
}

// final reports whether a refusal stays one, however often it is asked. A
// method that this node does not know may be known to the next.
func final(p *hub.Problem) bool {
	switch p.Code {
	case hub.CodeUnavailable, hub.CodeRateLimited, hub.CodeInternal, hub.CodeUnknownMethod:
		return false
	}
	return true
}
