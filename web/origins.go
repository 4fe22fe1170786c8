package web

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/samepage/samepage/hub"
)

// origins are the patterns of other sites whose pages may call /v1. A pattern
// with a scheme is held against the whole origin, any other against its host.
type origins []string

func parseOrigins(patterns []string) (origins, error) {
	var all origins
	for _, p := range patterns {
		p = strings.ToLower(strings.TrimSuffix(p, "/"))
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return nil, fmt.Errorf("allowed origin %q: %w", p, path.ErrBadPattern)
		}
		all = append(all, p)
	}
	return all, nil
}

func (o origins) match(origin string) bool {
	origin = strings.ToLower(origin)
	scheme, host, ok := strings.Cut(origin, "://")
	if !ok || scheme == "" {
		return false
	}
	for _, p := range o {
		if p == "*" {
			return true
		}
		subject, pattern := host, p
		if s, h, ok := strings.Cut(p, "://"); ok {
			if s != scheme {
				continue
			}
			pattern = h
		}
		if ok, _ := path.Match(pattern, subject); ok {
			return true
		}
	}
	return false
}

// allow lets the page that asks read the answer, if its origin may. Nothing
// depends on cookies, so credentials are not allowed.
func (o origins) allow(w http.ResponseWriter, r *http.Request) bool {
	if len(o) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !o.match(origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	return true
}

// preflight answers a browser that asks before it calls from another site.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) error {
	if !s.origins.allow(w, r) {
		return hub.Problemf(hub.CodeForbidden, "pages of this origin may not call here")
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID, X-API-Key")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
