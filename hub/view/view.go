package view

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

// consumer is the name of the views' cursors.
const consumer = "view"

// Options configure [Views]. The zero value works.
type Options struct {
	Logger *slog.Logger     // Defaults to discarding.
	Now    func() time.Time // the hub's clock. Defaults to time.Now.

	Workers   int           // contexts worked on at once, so that their commits share the disk's time. Defaults to 8.
	Contexts  int           // contexts each worker keeps in memory. Defaults to 1,000.
	Shelf     int           // done tickets that stay on a board. Defaults to 20.
	SaveEvery time.Duration // how often cursors are saved while there is news. Defaults to a second.
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workers <= 0 {
		o.Workers = 8
	}
	if o.Contexts <= 0 {
		o.Contexts = 1000
	}
	if o.Shelf <= 0 {
		o.Shelf = 20
	}
	if o.SaveEvery <= 0 {
		o.SaveEvery = time.Second
	}
	return o
}

// Views keeps boards, queues and desks. Create it with [New]; it works while
// [Views.Run] runs.
type Views struct {
	engine hub.Engine
	opts   Options
	log    *slog.Logger

	mu     sync.Mutex // guards the following fields
	sheets map[hub.Channel]*sheet
	stands map[origin]map[hub.Channel]string // where each order and conversation stands, and under which key

	newsMu sync.Mutex  // guards the following fields
	news   hub.Cursors // of what was handled and is not saved yet
}

// New makes views over an engine. It starts nothing.
func New(engine hub.Engine, opts Options) *Views {
	opts = opts.withDefaults()
	return &Views{
		engine: engine, opts: opts, log: opts.Logger,
		sheets: map[hub.Channel]*sheet{}, stands: map[origin]map[hub.Channel]string{},
	}
}

// Run follows the log until ctx ends and then returns nil, after everything it
// started. A store that is away is tried again; only a closed one is an error.
// One Run at a time.
func (v *Views) Run(ctx context.Context) error {
	pause := newPause()
	for {
		err := v.follow(ctx, pause.reset)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, hub.ErrClosed):
			return err
		}
		v.log.Warn("views wait for the store", "err", err)
		pause.wait(ctx)
	}
}

// Rebuild derives everything anew from the contexts as they stand and forgets
// the cursors, so that the next Run reads the whole log again. It commits only
// what differs. Not while Run runs.
func (v *Views) Rebuild(ctx context.Context) error {
	if err := v.loadSheets(ctx); err != nil {
		return err
	}
	list := &listing{}
	partitions := make(chan int)
	errs := make(chan error, v.opts.Workers)
	var group sync.WaitGroup
	for range v.opts.Workers {
		group.Go(func() {
			w := v.newWorker()
			for p := range partitions {
				if err := w.reconcile(ctx, p, list); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	var err error
feed:
	for p := range v.engine.Partitions() {
		select {
		case partitions <- p:
		case err = <-errs:
			break feed
		}
	}
	close(partitions)
	group.Wait()
	select {
	case failed := <-errs:
		err = errors.Join(err, failed)
	default:
	}
	if err != nil {
		return err
	}
	return v.engine.ResetCursors(ctx, consumer)
}

// pause waits longer each time, until it is reset.
type pause struct{ next time.Duration }

func newPause() *pause { return &pause{next: 20 * time.Millisecond} }

func (p *pause) reset() { p.next = 20 * time.Millisecond }

func (p *pause) wait(ctx context.Context) {
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	p.next = min(2*p.next, 2*time.Second)
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
