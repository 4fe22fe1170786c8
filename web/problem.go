package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/samepage/samepage/hub"
)

// problemBody is a problem as RFC 9457 writes it, with the members that an
// answer over the socket has beside them.
type problemBody struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Details any    `json:"details,omitempty"`
}

func writeProblem(w http.ResponseWriter, status int, p *hub.Problem) {
	title := strings.ReplaceAll(p.Code, "_", " ")
	body, err := json.Marshal(problemBody{
		Type: "urn:samepage:problem:" + p.Code, Title: strings.ToUpper(title[:1]) + title[1:], Status: status,
		Detail: p.Message, Code: p.Code, Message: p.Message, Details: p.Details,
	})
	if err != nil {
		status, body = 500, []byte(`{"type":"urn:samepage:problem:internal","title":"Internal","status":500,"code":"internal"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("Etag")
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="samepage"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	w.Write(body)
}

// problemOf is the problem that an error means to a caller. What is our fault
// is logged and not told.
func (s *Server) problemOf(r *http.Request, err error) *hub.Problem {
	if p, ok := errors.AsType[*hub.Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, errPanicked):
	case errors.Is(err, hub.ErrUnknownChannel):
		return hub.Problemf(hub.CodeNotFound, "no namespace is configured for this channel")
	case errors.Is(err, hub.ErrUnavailable), errors.Is(err, hub.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return hub.Problemf(hub.CodeUnavailable, "this cannot be answered now; try again")
	default:
		s.log.Error("a request failed", "path", r.URL.Path, "err", err)
	}
	return hub.Problemf(hub.CodeInternal, "something went wrong here; it has been noted")
}

// writeJSON answers with status 200.
func writeJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeBody(w, body)
}

func writeBody(w http.ResponseWriter, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(body)
	return nil
}
