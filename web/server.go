package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/sessions"
)

// Bounds of what a caller may send.
const (
	MaxCommandBody   = 64 << 10 // bytes of one command
	MaxBatchBody     = 1 << 20  // bytes of a batch, and of a server API call
	MaxBatchCommands = 100      // commands in a batch of /v1/commands
	MaxAPICommands   = 1000     // commands in a batch of /api
)

// SocketPath is where the client protocol is spoken.
const SocketPath = "/connection/websocket"

// Options say what the front door opens on. Hub, Sessions, Access, Tokens and
// Members are required.
type Options struct {
	Hub      *hub.Hub
	Sessions *sessions.Server
	Access   *sessions.Access
	Tokens   *sessions.Tokens
	Members  presence.Store

	APIKey         string   // key of the server API, and of role service on /v1; "": neither is open
	APIInsecure    bool     // the server API needs no key
	AllowedOrigins []string // other origins whose pages may call /v1: "https://shop.example", "https://*.example", "*"

	Logger  *slog.Logger // Defaults to discarding.
	Metrics *Metrics     // Defaults to one that nobody sees but /metrics.
	Demo    http.Handler // mounted under /demo/, if set
	// Description answers /v1/openapi.json, /v1/asyncapi.json and what is below /docs/, if set.
	Description http.Handler

	// Heartbeat is how often a stream without events shows that it lives, and its rights are
	// looked at again. Defaults to 15 s.
	Heartbeat time.Duration
	// StreamBuffer is how many events a stream may be behind before it is cut off. Defaults to 256.
	StreamBuffer int
	// WriteTimeout is how long one write to a stream may take. Defaults to 10 s.
	WriteTimeout time.Duration
	// BodyTimeout is how long a body may take to arrive. Defaults to 10 s.
	BodyTimeout time.Duration
	// AnswerTimeout is how long a request may take until its answer is read, streams and sockets
	// excepted. Defaults to 30 s.
	AnswerTimeout time.Duration
}

// Server is the front door, an [http.Handler]. Create it with [New].
type Server struct {
	Options
	log     *slog.Logger
	keyHash [32]byte

	echo    *echo.Echo
	socket  http.Handler
	pages   *pages
	origins origins

	closing   chan struct{}
	closeOnce sync.Once
	streamsMu sync.Mutex // guards streams against Shutdown
	streams   sync.WaitGroup
}

// New makes the front door. It starts nothing.
func New(opts Options) (*Server, error) {
	if opts.Hub == nil || opts.Sessions == nil || opts.Access == nil || opts.Tokens == nil || opts.Members == nil {
		return nil, errors.New("web: hub, sessions, access, tokens and members are required")
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Metrics == nil {
		opts.Metrics = NewMetrics(nil)
	}
	if opts.Heartbeat <= 0 {
		opts.Heartbeat = 15 * time.Second
	}
	if opts.StreamBuffer <= 0 {
		opts.StreamBuffer = 256
	}
	if opts.WriteTimeout <= 0 {
		opts.WriteTimeout = 10 * time.Second
	}
	if opts.BodyTimeout <= 0 {
		opts.BodyTimeout = 10 * time.Second
	}
	if opts.AnswerTimeout <= 0 {
		opts.AnswerTimeout = 30 * time.Second
	}
	origins, err := parseOrigins(opts.AllowedOrigins)
	if err != nil {
		return nil, err
	}
	pages, err := newPages(files)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Options: opts, log: opts.Logger, keyHash: keyHash(opts.APIKey),
		socket: opts.Sessions, pages: pages, origins: origins, closing: make(chan struct{}),
	}
	s.Metrics.watch(opts.Sessions, opts.Hub)
	s.echo = s.routes()
	return s, nil
}

// ServeHTTP implements [http.Handler]. The socket gets the response and the
// request as they came, so that it can take over the connection and let go of both.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == SocketPath {
		s.socket.ServeHTTP(w, r)
		return
	}
	// Each request anew, because the connection may carry the deadline of the one before. What
	// cannot set one has no connection to hold.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.AnswerTimeout))
	switch {
	case s.Demo != nil && strings.HasPrefix(r.URL.Path, "/demo/"):
		s.Demo.ServeHTTP(w, r)
	default:
		s.echo.ServeHTTP(w, r)
	}
}

// Shutdown ends all streams, refuses new ones, makes [Server.ServeHTTP] answer
// /readyz with 503, and waits until the streams are gone or ctx ends. Sockets
// are drained by their own server.
func (s *Server) Shutdown(ctx context.Context) error {
	s.streamsMu.Lock()
	s.closeOnce.Do(func() { close(s.closing) })
	s.streamsMu.Unlock()
	done := make(chan struct{})
	go func() {
		s.streams.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// streamStarts counts a stream in; false: the server is shutting down.
func (s *Server) streamStarts() bool {
	s.streamsMu.Lock()
	defer s.streamsMu.Unlock()
	if s.isClosing() {
		return false
	}
	s.streams.Add(1)
	return true
}

func (s *Server) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}
