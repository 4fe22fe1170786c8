package sessions

import (
	"errors"
	"math"
	"time"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// connect answers the first command and reports whether others may follow.
// After an error the session is of no use; the client is expected to close it
// and come back with a better token.
func (s *session) connect(c *protocol.Command) bool {
	code := s.admitIdentity(c)
	switch {
	case code == nil:
		return true
	case code.Closes():
		s.close(code)
	default:
		s.mu.Lock()
		s.refused = true
		s.mu.Unlock()
		s.push(&protocol.Reply{Id: c.Id, Error: code.reply()})
	}
	return false
}

func (s *session) admitIdentity(c *protocol.Command) *Code {
	id, code := s.authenticate(c.Connect.Token)
	if code != nil {
		return code
	}
	if code := s.barred(id); code != nil {
		return code
	}
	want, code := s.serverSide(id, c.Connect)
	if code != nil {
		return code
	}
	if !s.server.registry.add(s, id.ID, s.server.opts.UserConnections) {
		return CloseConnectionLimit
	}
	s.identity.Store(id)
	if code := s.barred(id); code != nil { // meanwhile
		return code
	}

	o := s.server.opts
	res := &protocol.ConnectResult{Client: s.id, Version: o.Version}
	res.Ping = uint32(math.Ceil(o.PingInterval.Seconds()))
	res.Pong = o.PongTimeout > 0 && o.PingInterval > 0
	if !id.ExpiresAt.IsZero() {
		res.Expires, res.Ttl = true, ttl(id.ExpiresAt)
	}
	type opened struct {
		sub   *subscription
		after hub.Position
	}
	var subs []opened
	for _, w := range want {
		sub, code := s.reserve(w)
		if code != nil {
			return code
		}
		result, after, code := s.open(s.server.ctx, sub)
		if code != nil {
			s.end(sub)
			return code
		}
		if res.Subs == nil {
			res.Subs = map[string]*protocol.SubscribeResult{}
		}
		res.Subs[string(w.channel)] = result
		subs = append(subs, opened{sub, after})
	}
	s.push(&protocol.Reply{Id: c.Id, Connect: res})
	for _, o := range subs {
		s.live(o.sub, o.after)
	}
	s.mu.Lock()
	s.planEnd(s.identity.Load()) // a backend may have renewed it since the answer went out
	s.beat(time.Now())
	s.mu.Unlock()
	s.server.log.Debug("connected", "client", s.id, "identity", id, "sdk", c.Connect.Name)
	return nil
}

// authenticate makes an identity of a token, or of none where that is allowed.
func (s *session) authenticate(token string) (*Identity, *Code) {
	o := &s.server.opts
	if token == "" {
		if !o.Insecure && !o.AnonymousAllowed {
			return nil, CloseBadRequest
		}
		id := Guest()
		id.Everything = o.Insecure
		return id, nil
	}
	id, err := s.server.tokens.Identify(s.server.ctx, token)
	switch {
	case errors.Is(err, ErrTokenExpired):
		return nil, ErrorTokenExpired
	case err != nil:
		s.server.log.Info("a connection token is not valid", "client", s.id, "err", err)
		return nil, CloseInvalidToken
	}
	if o.Insecure {
		id.Everything, id.ExpiresAt = true, time.Time{}
	}
	return id, nil
}

// planEnd makes the session end when its token has, after a grace. The
// session's mutex is held.
func (s *session) planEnd(id *Identity) {
	s.pulse.expire = time.Time{}
	if !id.ExpiresAt.IsZero() {
		s.pulse.expire = id.ExpiresAt.Add(s.server.opts.ExpiryGrace)
	}
}

// planExpiry makes the session look at its subscriptions when one of them has
// ended, after a grace. The session's mutex is held.
func (s *session) planExpiry(end time.Time) {
	at := end.Add(s.server.opts.ExpiryGrace)
	if s.pulse.subCheck.IsZero() || at.Before(s.pulse.subCheck) {
		s.pulse.subCheck = at
		if s.identity.Load() != nil {
			s.plan()
		}
	}
}

// checkSubscriptions ends those that were not refreshed in time.
func (s *session) checkSubscriptions(now time.Time) {
	grace := s.server.opts.ExpiryGrace
	var expired []*subscription
	s.mu.Lock()
	s.pulse.subCheck = time.Time{}
	for _, sub := range s.subs {
		switch {
		case sub.expires.IsZero():
		case now.Before(sub.expires.Add(grace)):
			s.planExpiry(sub.expires)
		case sub.subscribed:
			expired = append(expired, sub)
		}
	}
	s.mu.Unlock()
	for _, sub := range expired {
		s.revoke(sub, UnsubscribeExpired)
	}
}
