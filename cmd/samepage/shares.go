package main

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
)

// shares let what follows the log run once, on however many nodes: each node
// works on a part of the partitions, and takes over others' when they go.
//
//	redis.Engine.Share ── part ── partEngine ── view.Views, flow.Prices
//	         leases                    the part's contexts, cursors and log; commits in one past
//
// When writes may have been lost, because a new master took over or the store
// was emptied, partitions get new epochs. What was derived from the lost past
// is then wrong without anything in the log that says so; so all work is
// begun anew, and told to derive everything from what there is.
type shares struct {
	engine *redis.Engine
	log    *slog.Logger
	names  []hub.Channel // one of each partition, to ask for its epoch

	mu     sync.Mutex // guards the following fields
	epochs []string
	past   int           // rises when epochs changed
	other  chan struct{} // closed when that happens
}

// epochInterval is how often the partitions' epochs are looked at.
const epochInterval = 2 * time.Second

func newShares(e *redis.Engine, log *slog.Logger) *shares {
	s := &shares{engine: e, log: log, names: make([]hub.Channel, e.Partitions()), other: make(chan struct{})}
	for i, found := 0, 0; found < len(s.names); i++ {
		name := hub.Channel(fmt.Sprintf("%s:epoch-%d", hub.KindContext, i)) // nobody writes to them
		if p := hub.Partition(name, len(s.names)); s.names[p] == "" {
			s.names[p] = name
			found++
		}
	}
	return s
}

// Run looks at the epochs until ctx ends.
func (s *shares) Run(ctx context.Context) error {
	tick := time.NewTicker(epochInterval)
	defer tick.Stop()
	for {
		s.look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *shares) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*epochInterval)
	defer cancel()
	heads, err := s.engine.Heads(ctx, s.names)
	if err != nil {
		return // the next look finds out
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first, changed := s.epochs == nil, 0
	if first {
		s.epochs = make([]string, len(heads))
	}
	for p, head := range heads {
		if s.epochs[p] != head.Epoch {
			s.epochs[p] = head.Epoch
			changed++
		}
	}
	if changed > 0 && !first {
		s.log.Warn("new epochs: writes may have been lost, all is derived anew", "partitions", changed)
		s.past++
		close(s.other)
		s.other = make(chan struct{})
	}
}

// state is the past we are in, and what is closed when there is another one.
func (s *shares) state() (past int, other chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.past, s.other
}

// job is what runs on a part of the partitions until ctx ends. anew says that
// it may have derived things from what was lost.
type job func(ctx context.Context, engine hub.Engine, anew bool) error

// run shares a role out until ctx ends. Every node has the partitions of the
// channels in also for reading.
func (s *shares) run(ctx context.Context, role string, work job, also ...hub.Channel) error {
	known, _ := s.state() // a new node has derived nothing yet
	return s.engine.Share(ctx, role, func(ctx context.Context, part *redis.Part) error {
		for ctx.Err() == nil {
			past, other := s.state()
			inner, cancel := context.WithCancel(ctx)
			go func() {
				select {
				case <-other:
					cancel()
				case <-inner.Done():
				}
			}()
			err := work(inner, newPartEngine(s.engine, part, also), past != known)
			over := inner.Err() != nil
			cancel()
			if err != nil && !over {
				return err
			}
			if err == nil {
				known = past
			}
		}
		return nil
	})
}

// partEngine is an engine as somebody sees it who works on a part of the
// partitions: others' contexts and logs are not there, cursors are saved only
// while the part is ours, and what is committed to channels that were loaded
// is decided on what they hold in the same epoch.
type partEngine struct {
	hub.Engine
	part *redis.Part
	ours map[int]bool
	also map[hub.Channel]bool

	mu     sync.Mutex // guards the following field
	loaded map[hub.Channel]*standing
}

// standing is how a channel stood when we last saw it.
type standing struct {
	at     hub.Position
	behind bool // others wrote to it since
}

