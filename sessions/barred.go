package sessions

import (
	"context"

	"github.com/samepage/samepage/hub"
)

// Blocked says whether a caller is kept out; nil: no. Problems: unauthorized
// (the token was revoked), forbidden (the user or device is blocked),
// unavailable (who is blocked is not known yet). It may wait for that.
func (s *Server) Blocked(ctx context.Context, id *Identity) *hub.Problem {
	if id.ID == "" && id.TokenID == "" && id.Device == "" {
		return nil
	}
	if !s.blocks.wait(ctx) {
		return hub.Problemf(hub.CodeUnavailable, "who may call is not known yet; try again")
	}
	return problemOfBlock(s.blocks.names(id, s.now()))
}

func problemOfBlock(kind string) *hub.Problem {
	switch kind {
	case "":
		return nil
	case blockToken:
		return hub.Problemf(hub.CodeUnauthorized, "the token was revoked")
	}
	return hub.Problemf(hub.CodeForbidden, "the %s is blocked", kind)
}

// codeOfBlock closes for good: with another token a client may come back
// after the first, and after the second only when the block is over.
func codeOfBlock(kind string) *Code {
	switch kind {
	case "":
		return nil
	case blockToken:
		return CloseInvalidToken
	}
	return ClosePermissionDenied
}

// barred is the code to close with if the session may not be, or not yet.
func (s *session) barred(id *Identity) *Code {
	if id.ID == "" && id.TokenID == "" && id.Device == "" {
		return nil
	}
	if !s.server.blocks.wait(s.server.ctx) {
		return CloseServerError // comes back
	}
	kind := s.server.blocks.names(id, s.server.now())
	if kind != "" {
		s.server.log.Info("a blocked caller was refused", "client", s.id, "identity", id, "blocked", kind)
	}
	return codeOfBlock(kind)
}

// While is a context that ends when the caller is blocked, for what lasts
// longer than a request. stop lets go of it.
func (s *Server) While(ctx context.Context, id *Identity) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{id, cancel}
	s.blocks.mu.Lock()
	s.blocks.watches[w] = struct{}{}
	s.blocks.mu.Unlock()
	if p := problemOfBlock(s.blocks.names(id, s.now())); p != nil { // meanwhile
		cancel(p)
	}
	return ctx, func() {
		cancel(context.Canceled)
		s.blocks.mu.Lock()
		defer s.blocks.mu.Unlock()
		delete(s.blocks.watches, w)
	}
}

// watch is one caller who is here for longer.
type watch struct {
	id     *Identity
	cancel context.CancelCauseFunc
}

// sweep closes whoever a new copy keeps out. A session that connects
// meanwhile looks at the copy after it can be found here.
func (s *Server) sweep(list *blockCopy) {
	if len(list.blocked) == 0 {
		return
	}
	now := s.now()
	for _, one := range s.registry.all() {
		id := one.identity.Load()
		if id == nil {
			continue
		}
		if kind := s.blocks.names(id, now); kind != "" {
			s.log.Info("a blocked caller is closed", "client", one.id, "identity", id, "blocked", kind)
			one.expel(codeOfBlock(kind))
		} else if list.tokens {
			one.dropTokens()
		}
	}
	s.blocks.mu.Lock()
	defer s.blocks.mu.Unlock()
	for w := range s.blocks.watches {
		if p := problemOfBlock(s.blocks.names(w.id, now)); p != nil {
			w.cancel(p)
		}
	}
}

// dropTokens ends the subscriptions that stand on a token that is blocked.
func (s *session) dropTokens() {
	var drop []hub.Channel
	now := s.server.now()
	s.mu.Lock()
	for ch, sub := range s.subs {
		if s.server.blocks.token(sub.tokenID, now) {
			drop = append(drop, ch)
		}
	}
	s.mu.Unlock()
	for _, ch := range drop {
		s.later(func() { s.withdraw(ch) })
	}
}

// expel closes the session without what is queued, and does not wait long for its peer.
func (s *session) expel(code *Code) {
	o := &s.out
	o.mu.Lock()
	mine := false
	if o.ended == nil {
		o.drop()
		mine = o.end(code)
		o.cut.Reset(min(blockCut, s.server.opts.CloseTimeout))
	}
	o.mu.Unlock()
	if mine {
		s.server.writers.add(o)
	}
}
