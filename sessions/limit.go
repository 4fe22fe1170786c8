package sessions

import (
	"maps"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

// Whoever asks for too much is refused, by whichever door they come: a session
// has its own bucket, those who call over HTTP have one each for as long as
// they keep calling. Backends (role service) are trusted not to flood.

// bucket limits how fast things may be asked for. It is guarded by whoever has it.
type bucket struct {
	level float64 // what may still be asked for at once
	at    time.Time
}

// draw takes one out of the bucket, if there is one.
func (b *bucket) draw(now time.Time, rate float64, burst int) bool {
	if rate <= 0 {
		return true
	}
	if b.at.IsZero() {
		b.level = float64(burst)
	} else {
		b.level = min(float64(burst), b.level+now.Sub(b.at).Seconds()*rate)
	}
	b.at = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}

// limited reports whether the session asks for too much.
func (s *session) limited() bool {
	if id := s.identity.Load(); id.Role == hub.RoleService {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.budget.draw(time.Now(), s.server.opts.CommandRate, s.server.opts.CommandBurst)
}

// callers are the buckets of those who come without a session.
type callers struct {
	mu      sync.Mutex // guards the following fields
	buckets map[caller]*bucket
	swept   time.Time
}

type caller struct {
	role       hub.Role
	id, device string
}

// draw takes one out of a caller's bucket. Buckets that are full again are forgotten.
func (c *callers) draw(who caller, now time.Time, rate float64, burst int) bool {
	if rate <= 0 {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if filling := time.Duration(float64(burst) / rate * float64(time.Second)); now.Sub(c.swept) >= filling {
		maps.DeleteFunc(c.buckets, func(_ caller, b *bucket) bool { return now.Sub(b.at) >= filling })
		c.swept = now
	}
	b := c.buckets[who]
	if b == nil {
		b = &bucket{}
		c.buckets[who] = b
	}
	return b.draw(now, rate, burst)
}

// Limit counts a request of a caller without a session, and is the problem
// rate_limited if there were too many of them. [Server.Command] calls it itself.
func (s *Server) Limit(id *Identity) *hub.Problem {
	if id.Role == hub.RoleService || s.callers.draw(caller{id.Role, id.ID, id.Device}, s.now(), s.opts.CommandRate, s.opts.CommandBurst) {
		return nil
	}
	return hub.Problemf(hub.CodeRateLimited, "too many requests; wait and try again")
}