func newPartEngine(e hub.Engine, part *redis.Part, also []hub.Channel) *partEngine {
	p := &partEngine{Engine: e, part: part, ours: map[int]bool{}, also: map[hub.Channel]bool{}, loaded: map[hub.Channel]*standing{}}
	for _, n := range part.Partitions() {
		p.ours[n] = true
	}
	for _, name := range also {
		if !p.ours[hub.Partition(name, e.Partitions())] {
			p.also[name] = true
		}
	}
	return p
}

// Cursors implements [hub.Engine]: those of the part.
func (e *partEngine) Cursors(ctx context.Context, consumer string) (hub.Cursors, error) {
	all, err := e.Engine.Cursors(ctx, consumer)
	if err != nil {
		return nil, err
	}
	mine := hub.Cursors{}
	for p := range e.ours {
		mine[p] = all[p]
	}
	for name := range e.also {
		p := hub.Partition(name, e.Partitions())
		mine[p] = all[p]
	}
	return mine, nil
}

// SaveCursors implements [hub.Engine]: those of the part.
func (e *partEngine) SaveCursors(ctx context.Context, consumer string, cursors hub.Cursors) error {
	mine := hub.Cursors{}
	for p, seq := range cursors {
		if e.ours[p] {
			mine[p] = seq
		}
	}
	return e.part.SaveCursors(ctx, consumer, mine)
}

// ResetCursors implements [hub.Engine]: what was derived anew from what there
// is needs no log that is older.
func (e *partEngine) ResetCursors(context.Context, string) error { return nil }

// Log implements [hub.Engine]. Of partitions that are read besides, only the
// channels they are read for have content.
func (e *partEngine) Log(ctx context.Context, after hub.Cursors) iter.Seq2[hub.Record, error] {
	return func(yield func(hub.Record, error) bool) {
		for record, err := range e.Engine.Log(ctx, after) {
			if !e.ours[record.Partition] && record.Message != nil && !e.also[record.Message.Channel] {
				record.Message = nil
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

// Channels implements [hub.Engine]: contexts are those of the part.
func (e *partEngine) Channels(ctx context.Context, prefix string) iter.Seq2[hub.Channel, error] {
	return func(yield func(hub.Channel, error) bool) {
		for name, err := range e.Engine.Channels(ctx, prefix) {
			if err == nil && name.Kind() == hub.KindContext && !e.ours[hub.Partition(name, e.Partitions())] {
				continue
			}
			if !yield(name, err) {
				return
			}
		}
	}
}

// Load implements [hub.Engine] and notes where derived channels stand.
func (e *partEngine) Load(ctx context.Context, name hub.Channel) (hub.Snapshot, error) {
	snapshot, err := e.Engine.Load(ctx, name)
	if err == nil && name.Kind() != hub.KindContext {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.loaded[name] = &standing{at: snapshot.Position}
	}
	return snapshot, err
}

// Commit implements [hub.Engine]. One on a channel to which others have
// written since it was loaded conflicts once, so that it is loaded anew: what
// is derived from all that the channel holds, such as which tickets are too
// many, is then right again.
func (e *partEngine) Commit(ctx context.Context, c *hub.Commit) (hub.Result, error) {
	e.mu.Lock()
	if s := e.loaded[c.Channel]; s != nil {
		if s.behind {
			e.mu.Unlock()
			return hub.Result{}, hub.ErrConflict
		}
		c.Epoch = s.at.Epoch
	}
	e.mu.Unlock()
	result, err := e.Engine.Commit(ctx, c)
	if err != nil {
		return result, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.loaded[c.Channel]; s != nil && s.at.Epoch == result.Position.Epoch && result.Position.Offset > s.at.Offset {
		s.behind = s.behind || result.Position.Offset > s.at.Offset+1 && c.Channel.Kind() == hub.KindBoard
		s.at.Offset = result.Position.Offset
	}
	return result, nil
}
