package view

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

// job is a record to handle, or a partition whose log was trimmed.
type job struct {
	record  hub.Record
	trimmed *listing
}

// follow reads the log and hands each partition's records to one worker, in
// order. It returns when the log ends, which it does with ctx.
func (v *Views) follow(ctx context.Context, going func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cursors, err := v.engine.Cursors(ctx, consumer)
	if err != nil {
		return fmt.Errorf("read the views' cursors: %w", err)
	}
	if err := v.loadSheets(ctx); err != nil {
		return err
	}
	v.newsMu.Lock()
	v.news = hub.Cursors{}
	v.newsMu.Unlock()

	var working, saving sync.WaitGroup
	jobs := make([]chan job, v.opts.Workers)
	for i := range jobs {
		jobs[i] = make(chan job, 64)
		working.Go(func() { v.newWorker().run(ctx, jobs[i]) })
	}
	saving.Go(func() { v.saveNow(ctx) })

	var list *listing
	for record, e := range v.engine.Log(ctx, cursors) {
		next := job{record: record}
		switch {
		case errors.Is(e, hub.ErrTrimmed):
			if list == nil {
				list = &listing{}
			}
			next.trimmed = list
		case e != nil:
			err = e
		default:
			list = nil // partitions trimmed later need a later list
		}
		if err != nil {
			break
		}
		going()
		select {
		case jobs[record.Partition%len(jobs)] <- next:
		case <-ctx.Done():
		}
	}
	for _, c := range jobs {
		close(c)
	}
	if ctx.Err() == nil && err == nil {
		err = errors.New("the log ended")
	}
	cancel()
	working.Wait()
	saving.Wait()
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer stop()
	v.save(last)
	return err
}

// handled notes that everything of a partition up to seq is in the views.
func (v *Views) handled(partition int, seq uint64) {
	if seq == 0 {
		return
	}
	v.newsMu.Lock()
	defer v.newsMu.Unlock()
	v.news[partition] = seq
}

// saveNow saves cursors every now and then. Lost ones cost a second look.
func (v *Views) saveNow(ctx context.Context) {
	ticker := time.NewTicker(v.opts.SaveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			v.save(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (v *Views) save(ctx context.Context) {
	v.newsMu.Lock()
	news := v.news
	v.news = hub.Cursors{}
	v.newsMu.Unlock()
	if len(news) == 0 {
		return
	}
	if err := v.engine.SaveCursors(ctx, consumer, news); err != nil {
		v.newsMu.Lock()
		maps.Copy(news, v.news)
		v.news = news
		v.newsMu.Unlock()
		if ctx.Err() == nil {
			v.log.Warn("views' cursors not saved", "err", err)
		}
	}
}

// listing is the contexts by partition, listed once for all partitions that
// were found trimmed together.
type listing struct {
	mu    sync.Mutex
	names map[int][]hub.Channel
}

func (l *listing) partition(ctx context.Context, engine hub.Engine, p int) ([]hub.Channel, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names == nil {
		names := map[int][]hub.Channel{}
		for name, err := range engine.Channels(ctx, hub.KindContext+":") {
			if err != nil {
				return nil, fmt.Errorf("list contexts: %w", err)
			}
			p := hub.Partition(name, engine.Partitions())
			names[p] = append(names[p], name)
		}
		l.names = names
	}
	return l.names[p], nil
}
