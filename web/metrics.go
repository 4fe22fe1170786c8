package web

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// Metrics are what /metrics shows. Labels are words of the program (methods,
// codes, routes), never of its callers. It may be used concurrently.
type Metrics struct {
	registry *prometheus.Registry
	handler  http.Handler

	commands *prometheus.CounterVec
	took     *prometheus.HistogramVec
	requests *prometheus.HistogramVec
	seen     sync.Map // requestKey -> prometheus.Observer, of requests
	api      *prometheus.CounterVec
	sent     *prometheus.CounterVec
	streams  prometheus.Gauge
}

type requestKey struct {
	route, method string
	status        int
}

var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}

// NewMetrics registers the program's metrics with a registry, or with one of
// its own for nil.
func NewMetrics(registry *prometheus.Registry) *Metrics {
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	m := &Metrics{
		registry: registry,
		handler:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samepage_commands_total", Help: "Commands by method and by the code of their answer (ok if accepted).",
		}, []string{"method", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "samepage_command_duration_seconds", Help: "From a command's arrival at the hub to its answer.", Buckets: buckets,
		}, []string{"method"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "samepage_http_request_duration_seconds", Help: "HTTP requests by route and status; streams last as long as they are open.", Buckets: buckets,
		}, []string{"route", "method", "status"}),
		api: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samepage_api_calls_total", Help: "Calls of the server API by method and error code (0 if accepted), each command of a batch by itself.",
		}, []string{"method", "code"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samepage_messages_sent_total", Help: "Messages written to devices.",
		}, []string{"transport"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "samepage_streams", Help: "Open event streams over HTTP.",
		}),
	}
	registry.MustRegister(m.commands, m.took, m.requests, m.api, m.sent, m.streams,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Command notes a command's end. It fits hub.Options.OnCommand.
func (m *Metrics) Command(method, code string, took time.Duration) {
	if method == "" {
		method = "unknown"
	}
	if code == "" {
		code = "ok"
	}
	m.commands.WithLabelValues(method, code).Inc()
	m.took.WithLabelValues(method).Observe(took.Seconds())
}

// MessagesSent notes messages written to sockets.
func (m *Metrics) MessagesSent(n int) { m.sent.WithLabelValues("websocket").Add(float64(n)) }

func (m *Metrics) request(route, method string, status int, took time.Duration) {
	// The words are few and looking them up costs more than counting.
	key := requestKey{route, method, status}
	o, ok := m.seen.Load(key)
	if !ok {
		o, _ = m.seen.LoadOrStore(key, m.requests.WithLabelValues(route, method, strconv.Itoa(status)))
	}
	o.(prometheus.Observer).Observe(took.Seconds())
}

func (m *Metrics) apiCall(method string, code uint32) {
	m.api.WithLabelValues(method, strconv.FormatUint(uint64(code), 10)).Inc()
}

func (m *Metrics) serve(w http.ResponseWriter, r *http.Request) error {
	m.handler.ServeHTTP(w, r)
	return nil
}

// watch adds what is asked for at each scrape.
func (m *Metrics) watch(server *sessions.Server, h *hub.Hub) {
	m.registry.MustRegister(&census{server: server, hub: h})
}

// census counts what is on this node when it is asked.
type census struct {
	server *sessions.Server
	hub    *hub.Hub
}

var (
	sessionsDesc      = prometheus.NewDesc("samepage_sessions", "Connected sessions.", nil, nil)
	usersDesc         = prometheus.NewDesc("samepage_users", "Different users behind them.", nil, nil)
	channelsDesc      = prometheus.NewDesc("samepage_channels", "Channels with a subscriber.", nil, nil)
	subscriptionsDesc = prometheus.NewDesc("samepage_subscriptions", "Subscriptions of sessions.", nil, nil)
	readyDesc         = prometheus.NewDesc("samepage_ready", "1 if the hub is ready (see /readyz).", nil, nil)
)

// Describe implements [prometheus.Collector].
func (c *census) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// Collect implements [prometheus.Collector].
func (c *census) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, v int) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(v))
	}
	stats := c.server.Stats()
	gauge(sessionsDesc, stats.Clients)
	gauge(usersDesc, stats.Users)
	gauge(channelsDesc, stats.Channels)
	gauge(subscriptionsDesc, stats.Subscriptions)
	ready := 0
	if c.hub.Ready() == nil {
		ready = 1
	}
	gauge(readyDesc, ready)
}
