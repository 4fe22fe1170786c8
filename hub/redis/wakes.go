package redis

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"github.com/samepage/samepage/hub"
)

// wakes are the consumers of the log that wait for partitions to grow.
type wakes struct {
	mu      sync.Mutex
	waiting map[int]map[chan *told]bool // partition -> who wants to know
}

// told is a record as its partition's topic tells it, "SEQ CHANNEL EPOCH
// OFFSET " and the message. Several consumers may have it; it is read once.
type told struct {
	partition int
	payload   []byte

	once   sync.Once
	epoch  string     // the partition's
	record hub.Record // of seq 0 if it cannot be read
}

func (t *told) read() {
	t.once.Do(func() {
		parts := bytes.SplitN(t.payload, []byte{' '}, 5)
		if len(parts) < 5 {
			return
		}
		seq, err1 := strconv.ParseUint(string(parts[0]), 10, 64)
		offset, err2 := strconv.ParseUint(string(parts[3]), 10, 64)
		if err1 != nil || err2 != nil {
			return
		}
		m, err := decodeMessage(hub.Channel(parts[1]), hub.Position{Epoch: string(parts[2]), Offset: offset}, parts[4])
		if err != nil {
			return // whoever reads it in the log says so
		}
		t.epoch, _, _ = strings.Cut(string(parts[2]), "-") // what is behind it is the channel's own
		t.record = hub.Record{Partition: t.partition, Seq: seq, Message: m}
	})
}

// tell passes on a partition's next record.
func (w *wakes) tell(t *told) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.waiting[t.partition] {
		select {
		case c <- t:
		default: // it has enough to look at, and looks by itself too
		}
	}
}

// wake subscribes a consumer to its partitions' growth. That it stands is not
// waited for: until then the consumer looks by itself.
func (e *Engine) wake(partitions []int) (woken chan *told, stop func()) {
	woken = make(chan *told, 4*len(partitions)+16)
	w := &e.wakes
	w.mu.Lock()
	var fresh []int
	for _, p := range partitions {
		if w.waiting[p] == nil {
			w.waiting[p] = map[chan *told]bool{}
			fresh = append(fresh, p)
		}
		w.waiting[p][woken] = true
	}
	w.mu.Unlock()
	e.topics.mu.Lock()
	for _, p := range fresh {
		t := &topic{name: e.keys.topic(p, topicRecords), partition: p, take: func(payload []byte) {
			e.wakes.tell(&told{partition: p, payload: payload})
		}}
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
