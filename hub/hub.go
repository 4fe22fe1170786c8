package hub

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a [Hub]. The zero value works.
type Options struct {
	Logger     *slog.Logger     // Defaults to discarding.
	Now        func() time.Time // Defaults to time.Now.
	Namespaces Namespaces

	// HotChannels is how many channels' entries are kept in memory to decide on. Defaults to 10,000.
	HotChannels int
	// Shared says that other hubs write to the same store: what is in memory is checked before
	// it is read by reference.
	Shared bool
	// CheckInterval is how often followed channels are held against the log's end, because the
	// engine's listening may lose messages; 0: it cannot.
	CheckInterval time.Duration
	// Linger is how long a channel stays followed after its last follower left. Defaults to 0.
	Linger time.Duration
	// ProbeInterval is how often the hub sends a message to itself (see [Hub.Ready]). Defaults to 2 s.
	ProbeInterval time.Duration
	// CommitTimeout bounds one command's way through the engine. Defaults to 5 s.
	CommitTimeout time.Duration
	// Ask answers what models want to know from outside of the hub (see [Tx.Ask]): a topic, a
	// question and its answer in JSON; [ErrNobodyAsked] where nobody knows the topic. It bounds
	// its own time, to less than CommitTimeout. Nil: nobody answers anything.
	Ask func(ctx context.Context, topic string, question json.RawMessage) (json.RawMessage, error)

	// OnCommand is told of every command's end: its method (empty if unknown), the problem's
	// code (empty if accepted) and how long it took. It does not block.
	OnCommand func(method, code string, took time.Duration)
	// OnControl is given the control messages that other rooms sent with [Hub.SendControl], on
	// every node. It does not block for long.
	OnControl func(data []byte)
}

// Hub is the one way to change and to follow channels. Create it with [New];
// [Hub.Run] must run for anything to be followed.
type Hub struct {
	engine  Engine
	methods Methods
	sights  *Sights
	opts    Options
	log     *slog.Logger

	hot     hotChannels
	lines   [lineShards]lineShard
	repairs repairs
	probe   probe
	ctx     atomic.Pointer[context.Context] // Run's
	work    sync.WaitGroup                  // repairs under way
}

// New makes a hub of an engine and the models of its domains. It starts nothing.
func New(engine Engine, opts Options, models ...Model) *Hub {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.HotChannels <= 0 {
		opts.HotChannels = 10_000
	}
	if opts.ProbeInterval <= 0 {
		opts.ProbeInterval = 2 * time.Second
	}
	if opts.CommitTimeout <= 0 {
		opts.CommitTimeout = 5 * time.Second
	}
	h := &Hub{engine: engine, methods: NewMethods(models...), sights: NewSights(models...), opts: opts, log: opts.Logger}
	h.hot.init(opts.HotChannels)
	for i := range h.lines {
		h.lines[i].lines = map[Channel]*line{}
	}
	h.probe.init()
	return h
}

// Methods is the table of commands.
func (h *Hub) Methods() Methods { return h.methods }

// Sights filters what audiences may see.
func (h *Hub) Sights() *Sights { return h.sights }

// Namespaces are the options of plain channels.
func (h *Hub) Namespaces() Namespaces { return h.opts.Namespaces }

// Engine is the store below.
func (h *Hub) Engine() Engine { return h.engine }

// Run listens to the engine, keeps followed channels whole and probes, until
// ctx ends. It returns after everything it started, with nil when ctx ended.
func (h *Hub) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.ctx.Store(&ctx)
	var group sync.WaitGroup
	group.Go(func() { h.runProbe(ctx) })
	group.Go(func() { h.runChecks(ctx) })
	err := h.engine.Listen(ctx, h.deliver)
	cancel()
	group.Wait()
	h.work.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Snapshot is a channel's entries as of one instant, unfiltered.
func (h *Hub) Snapshot(ctx context.Context, name Channel) (Snapshot, error) {
	return h.engine.Load(ctx, name)
}

// History is a part of a channel's log, unfiltered. See [Engine].
func (h *Hub) History(ctx context.Context, name Channel, q HistoryQuery) (History, error) {
	return h.engine.History(ctx, name, q)
}

// Since is what a log holds behind a position, if it holds all of it: the one
// test of whether a follower can go on from where it was. The messages are at
// contiguous offsets up to History.Position. Otherwise false: load anew.
func (h *Hub) Since(ctx context.Context, name Channel, since Position, limit int) (History, bool, error) {
	history, err := h.engine.History(ctx, name, HistoryQuery{Since: &since, Limit: limit})
	if errors.Is(err, ErrEpoch) {
		return history, false, nil
	}
	if err != nil {
		return history, false, err
	}
	next := since.Offset
	for _, m := range history.Messages {
		next++
		if m.Position.Offset != next {
			return history, false, nil
		}
	}
	return history, next == history.Position.Offset, nil
}
