package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// erasuresConsumer is the name of the cursors of erasures.
const erasuresConsumer = "erasures"

// ErasuresOptions configure [Erasures]. The zero value works.
type ErasuresOptions struct {
	Logger *slog.Logger // Defaults to discarding.

	// Behind are consumers that must have handled an erasure before the past of what they
	// derived is forgotten: the views. Defaults to none.
	Behind []string
	// Look is how often those are looked at. Defaults to 50 ms.
	Look time.Duration
}

// Erasures ends the past of erased customers: once context.erase has emptied a
// context, what its log, the logs of its aliases and those of the views still
// tell of the customer is forgotten as well. It follows the log behind a
// durable cursor, and every step can be done again, so what was erased is
// forgotten also if the node dies meanwhile.
type Erasures struct {
	engine hub.Engine
	opts   ErasuresOptions
	log    *slog.Logger
}

// NewErasures makes the flow. It starts nothing.
func NewErasures(engine hub.Engine, opts ErasuresOptions) *Erasures {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Look <= 0 {
		opts.Look = 50 * time.Millisecond
	}
	return &Erasures{engine: engine, opts: opts, log: opts.Logger}
}

// Run follows the log until ctx ends and then returns nil. A store that is
// away is tried again; only a closed one is an error. One Run at a time.
func (f *Erasures) Run(ctx context.Context) error {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := f.follow(ctx, func() { wait = 20 * time.Millisecond })
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, hub.ErrClosed):
			return err
		case errors.Is(err, errors.ErrUnsupported):
			f.log.Error("the past of an erased customer stays in the log: this store cannot end it", "err", err)
			wait = time.Minute
		default:
			f.log.Warn("erasures wait for the store", "err", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// saveRecords is after how many records without an erasure cursors are saved.
const saveRecords = 1000

func (f *Erasures) follow(ctx context.Context, going func()) error {
	cursors, err := f.engine.Cursors(ctx, erasuresConsumer)
	if err != nil {
		return fmt.Errorf("read the cursors of erasures: %w", err)
	}
	news, passed := hub.Cursors{}, 0
	for record, err := range f.engine.Log(ctx, cursors) {
		erased := false
		switch {
		case errors.Is(err, hub.ErrTrimmed):
			if err := f.reconcile(ctx, record.Partition); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			going()
			if m := record.Message; m.Event.Type == "customer.erased" && m.Channel.Kind() == hub.KindContext {
				if err := f.behind(ctx, record); err != nil {
					return err
				}
				if err := f.forget(ctx, m.Channel); err != nil {
					return err
				}
				erased = true
			}
			news[record.Partition] = record.Seq
		}
		if passed++; erased || passed >= saveRecords {
			if err := f.engine.SaveCursors(ctx, erasuresConsumer, news); err != nil {
				return fmt.Errorf("save the cursors of erasures: %w", err)
			}
			news, passed = hub.Cursors{}, 0
		}
	}
	return errors.New("the log ended")
}

// behind waits until the consumers that derive from contexts have handled a record.
func (f *Erasures) behind(ctx context.Context, r hub.Record) error {
	for _, consumer := range f.opts.Behind {
		for {
			cursors, err := f.engine.Cursors(ctx, consumer)
			if err != nil {
				return err
			}
			if cursors[r.Partition] >= r.Seq {
				break
			}
			select {
			case <-time.After(f.opts.Look):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// reconcile forgets the erased customers of a partition, where the log no
// longer tells which these are.
func (f *Erasures) reconcile(ctx context.Context, partition int) error {
	for name, err := range f.engine.Channels(ctx, hub.KindContext+":") {
		if err != nil {
			return fmt.Errorf("list contexts: %w", err)
		}
		if hub.Partition(name, f.engine.Partitions()) == partition {
			if err := f.forget(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget ends the past of an erased context, of its aliases, and of the views
// that told of either.
func (f *Erasures) forget(ctx context.Context, name hub.Channel) error {
	snapshot, err := f.engine.Load(ctx, name)
	if errors.Is(err, hub.ErrCorrupt) { // nobody can tell whether it was erased
		f.log.Error("the past of a context cannot be looked at", "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	entry, ok := snapshot.Entries[hub.ErasedKey]
	if !ok {
		return nil
	}
	var erased commerce.Erased
	if err := json.Unmarshal(entry.Doc, &erased); err != nil {
		return fmt.Errorf("read what was erased of %s: %w", name, err)
	}
	if _, err := f.engine.Erase(ctx, name, entry.Version); err != nil {
		return err
	}
	marks := [][]byte{mark(name.ID())}
	for id := range erased.Aliases {
		alias := hub.Channel(hub.KindContext + ":" + id)
		if err := f.whole(ctx, alias); err != nil {
			return err
		}
		marks = append(marks, mark(id))
	}
	for _, kind := range []string{hub.KindBoard, hub.KindQueue, hub.KindDesk} {
		for view, err := range f.engine.Channels(ctx, kind+":") {
			if err != nil {
				return fmt.Errorf("list views: %w", err)
			}
			if err := f.view(ctx, view, marks); err != nil {
				return err
			}
		}
	}
	f.log.Info("the past of an erased customer is forgotten", "channel", name)
	return nil
}

// whole ends all of a channel's past.
func (f *Erasures) whole(ctx context.Context, name hub.Channel) error {
	heads, err := f.engine.Heads(ctx, []hub.Channel{name})
	if err != nil {
		return err
	}
	_, err = f.engine.Erase(ctx, name, heads[0].Offset+1)
	return err
}

// mark is how an event of a view names a context.
func mark(id string) []byte {
	raw, err := json.Marshal(id)
	if err != nil {
		return []byte(id)
	}
	return raw
}

// view ends a view's past if it tells of one of these contexts.
func (f *Erasures) view(ctx context.Context, name hub.Channel, marks [][]byte) error {
	history, err := f.engine.History(ctx, name, hub.HistoryQuery{Limit: -1})
	if err != nil {
		return fmt.Errorf("read the past of %s: %w", name, err)
	}
	last := uint64(0)
	for _, m := range history.Messages {
		raw, err := json.Marshal(m.Event)
		if err != nil {
			return err
		}
		for _, mark := range marks {
			if bytes.Contains(raw, mark) || bytes.Contains(raw, append([]byte(`"`+hub.KindContext+`:`), mark[1:]...)) {
				last = m.Position.Offset
			}
		}
	}
	if last == 0 {
		return nil
	}
	_, err = f.engine.Erase(ctx, name, last+1)
	return err
}
