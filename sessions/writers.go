package sessions

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// writers flush outboxes: a few goroutines for all sessions, because starting
// one for each message and session costs more than putting it into a queue.
//
//	topic, ping, close ──► queue ─► writer ── flush, flush, flush …
//	                   ──► queue ─► writer
type writers struct {
	all  []writer
	turn atomic.Uint32
}

type writer struct {
	mu     sync.Mutex
	queue  []*outbox
	asleep bool
	wake   chan struct{}
}

// few outboxes are flushed at once by whoever filled them.
const few = 4

func newWriters() *writers {
	w := &writers{all: make([]writer, runtime.GOMAXPROCS(0))}
	for i := range w.all {
		w.all[i].wake = make(chan struct{}, 1)
	}
	return w
}

// add has outboxes flushed whose writers their caller became. It does not block.
func (w *writers) add(outboxes ...*outbox) {
	if len(outboxes) == 0 {
		return
	}
	turn := int(w.turn.Add(1))
	share := max(16, (len(outboxes)+len(w.all)-1)/len(w.all)) // a few are not worth waking more than one
	for i := 0; i < len(outboxes); i += share {
		w.all[turn%len(w.all)].add(outboxes[i:min(i+share, len(outboxes))])
		turn++
	}
}

func (w *writer) add(outboxes []*outbox) {
	w.mu.Lock()
	w.queue = append(w.queue, outboxes...)
	asleep := w.asleep
	w.asleep = false
	w.mu.Unlock()
	if asleep {
		w.wake <- struct{}{}
	}
}

// run flushes until ctx ends.
func (w *writers) run(ctx context.Context) {
	var group sync.WaitGroup
	for i := range w.all {
		group.Go(func() { w.all[i].run(ctx) })
	}
	group.Wait()
}

func (w *writer) run(ctx context.Context) {
	p := newPen()
	var batch []*outbox
	for {
		w.mu.Lock()
		batch, w.queue = w.queue, batch[:0]
		w.asleep = len(batch) == 0
		w.mu.Unlock()
		if len(batch) == 0 {
			select {
			case <-w.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		for i, o := range batch {
			o.flush(p)
			batch[i] = nil
		}
	}
}
