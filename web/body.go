package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/samepage/samepage/hub"
)

// readBody reads at most limit bytes, within Options.BodyTimeout. Its error is a problem.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(s.BodyTimeout)) // what cannot set one has no connection to hold
	body, err := readAll(w, r, limit)
	if err != nil {
		w.Header().Set("Connection", "close") // the rest is not waited for: the deadline stays
		return nil, s.bodyProblem(err, limit)
	}
	rc.SetReadDeadline(time.Time{}) // the connection lives on, and is watched for its end
	return body, nil
}

func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	body := make([]byte, 0, max(r.ContentLength+1, 512))
	in := http.MaxBytesReader(w, r.Body, limit)
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *Server) bodyProblem(err error, limit int64) *hub.Problem {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return hub.Problemf(hub.CodeBadRequest, "the body did not arrive within %s", s.BodyTimeout)
	}
	return hub.Problemf(hub.CodeBadRequest, "the body did not arrive whole")
}

func tooLarge(limit int64) *hub.Problem {
	return hub.Problemf(hub.CodeTooLarge, "the body has more than %d bytes", limit).With(map[string]any{"limit": limit})
}
