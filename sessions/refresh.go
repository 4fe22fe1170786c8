package sessions

import (
	"errors"
	"time"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// refresh answers the command of that name: a new token for the connection.
// It may change rights and the end, not who the session belongs to. The
// channels it names are for connecting.
func (s *session) refresh(req *protocol.RefreshRequest) (*protocol.RefreshResult, *Code) {
	old := s.identity.Load()
	if req.Token == "" {
		return nil, CloseBadRequest
	}
	id, err := s.server.tokens.Identify(s.server.ctx, req.Token)
	switch {
	case errors.Is(err, ErrTokenExpired):
		return nil, CloseExpired
	case err != nil:
		s.server.log.Info("a refresh token is not valid", "client", s.id, "err", err)
		return nil, CloseInvalidToken
	case id.ID != old.ID || id.Role != old.Role || id.Context != old.Context || id.Store != old.Store:
		return nil, CloseInvalidToken
	}
	if id.Everything = old.Everything; id.Everything {
		id.ExpiresAt = time.Time{}
	}
	s.identity.Store(id)
	if code := s.barred(id); code != nil {
		return nil, code
	}
	s.mu.Lock()
	s.planEnd(id)
	s.plan()
	s.mu.Unlock()
	s.reconsider(old, id)
	res := &protocol.RefreshResult{}
	if !id.ExpiresAt.IsZero() {
		res.Expires, res.Ttl = true, ttl(id.ExpiresAt)
	}
	return res, nil
}

// subRefresh answers the command of that name: a new token for a subscription.
func (s *session) subRefresh(req *protocol.SubRefreshRequest) (*protocol.SubRefreshResult, *Code) {
	if req.Channel == "" {
		return nil, CloseBadRequest
	}
	sub := s.subscription(hub.Channel(req.Channel))
	switch {
	case sub == nil:
		return nil, ErrorPermissionDenied
	case !sub.refreshable:
		return nil, CloseBadRequest
	case req.Token == "":
		return nil, ErrorBadRequest
	}
	id := s.identity.Load()
	t, err := s.server.tokens.Subscription(s.server.ctx, req.Token)
	switch {
	case errors.Is(err, ErrTokenExpired), err == nil && !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(s.server.now()):
		return nil, CloseSubExpired
	case err != nil, t.Channel != sub.channel, t.User != id.ID, t.Client != "" && t.Client != s.id, s.server.blocks.token(t.ID, s.server.now()):
		return nil, CloseInvalidToken
	}
	s.mu.Lock()
	sub.expires, sub.tokenID = t.ExpiresAt, t.ID
	if !t.ExpiresAt.IsZero() {
		s.planExpiry(t.ExpiresAt)
	}
	s.mu.Unlock()
	res := &protocol.SubRefreshResult{}
	if !t.ExpiresAt.IsZero() {
		res.Expires, res.Ttl = true, ttl(t.ExpiresAt)
	}
	return res, nil
}

// renew gives the session a new end on behalf of a backend.
func (s *session) renew(end time.Time, info []byte) {
	old := s.identity.Load()
	if old == nil {
		return
	}
	id := *old
	id.ExpiresAt = end
	if len(info) > 0 {
		id.Info = info
	}
	s.identity.Store(&id)
	s.mu.Lock()
	s.planEnd(&id)
	s.plan()
	s.mu.Unlock()
	push := &protocol.Refresh{}
	if !end.IsZero() {
		push.Expires, push.Ttl = true, ttl(end)
	}
	s.push(&protocol.Reply{Push: &protocol.Push{Refresh: push}})
}
