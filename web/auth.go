package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// identify says who calls: by a token, or as a service by the API key. Its
// error is the problem unauthorized, which does not tell strangers more than it
// must; or forbidden, for those who are known and blocked. The API key is not a
// token: it is taken back in the configuration.
func (s *Server) identify(r *http.Request) (*sessions.Identity, error) {
	if key := apiKey(r); key != "" {
		if !s.isKey(key) {
			return nil, unauthorized("the API key is not known")
		}
		return &sessions.Identity{
			Caller:     hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "api", Via: "api"}},
			Everything: true,
		}, nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, unauthorized("a token is needed: Authorization: Bearer …")
	}
	id, err := s.Tokens.Identify(r.Context(), strings.TrimSpace(token))
	switch {
	case errors.Is(err, sessions.ErrTokenExpired):
		return nil, unauthorized("the token has expired")
	case errors.Is(err, sessions.ErrTokenInvalid):
		s.log.Debug("a token was refused", "err", err)
		return nil, unauthorized("the token is not valid")
	case err != nil:
		return nil, err
	}
	if p := s.Sessions.Blocked(r.Context(), id); p != nil {
		return nil, p
	}
	return id, nil
}

func unauthorized(message string) *hub.Problem {
	return hub.Problemf(hub.CodeUnauthorized, "%s", message)
}

// apiKey is the key a request carries, in either of the two headers that
// Centrifugo's HTTP clients send it in.
func apiKey(r *http.Request) string {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return key
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "apikey") {
		return strings.TrimSpace(key)
	}
	return ""
}

// isKey compares in a time that tells nothing about the key, nor of its length.
func (s *Server) isKey(key string) bool {
	given := keyHash(key)
	return s.APIKey != "" && subtle.ConstantTimeCompare(given[:], s.keyHash[:]) == 1
}

func keyHash(key string) [32]byte { return sha256.Sum256([]byte(key)) }
