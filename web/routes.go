package web

import (
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// handler answers a request or returns why not: a [hub.Problem], or an error
// that becomes one. Path parameters are in r.PathValue.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one row of the table of contents.
type route struct {
	method  string
	path    string // Echo's pattern; also the label in metrics
	handler handler
}

// table is every route but the pages, the socket and the demo.
func (s *Server) table() []route {
	table := []route{
		{"POST", "/v1/commands/:method", s.identified(s.command)},
		{"POST", "/v1/commands", s.identified(s.commandBatch)},
		{"GET", "/v1/channels/:channel", s.identified(s.snapshot)},
		{"GET", "/v1/channels/:channel/events", s.identified(s.events)},
		{"OPTIONS", "/v1/commands/:method", s.preflight},
		{"OPTIONS", "/v1/commands", s.preflight},
		{"OPTIONS", "/v1/channels/:channel", s.preflight},
		{"OPTIONS", "/v1/channels/:channel/events", s.preflight},

		{"POST", "/api/:method", s.withKey(s.apiCall)},
		{"POST", "/api", s.withKey(s.apiCommands)},

		{"GET", "/healthz", s.health},
		{"HEAD", "/healthz", s.health},
		{"GET", "/readyz", s.ready},
		{"HEAD", "/readyz", s.ready},
		{"GET", "/metrics", s.Metrics.serve},
	}
	if s.Description != nil {
		for _, path := range []string{"/v1/openapi.json", "/v1/asyncapi.json", "/docs", "/docs/*"} {
			table = append(table, route{"GET", path, s.described}, route{"HEAD", path, s.described})
		}
	}
	return table
}

func (s *Server) described(w http.ResponseWriter, r *http.Request) error {
	s.Description.ServeHTTP(w, r)
	return nil
}

// Route is a way in, for the API's description.
type Route struct{ Method, Path string }

// Routes are all that are answered, but for the pages.
func (s *Server) Routes() []Route {
	all := []Route{{"GET", SocketPath}}
	for _, rt := range s.table() {
		all = append(all, Route{rt.method, rt.path})
	}
	return all
}

func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = func(err error, c echo.Context) { // what no route takes
		s.fail(c.Response(), c.Request(), err)
		s.Metrics.request("none", "any", c.Response().Status, 0)
	}
	for _, rt := range s.table() {
		e.Add(rt.method, rt.path, s.adapt(rt))
	}
	for _, path := range s.pages.patterns() {
		for _, method := range []string{"GET", "HEAD"} {
			e.Add(method, path, s.adapt(route{method, "pages", s.pages.serve}))
		}
	}
	return e
}

// identified is a handler that needs to know who calls.
func (s *Server) identified(h func(w http.ResponseWriter, r *http.Request, id *sessions.Identity) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s.origins.allow(w, r)
		id, err := s.identify(r)
		if err != nil {
			return err
		}
		return h(w, r, id)
	}
}

// adapt makes a handler one of Echo's: it hands over path parameters, turns
// errors and panics into answers, and measures.
func (s *Server) adapt(rt route) echo.HandlerFunc {
	return func(c echo.Context) error {
		w, r := c.Response(), c.Request()
		start := time.Now()
		defer func() { s.Metrics.request(rt.path, rt.method, w.Status, time.Since(start)) }()
		for i, name := range c.ParamNames() {
			value := c.ParamValues()[i]
			if r.URL.RawPath != "" { // Echo then routes by the escaped path
				plain, err := url.PathUnescape(value)
				if err != nil {
					s.fail(w, r, hub.Problemf(hub.CodeBadRequest, "the path is not readable"))
					return nil
				}
				value = plain
			}
			r.SetPathValue(name, value)
		}
		if err := s.guard(rt.handler, w, r); err != nil {
			s.fail(w, r, err)
		}
		return nil
	}
}

// guard runs a handler and makes a panic its error.
func (s *Server) guard(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			s.log.Error("a request panicked", "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return h(w, r)
}

var errPanicked = errors.New("web: a handler panicked") // logged where it happened

// fail answers with what went wrong, unless an answer is already under way:
// then the connection is cut, so that half an answer is not taken for a whole one.
func (s *Server) fail(w *echo.Response, r *http.Request, err error) {
	if w.Committed {
		s.log.Warn("an answer was cut short", "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	}
	status, p := 0, (*hub.Problem)(nil)
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		status, p = he.Code, routeProblem(he.Code, r)
	} else {
		p = s.problemOf(r, err)
		status = p.Status()
	}
	writeProblem(w, status, p)
}

func routeProblem(status int, r *http.Request) *hub.Problem {
	switch status {
	case http.StatusMethodNotAllowed:
		return hub.Problemf(hub.CodeBadRequest, "%s does not take %s", r.URL.Path, r.Method)
	case http.StatusNotFound:
		return hub.Problemf(hub.CodeNotFound, "there is nothing at %s", r.URL.Path)
	}
	return hub.Problemf(hub.CodeBadRequest, "%s", strings.ToLower(http.StatusText(status)))
}
