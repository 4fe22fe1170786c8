package redis

import "sync"

// wakes are the consumers of the log that wait for partitions to grow.
type wakes struct {
	mu      sync.Mutex
	waiting map[int]map[chan int]bool // partition -> who wants to know
}

// tell passes on that a partition has grown.
func (w *wakes) tell(partition int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.waiting[partition] {
		select {
		case c <- partition:
		default: // it has enough to look at, and looks by itself too
		}
	}
}

// wake subscribes a consumer to its partitions' growth. That it stands is not
// waited for: until then the consumer looks by itself.
func (e *Engine) wake(partitions []int) (woken chan int, stop func()) {
	woken = make(chan int, 4*len(partitions)+16)
	w := &e.wakes
	w.mu.Lock()
	var fresh []int
	for _, p := range partitions {
		if w.waiting[p] == nil {
			w.waiting[p] = map[chan int]bool{}
			fresh = append(fresh, p)
		}
		w.waiting[p][woken] = true
	}
	w.mu.Unlock()
	e.topics.mu.Lock()
	for _, p := range fresh {
		t := &topic{name: e.keys.topic(p, topicRecords), partition: p, take: func([]byte) { e.wakes.tell(p) }}
		e.topics.all[p][t.name] = t
		e.topo.node(p).link.add([]*topic{t})
	}
	e.topics.mu.Unlock()
	return woken, func() {
		var gone []*topic
		e.topics.mu.Lock()
		w.mu.Lock()
		for _, p := range partitions {
			delete(w.waiting[p], woken)
			if len(w.waiting[p]) == 0 {
				delete(w.waiting, p)
				if t := e.topics.all[p][e.keys.topic(p, topicRecords)]; t != nil {
					gone = append(gone, t)
				}
			}
		}
		w.mu.Unlock()
		e.topics.mu.Unlock()
		e.unsubscribe(gone)
	}
}
