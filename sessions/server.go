package sessions

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/centrifugal/protocol"
	"github.com/coder/websocket"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/presence"
)

// Server is who is connected and as whom: the sockets of this node. Create it
// with [NewServer]; [Server.Run] must run for sessions to be served.
type Server struct {
	hub      *hub.Hub
	members  presence.Store
	tokens   *Tokens
	access   *Access
	opts     Options
	log      *slog.Logger
	accept   websocket.AcceptOptions
	wheel    *wheel
	writers  *writers
	hands    *hands
	registry *registry
	blocks   *blocklist
	callers  callers
	nodes    nodes
	uid      string // of this process, among nodes
	started  time.Time
	topics   [topicShards]topicShard

	// ctx is what commands of sessions run under; it ends when Run returns.
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex // guards the following fields
	open    map[*session]struct{}
	closing bool          // nobody new is let in
	empty   chan struct{} // made by who waits; closed when open is empty

	received, delivered atomic.Int64
}

// NewServer makes a server. It starts nothing. Without tokens every token is refused.
func NewServer(h *hub.Hub, members presence.Store, tokens *Tokens, opts Options) *Server {
	opts = opts.withDefaults()
	if tokens == nil {
		tokens, _ = NewTokens(TokenOptions{}) // fails for keys only
	}
	s := &Server{
		hub: h, members: members, tokens: tokens, access: NewAccess(h), opts: opts, log: opts.Logger,
		wheel: newWheel(opts.tick()), writers: newWriters(), hands: newHands(), registry: newRegistry(), blocks: newBlocklist(), open: map[*session]struct{}{},
		callers: callers{buckets: map[caller]*bucket{}}, nodes: nodes{heard: map[string]heard{}, greet: make(chan struct{}, 1)},
		uid: newID(), started: time.Now(),
		accept: websocket.AcceptOptions{
			Subprotocols:   []string{"centrifuge-json", "centrifuge-protobuf"},
			OriginPatterns: opts.AllowedOrigins, InsecureSkipVerify: slices.Contains(opts.AllowedOrigins, "*"),
		},
	}
	for i := range s.topics {
		s.topics[i].topics = map[hub.Channel]*topic{}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// ServeHTTP takes one socket. It returns when the socket is a session of its own.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	closing := s.closing
	s.mu.Unlock()
	if closing {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	h := &hijacker{ResponseWriter: w}
	conn, err := websocket.Accept(h, r, &s.accept)
	if err != nil {
		s.log.Debug("a socket was not opened", "err", err)
		return
	}
	conn.SetReadLimit(int64(s.opts.MaxFrame))
	one := &session{
		server: s, id: newID(), conn: conn, wire: h.wire, encoding: protocol.TypeJSON,
		opened: time.Now(), taken: make(chan bool, 1),
	}
	one.out.session = one
	one.room.L = &one.mu
	query := r.URL.Query()
	if conn.Subprotocol() == "centrifuge-protobuf" || query.Get("format") == "protobuf" || query.Get("cf_protocol") == "protobuf" {
		one.encoding = protocol.TypeProtobuf
	}
	one.native = query.Get("cf_ws_frame_ping_pong") == "true"

	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		_ = conn.Close(websocket.StatusCode(CloseShutdown.Code), CloseShutdown.Reason)
		return
	}
	s.open[one] = struct{}{}
	s.mu.Unlock()
	s.wheel.set(one, one.opened.Add(s.opts.ConnectTimeout))
	if s.opts.OnOpen != nil {
		s.opts.OnOpen()
	}
	go one.read() // not here: the request, its buffers and this stack are let go
}

// gone forgets a session that has finished.
func (s *Server) gone(one *session) {
	s.mu.Lock()
	delete(s.open, one)
	if len(s.open) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
	s.mu.Unlock()
	if s.opts.OnClose != nil {
		s.opts.OnClose(one.out.ended.Code)
	}
}

// Run serves pings and expiry, keeps out who is blocked and keeps up with other nodes until ctx ends,
// closes every session with 3001, and returns after all of them are gone.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	turning, stop := context.WithCancel(context.Background())
	work.Go(func() { s.wheel.run(turning, (*session).wake) })
	work.Go(func() { s.writers.run(turning) })
	work.Go(func() { s.runBlocks(turning) })
	work.Go(func() { s.runNodes(turning) })
	<-ctx.Done()
	<-s.shut()
	s.cancel()
	stop()
	s.hands.rest()
	work.Wait()
	return nil
}

// Drain lets nobody new in, closes every session with 3001, spread evenly
// over window so that devices do not come back all at once, and waits until
// they are gone or ctx ends.
func (s *Server) Drain(ctx context.Context, window time.Duration) error {
	s.mu.Lock()
	s.closing = true
	all := make([]*session, 0, len(s.open))
	for one := range s.open {
		all = append(all, one)
	}
	s.mu.Unlock()
	start := time.Now()
	for i, one := range all {
		wait := time.Until(start.Add(window * time.Duration(i) / time.Duration(len(all))))
		if wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		one.close(CloseShutdown)
	}
	select {
	case <-s.shut():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shut closes whoever is still there and returns what is closed when nobody is.
func (s *Server) shut() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for one := range s.open {
		one.close(CloseShutdown)
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	if len(s.open) == 0 {
		close(s.empty)
		s.empty = nil
	}
	return empty
}

// Access is the table of who may do what, for other doors.
func (s *Server) Access() *Access { return s.access }

func (s *Server) now() time.Time { return time.Now() }

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
