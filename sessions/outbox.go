package sessions

import (
	"sync"
	"time"

	"github.com/centrifugal/protocol"
	"github.com/coder/websocket"
)

// outbox is what a session still has to be told. It is bounded in bytes. It is
// written only while there is something to write; what piles up meanwhile goes
// out together, in one frame.
//
//	idle ── put, close ──► writing ── flush: the socket takes it all ──► idle
//	                          │                     ▲
//	                          └── it does not: write, in a goroutine of its own
type outbox struct {
	session *session

	mu      sync.Mutex
	one     [1][]byte   // room for a queue of one
	queue   [][]byte    // encoded messages, shared with other sessions
	size    int         // bytes in queue and under way
	under   int         // bytes under way
	writing bool        // somebody is at work: the one who made it true
	held    *time.Timer // what is put is kept back until then
	ended   *Code       // nothing more is taken; this is said at the end
	cut     *time.Timer // from ended on: closes the socket of a peer that does not let go
}

// maxFrameOut is how many bytes of small messages are joined in one frame.
const maxFrameOut = 32 << 10

// push queues messages, in order, and has them written. It never blocks.
func (o *outbox) push(messages ...[]byte) {
	if o.put(messages...) {
		o.session.server.writers.add(o)
	}
}

// put queues messages, in order. It never blocks. A session whose outbox would
// grow beyond its bound is cut off. If it returns true, the caller has to see
// to it that the outbox is flushed.
func (o *outbox) put(messages ...[]byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended != nil {
		return false
	}
	for _, m := range messages {
		// One message is always taken, however large: there is no other way to send it.
		if o.size > 0 && o.size+len(m) > o.session.server.opts.MaxOutbox {
			o.drop()
			return o.end(CloseSlow)
		}
		o.size += len(m)
		if o.queue == nil {
			o.queue = o.one[:0]
		}
		o.queue = append(o.queue, m)
	}
	return o.begin()
}

// begin makes the caller the one who writes, if nobody is. o.mu is held.
func (o *outbox) begin() bool {
	if o.writing {
		return false
	}
	o.writing = true
	o.session.work.Add(1)
	return true
}

// hold keeps back what is put from now on, so that it goes out together: until
// release, or for as long as a device does not notice.
func (o *outbox) hold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended == nil && o.begin() {
		o.held = time.AfterFunc(maxHold, o.release)
	}
}

const maxHold = 10 * time.Millisecond

// release writes what was kept back, if anything still is.
func (o *outbox) release() {
	o.mu.Lock()
	held := o.held
	o.held = nil
	o.mu.Unlock()
	if held != nil {
		held.Stop()
		o.flushed()
	}
}

// flushed is flush for those who have no pen.
func (o *outbox) flushed() {
	p := pens.Get().(*pen)
	o.flush(p)
	pens.Put(p)
}

// close ends the session with code once what is queued is written. It does
// not block; the first call counts.
func (o *outbox) close(code *Code) {
	o.mu.Lock()
	mine := o.end(code)
	o.mu.Unlock()
	if mine {
		o.session.server.writers.add(o)
	}
}

// end is close with the lock held; true as from put.
func (o *outbox) end(code *Code) bool {
	if o.ended != nil {
		return false
	}
	o.ended = code
	o.cut = time.AfterFunc(o.session.server.opts.CloseTimeout, func() { o.session.wire.Close() })
	return o.begin()
}

// abandon ends the outbox of a session whose peer is gone.
func (o *outbox) abandon() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drop()
	if o.cut != nil {
		o.cut.Stop()
	}
	if o.ended == nil {
		o.ended = CloseConnectionClosed
	}
}

// drop forgets what is queued. o.mu is held.
func (o *outbox) drop() { o.queue, o.one[0], o.size = nil, nil, o.under }

// closing reports whether the session is being closed by the server.
func (o *outbox) closing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended != nil
}

// pen is what somebody who writes to sockets needs; it is used again.
type pen struct {
	buffer  []byte // one frame
	attempt *attempt
}

var pens = sync.Pool{New: func() any { return newPen() }}

func newPen() *pen { return &pen{buffer: make([]byte, 0, 4<<10), attempt: newAttempt()} }

// flush writes what is queued, as far as the socket takes it at once; the rest
// goes to a goroutine that waits. It does not block. The caller is the one who
// made the outbox be written.
func (o *outbox) flush(p *pen) {
	s := o.session
	for {
		large, then := o.next(p)
		switch then {
		case idle:
			s.work.Done()
			return
		case over:
			go o.write()
			return
		}
		if s.wire.raw == nil || large != nil {
			go o.write(append([]byte(nil), p.buffer...), large)
			return
		}
		n, begun, err := s.wire.try(p.attempt, p.buffer)
		switch {
		case err != nil:
			o.broken()
		case begun:
			go o.writeRest(append([]byte(nil), p.buffer[n:]...))
			return
		case n < len(p.buffer):
			go o.write(append([]byte(nil), p.buffer...))
			return
		}
	}
}

// then is what to do next.
type then byte

const (
	idle then = iota // nothing: the outbox is empty, and its writer no longer its writer
	more             // write the frame
	over             // say goodbye
)

// next puts the next frame into the pen: as many messages as are sensible. A
// message that is larger than that comes by itself, the pen holding its header.
// If there is none, nobody writes any more, unless the session is to be ended.
func (o *outbox) next(p *pen) (large []byte, then then) {
	t := o.session.encoding
	p.buffer = p.buffer[:0]
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size -= o.under
	o.under = 0
	if len(o.queue) == 0 {
		o.queue = nil
		if o.ended != nil {
			return nil, over
		}
		o.writing = false
		return nil, idle
	}
	n, frame := 1, len(o.queue[0])
	o.under = frame
	for n < len(o.queue) && frame+len(o.queue[n]) < maxFrameOut {
		frame += len(o.queue[n])
		o.under += len(o.queue[n])
		if t == protocol.TypeJSON {
			frame++ // the newline between
		}
		n++
	}
	p.buffer = appendHeader(p.buffer, t == protocol.TypeProtobuf, frame)
	if frame > maxFrameOut {
		large = o.queue[0]
	} else {
		start := len(p.buffer)
		for _, m := range o.queue[:n] {
			if len(p.buffer) > start && t == protocol.TypeJSON {
				p.buffer = append(p.buffer, '\n')
			}
			p.buffer = append(p.buffer, m...)
		}
	}
	clear(o.queue[:n])
	o.queue = o.queue[n:]
	return large, more
}

// broken ends a session whose socket takes nothing any more.
func (o *outbox) broken() {
	o.abandon()
	o.session.wire.Close() // the reader notices
}

// writeRest finishes a frame that is begun, and writes what follows it.
func (o *outbox) writeRest(rest []byte) {
	if o.session.wire.finish(rest) != nil {
		o.broken()
	}
	o.write()
}

// write writes a frame and then whatever is queued, waiting for the socket,
// until there is nothing left.
func (o *outbox) write(frame ...[]byte) {
	s := o.session
	defer s.work.Done()
	p := pens.Get().(*pen)
	defer pens.Put(p)
	for {
		if len(frame) > 0 && s.wire.send(frame...) != nil {
			o.broken()
		}
		large, then := o.next(p)
		switch then {
		case idle:
			return
		case over:
			s.hangUp(o.ended)
			return
		}
		frame = append(frame[:0], p.buffer, large)
	}
}

// hangUp says goodbye and closes the socket.
func (s *session) hangUp(code *Code) {
	reason := code.Reason
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	s.wire.leave()
	_ = s.conn.Close(websocket.StatusCode(code.Code), reason)
	s.wire.Close()
}
