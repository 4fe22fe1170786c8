package sessions

import (
	"sync"
	"sync/atomic"
)

// hands handle frames. They are kept: a new goroutine for each frame would
// have to grow its stack each time, and an idle session's stays small because
// it leaves reading and handling to them.
//
//	reader: wait ──► hand: read, decode, take ──► reader: wait …
//	                   └── and then a share of the work
type hands struct {
	jobs chan *session
	idle atomic.Int32
	stop chan struct{}
	all  sync.WaitGroup
}

// maxIdleHands is how many hands wait for something to do.
const maxIdleHands = 128

// handBuffer is how much a hand reads at once.
const handBuffer = 4 << 10

func newHands() *hands { return &hands{jobs: make(chan *session), stop: make(chan struct{})} }

// give lets a hand read a frame of the session and do what it asks for.
func (h *hands) give(s *session) {
	s.work.Add(1)
	select {
	case h.jobs <- s:
	default:
		h.all.Go(func() { h.work(s) })
	}
}

// rest lets the hands go, which have nothing to do any more.
func (h *hands) rest() {
	close(h.stop)
	h.all.Wait()
}

func (h *hands) work(s *session) {
	buffer := make([]byte, handBuffer)
	for {
		buffer = s.handle(buffer)
		s.work.Done()
		s = nil
		if h.idle.Add(1) > maxIdleHands {
			h.idle.Add(-1)
			return
		}
		select {
		case s = <-h.jobs:
			h.idle.Add(-1)
		case <-h.stop:
			return
		}
	}
}
