package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/flow"
	"github.com/samepage/samepage/hub/view"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/sessions"
	"github.com/samepage/samepage/web"
)

// house is a hub with everything around it.
type house struct {
	config *Config
	log    *slog.Logger

	engine   hub.Engine
	shares   *shares // between nodes; nil where there is one only
	hub      *hub.Hub
	members  presence.Store
	timers   *flow.Timers
	tokens   *sessions.Tokens
	sessions *sessions.Server
	door     *web.Server
	listener net.Listener

	runMembers   func(ctx context.Context) error // where presence needs it
	closeMembers func() error
}

// build opens the store, wires the rooms and listens. Nothing runs yet; what
// was opened is closed again if it fails. demo is what is served under /demo/,
// nil for nothing.
func build(c *Config, log *slog.Logger, demo http.Handler) (_ *house, err error) {
	h := &house{config: c, log: log}
	models, err := c.models()
	if err != nil {
		return nil, err
	}
	h.tokens, err = sessions.NewTokens(c.tokenOptions())
	if err != nil {
		return nil, fmt.Errorf("client.token: %w", err)
	}
	if err := h.open(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	metrics := web.NewMetrics(nil)
	backends, err := newHooks(c.Hooks)
	if err != nil {
		return nil, err
	}
	opts := hub.Options{
		Logger: log, Namespaces: c.Channel, OnCommand: metrics.Command,
		Ask: backends.ask, CommitTimeout: 5*time.Second + 2*backends.patience(),
		OnControl: func(data []byte) { h.sessions.OnControl(data) },
	}
	if h.shares != nil {
		opts.Shared, opts.CheckInterval, opts.Linger = true, time.Duration(c.Redis.Check), time.Duration(c.Redis.Linger)
	}
	h.hub = hub.New(h.engine, opts, models...)
	h.timers = flow.NewTimers(h.engine, h.hub.Do, flow.Options{Logger: log})
	h.sessions = sessions.NewServer(h.hub, h.members, h.tokens, c.sessionOptions(log))
	h.door, err = web.New(web.Options{
		Hub: h.hub, Sessions: h.sessions, Access: sessions.NewAccess(h.hub), Tokens: h.tokens, Members: h.members,
		APIKey: string(c.HTTPAPI.Key), APIInsecure: c.HTTPAPI.Insecure, AllowedOrigins: c.Client.AllowedOrigins,
		Logger: log, Metrics: metrics, Demo: demo, Description: describeHouse(models),
	})
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(c.HTTPServer.Address, strconv.Itoa(int(c.HTTPServer.Port)))
	if h.listener, err = net.Listen("tcp", address); err != nil {
		return nil, fmt.Errorf("http_server: %w", err)
	}
	return h, nil
}

// open opens the store.
func (h *house) open() error {
	if h.config.Engine == engineBolt {
		e, err := bolt.Open(h.config.Data, h.config.boltOptions())
		if err != nil {
			return err
		}
		h.engine, h.members = e, presence.NewMemory()
		return nil
	}
	return h.openRedis()
}

// close closes what open opened.
func (h *house) close() error {
	err := h.engine.Close()
	if h.closeMembers != nil {
		err = errors.Join(err, h.closeMembers())
	}
	return err
}

// once runs what is to be done once, however many nodes there are.
func (h *house) once(ctx context.Context, role string, work job, also ...hub.Channel) error {
	if h.shares == nil {
		return work(ctx, h.engine, false)
	}
	return h.shares.run(ctx, role, work, also...)
}

// views is the job that keeps boards, queues and desks.
func (h *house) views(ctx context.Context, engine hub.Engine, anew bool) error {
	views := view.New(engine, view.Options{Logger: h.log})
	for anew {
		err := views.Rebuild(ctx)
		switch {
		case err == nil:
			anew = false
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, hub.ErrClosed):
			return err
		default:
			h.log.Warn("views cannot be derived anew yet", "err", err)
			sleep(ctx, time.Second)
		}
	}
	return views.Run(ctx)
}

// prices is the job that tells carts of new prices. It derives everything
// anew whenever it begins.
func (h *house) prices(ctx context.Context, engine hub.Engine, _ bool) error {
	return flow.NewPrices(engine, h.hub.Do, flow.PricesOptions{Logger: h.log}).Run(ctx)
}

// erasures is the job that ends the past of erased customers, behind the views.
func (h *house) erasures(ctx context.Context, engine hub.Engine, _ bool) error {
	return flow.NewErasures(engine, flow.ErasuresOptions{Logger: h.log, Behind: []string{"view"}}).Run(ctx)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// url is where the house can be reached, once it is built.
func (h *house) url() string { return "http://" + h.listener.Addr().String() }

// awake waits until the hub is ready, two seconds at most: one whose store
// takes no writes still serves reads.
func (h *house) awake(ctx context.Context) {
	for deadline := time.Now().Add(2 * time.Second); h.hub.Ready() != nil && ctx.Err() == nil && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
}

// run lets everything run until ctx ends or a part fails, and then closes it
// in reverse: devices are told to go, over the drain window; requests end;
// views and timers stop; the store is closed. ready is called once requests
// are answered, besides them; ctx of its own ends with the house.
func (h *house) run(ctx context.Context, ready func(ctx context.Context) error) (err error) {
	defer func() { err = errors.Join(err, h.close()) }()
	rooms, failed := newGroup(h.log)
	defer rooms.stop()
	tuneMemory()
	rooms.start("memory", tidy)
	rooms.start("hub", h.hub.Run)
	rooms.start("timers", h.timers.Run)
	rooms.start("views", func(ctx context.Context) error { return h.once(ctx, "views", h.views) })
	rooms.start("prices", func(ctx context.Context) error { return h.once(ctx, "prices", h.prices, commerce.DefaultCatalog) })
	rooms.start("erasures", func(ctx context.Context) error { return h.once(ctx, "erasures", h.erasures) })
	if h.shares != nil {
		rooms.start("shares", h.shares.Run)
	}
	if h.runMembers != nil {
		rooms.start("presence", h.runMembers)
	}
	rooms.start("sessions", h.sessions.Run)
	rooms.start("tokens", h.tokens.Run)

	requests, endRequests := context.WithCancel(context.Background())
	defer endRequests()
	server := &http.Server{
		Handler: h.door, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	rooms.start("http", func(context.Context) error {
		if err := server.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	visitors, done := newGroup(h.log)
	defer visitors.stop()
	visitors.start("start", ready)

	select {
	case <-ctx.Done():
		h.log.Info("stopping")
	case err = <-failed:
	case err = <-done:
	}
	visitors.stop()
	if e := h.leave(server, endRequests); e != nil {
		h.log.Warn("not everybody left in time", "err", e)
	}
	return err
}

// leave sees everybody out.
func (h *house) leave(server *http.Server, endRequests context.CancelFunc) error {
	window, timeout := time.Duration(h.config.Shutdown.Drain), time.Duration(h.config.Shutdown.Timeout)
	ctx, cancel := context.WithTimeout(context.Background(), window+timeout)
	defer cancel()
	streams := make(chan error, 1)
	go func() { streams <- h.door.Shutdown(ctx) }()
	err := errors.Join(h.sessions.Drain(ctx, window), <-streams)
	if e := server.Shutdown(ctx); e != nil {
		endRequests()
		err = errors.Join(err, e, server.Close())
	}
	return err
}
