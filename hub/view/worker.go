package view

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// worker handles the records of its partitions one by one.
type worker struct {
	*Views
	known *contexts
}

func (v *Views) newWorker() *worker {
	return &worker{Views: v, known: newContexts(v.engine, v.opts.Contexts)}
}

func (w *worker) run(ctx context.Context, jobs <-chan job) {
	pause := newPause()
	for j := range jobs {
		for ctx.Err() == nil {
			var err error
			if j.trimmed != nil {
				w.log.Info("views derive a partition anew: its log was trimmed", "partition", j.record.Partition)
				err = w.reconcile(ctx, j.record.Partition, j.trimmed)
			} else {
				err = w.handle(ctx, j.record.Message)
			}
			if errors.Is(err, hub.ErrCorrupt) { // its views stay as they are, and others' go on
				w.log.Error("views of a context cannot be derived", "err", err)
				err = nil
			}
			if err == nil {
				w.handled(j.record.Partition, j.record.Seq)
				pause.reset()
				break
			}
			if ctx.Err() == nil {
				w.log.Warn("views are held up", "partition", j.record.Partition, "err", err)
			}
			pause.wait(ctx)
		}
	}
}

// handle looks again at what an event touched.
func (w *worker) handle(ctx context.Context, m *hub.Message) error {
	if m == nil || m.Event == nil || m.Channel.Kind() != hub.KindContext {
		return nil
	}
	keys, profile := touched(m.Event)
	if len(keys) == 0 && !profile {
		w.known.pass(m)
		return nil
	}
	c, err := w.known.at(ctx, m)
	if err != nil {
		return err
	}
	if profile {
		for key := range c.entries {
			if hub.EntryKind(key) == entryConversation && !slices.Contains(keys, key) {
				keys = append(keys, origins(key)...)
			}
		}
		slices.Sort(keys)
	}
	return w.sync(ctx, c, keys, m)
}

// reconcile makes the views right for all contexts of a partition, and for
// what stands in views of contexts that no longer hold it.
func (w *worker) reconcile(ctx context.Context, partition int, list *listing) error {
	names, err := list.partition(ctx, w.engine, partition)
	if err != nil {
		return err
	}
	keys := map[hub.Channel]map[string]bool{}
	for _, name := range names {
		keys[name] = map[string]bool{}
	}
	for o := range w.standing() {
		if hub.Partition(o.context, w.engine.Partitions()) != partition {
			continue
		}
		if keys[o.context] == nil {
			keys[o.context] = map[string]bool{}
		}
		keys[o.context][o.key] = true
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		c, err := w.known.load(ctx, name)
		if errors.Is(err, hub.ErrCorrupt) {
			w.log.Error("views of a context cannot be derived", "err", err)
			continue
		}
		if err != nil {
			return err
		}
		for key := range c.entries {
			for _, origin := range origins(key) {
				keys[name][origin] = true
			}
		}
		if err := w.sync(ctx, c, slices.Sorted(maps.Keys(keys[name])), nil); err != nil {
			return err
		}
	}
	return nil
}

// touched is the origins an event changed, and whether it changed who the
// customer is.
func touched(e *hub.Event) (keys []string, profile bool) {
	for _, c := range e.Changes {
		keys = append(keys, origins(c.Key)...)
		profile = profile || c.Key == entryProfile
	}
	return keys, profile
}
