package web

import (
	"errors"

	"github.com/samepage/samepage/hub"
)

var errSlow = errors.New("web: the reader is too slow")

// follower is a bounded queue between the hub and a stream. It is a
// [hub.Sink]: delivering never waits.
type follower struct {
	messages chan *hub.Message
	ended    chan error // gets the one reason why nothing more comes
	over     bool       // touched only by the hub, one call at a time
}

func newFollower(size int) *follower {
	return &follower{messages: make(chan *hub.Message, size), ended: make(chan error, 1)}
}

// Deliver implements [hub.Sink].
func (f *follower) Deliver(m *hub.Message) {
	if f.over {
		return
	}
	select {
	case f.messages <- m:
	default:
		f.Lost(errSlow) // what is queued has no gap; what comes now would be behind one
	}
}

// Lost implements [hub.Sink].
func (f *follower) Lost(err error) {
	if !f.over {
		f.over = true
		f.ended <- err
	}
}
