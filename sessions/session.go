package sessions

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/centrifugal/protocol"
	"github.com/coder/websocket"

	"github.com/samepage/samepage/hub"
)

// session is one socket from its first byte to its last.
type session struct {
	server   *Server
	id       string
	conn     *websocket.Conn
	wire     *wire
	encoding protocol.Type
	native   bool // pings are WebSocket frames, for tools that know no others
	opened   time.Time

	out      outbox
	spoke    spoke
	work     sync.WaitGroup // everything but the reader
	identity atomic.Pointer[Identity]
	taken    chan bool // from the goroutine that takes a frame to the reader: go on?

	mu       sync.Mutex // guards the following fields
	refused  bool       // connect was answered with an error: the session is of no more use
	ended    bool       // nothing is started any more
	subs     map[hub.Channel]*subscription
	lanes    []*lane
	inFlight int
	room     sync.Cond // of mu: inFlight sank, or the session ended
	waiting  bool      // the reader is held up by commands under way
	budget   bucket
	pulse
}

// read is the session's own goroutine. It keeps its stack small: frames are
// read and handled elsewhere.
func (s *session) read() {
	defer s.finish()
	for {
		if s.wire.raw != nil {
			s.wire.wait()
			s.server.hands.give(s)
		} else if frame, ok := s.frame(); ok && frame != nil {
			s.work.Go(func() { s.take(frame) })
		} else {
			s.taken <- ok
		}
		if !<-s.taken {
			return
		}
	}
}

// handle reads a frame and does what it asks for. It returns the buffer, or
// another in its place.
func (s *session) handle(buffer []byte) []byte {
	s.wire.fill(buffer)
	frame, ok := s.frame()
	if !s.wire.keep() {
		buffer = make([]byte, handBuffer)
	}
	if frame == nil {
		s.taken <- ok
	} else {
		s.take(frame)
	}
	return buffer
}

var readBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// frame reads one frame into memory of its own; nil for a pong, which is taken
// here. It is false if there will be no other.
func (s *session) frame() (frame []byte, ok bool) {
	kind, r, err := s.conn.Reader(context.Background())
	if err != nil {
		return nil, false
	}
	b := readBuffers.Get().(*bytes.Buffer)
	defer readBuffers.Put(b)
	b.Reset()
	if _, err := b.ReadFrom(r); err != nil {
		if errors.Is(err, websocket.ErrMessageTooBig) {
			s.close(&Code{Code: uint32(websocket.StatusMessageTooBig), Reason: "message too big"})
		}
		return nil, false
	}
	s.server.received.Add(int64(b.Len()))
	if (kind == websocket.MessageText) != (s.encoding == protocol.TypeJSON) {
		s.close(CloseBadRequest)
		return nil, false
	}
	if !isPong(s.encoding, b.Bytes()) {
		return append(make([]byte, 0, b.Len()), b.Bytes()...), true
	}
	if code := s.pong(); code != nil {
		s.close(code)
		return nil, false
	}
	return nil, true
}

// push queues a reply or push for the client.
func (s *session) push(r *protocol.Reply) {
	b, err := encode(s.encoding, r)
	if err != nil {
		s.server.log.Warn("a reply cannot be encoded", "client", s.id, "err", err)
		s.close(CloseProtocol)
		return
	}
	if s.out.put(b) {
		s.out.flushed()
	}
}

// close ends the session with a code, after what is queued. It does not block.
func (s *session) close(code *Code) { s.out.close(code) }

// finish runs once the reader has ended: the socket is closed, everything
// under way is waited for, and the session leaves no trace.
func (s *session) finish() {
	s.mu.Lock()
	s.ended = true
	s.room.Broadcast()
	s.mu.Unlock()
	s.server.wheel.remove(s)
	if !s.out.closing() {
		s.out.abandon()
		s.wire.Close()
	}
	s.work.Wait()
	_ = s.conn.CloseNow()
	s.wire.Close()
	s.out.abandon()
	if id := s.identity.Load(); id != nil {
		s.server.registry.remove(s, id.ID)
	}
	for _, sub := range s.all() {
		s.end(sub)
	}
	s.server.gone(s)
}

// all are the session's subscriptions.
func (s *session) all() []*subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	subs := make([]*subscription, 0, len(s.subs))
	for _, sub := range s.subs {
		subs = append(subs, sub)
	}
	return subs
}

func (s *session) subscription(ch hub.Channel) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.subs[ch]; sub != nil && sub.subscribed {
		return sub
	}
	return nil
}

// info is what others may know of this connection on a channel.
func (s *session) info(chanInfo []byte) *hub.ClientInfo {
	id := s.identity.Load()
	return &hub.ClientInfo{Client: s.id, User: id.ID, ConnInfo: id.Info, ChanInfo: chanInfo}
}
