package web

import "net/http"

// health is GET /healthz: the process answers.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write([]byte("ok\n"))
	return nil
}

// ready is GET /readyz: whether to send callers here, and if not, why.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) error {
	reason := ""
	if err := s.Hub.Ready(); err != nil {
		reason = err.Error()
	}
	if s.isClosing() {
		reason = "shutting down"
	}
	if reason == "" {
		return writeJSON(w, map[string]any{"ready": true})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	return writeJSON(w, map[string]any{"ready": false, "reason": reason})
}
