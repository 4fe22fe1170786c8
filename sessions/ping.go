package sessions

import (
	"context"
	"math/rand/v2"
	"time"
)

// pulse is when a session next has to do something by the clock. It is
// guarded by the session's mutex; zero times are never.
type pulse struct {
	ping     time.Time // send the next one
	pongBy   time.Time // the answer to the last one must be there
	expire   time.Time // the token has ended and its grace is over
	subCheck time.Time // the first subscription has ended and its grace is over
}

// beat starts the pings of a session that has connected: the first comes
// after half an interval to a whole one, so that those who come together do
// not stay together. The session's mutex is held.
func (s *session) beat(now time.Time) {
	if every := s.server.opts.PingInterval; every > 0 {
		s.pulse.ping = now.Add(every/2 + rand.N(every/2+1))
	}
	s.plan()
}

// plan asks to be woken for what comes next. The session's mutex is held.
func (s *session) plan() { s.server.wheel.set(s, s.next()) }

// next is the earliest of all times. The session's mutex is held.
func (s *session) next() time.Time {
	if s.refused || s.identity.Load() == nil {
		return s.opened.Add(s.server.opts.ConnectTimeout)
	}
	var first time.Time
	for _, t := range []time.Time{s.pulse.ping, s.pulse.pongBy, s.pulse.expire, s.pulse.subCheck} {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// wake does what is due and returns when to be woken again, zero for never.
func (s *session) wake(now time.Time) time.Time {
	due := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return time.Time{}
	}
	if s.refused || s.identity.Load() == nil {
		next := s.next()
		s.mu.Unlock()
		if due(next) {
			s.close(CloseStale)
			return time.Time{}
		}
		return next
	}
	var code *Code
	var ping bool
	if due(s.pulse.pongBy) {
		if s.waiting { // nobody reads: the pong may well be there
			s.pulse.pongBy = now.Add(s.server.opts.PongTimeout)
		} else {
			code = CloseNoPong
		}
	}
	if due(s.pulse.expire) {
		code = CloseExpired
	}
	if code == nil && due(s.pulse.ping) {
		ping = true
		s.pulse.ping = now.Add(s.server.opts.PingInterval)
		if s.server.opts.PongTimeout > 0 {
			s.pulse.pongBy = now.Add(s.server.opts.PongTimeout)
		}
	}
	subCheck := due(s.pulse.subCheck)
	next := s.next()
	s.mu.Unlock()

	if code != nil {
		s.close(code)
		return time.Time{}
	}
	if ping {
		s.ping()
	}
	if subCheck {
		s.checkSubscriptions(now)
		s.mu.Lock()
		next = s.next()
		s.mu.Unlock()
	}
	return next
}

func (s *session) ping() {
	if !s.native {
		s.out.push(pingOf(s.encoding))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulse.pongBy = time.Time{} // the library waits for it
	if !s.ended {
		s.work.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), s.server.opts.PongTimeout)
			defer cancel()
			if s.conn.Ping(ctx) != nil {
				s.close(CloseNoPong)
			}
		})
	}
}

// pong takes an answer to a ping; one that nobody asked for is a breach of the protocol.
func (s *session) pong() *Code {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pulse.pongBy.IsZero() || s.refused {
		return CloseBadRequest
	}
	s.pulse.pongBy = time.Time{}
	return nil
}
