package sessions

import (
	"errors"
	"slices"
	"strings"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// flagReject in a subscribe request: an error rather than a subscription that has not recovered.
const flagReject = 2

// subscribe answers the command of that name. The reply is queued before
// anything that comes on the channel.
func (s *session) subscribe(id uint32, req *protocol.SubscribeRequest) *Code {
	w, code := s.want(req)
	if code != nil {
		return code
	}
	sub, code := s.reserve(w)
	if code != nil {
		return code
	}
	if s.server.blocks.token(w.tokenID, s.server.now()) { // looked at once it can be found by who looks for it
		s.end(sub)
		return ErrorPermissionDenied
	}
	res, after, code := s.open(s.server.ctx, sub)
	if code != nil {
		s.end(sub)
		return code
	}
	s.push(&protocol.Reply{Id: id, Subscribe: res})
	s.live(sub, after)
	return nil
}

// want holds a request against the rights of the session.
func (s *session) want(req *protocol.SubscribeRequest) (wanted, *Code) {
	ch, code := s.named(req.Channel)
	switch {
	case code != nil:
		return wanted{}, code
	case req.Delta != "" && req.Delta != "fossil":
		return wanted{}, CloseBadRequest
	case req.Type < 0 || req.Type > 4:
		return wanted{}, ErrorBadRequest
	case req.Type != 0:
		return wanted{}, ErrorNotAvailable
	case req.Tf != nil:
		return wanted{}, ErrorBadRequest // filters by tags are not allowed in any namespace
	}
	w := wanted{channel: ch}
	id := s.identity.Load()
	if req.Token != "" && !ch.HasEntries() {
		if _, p := s.server.access.plain(ch); p != nil {
			return w, ofProblem(p)
		}
		if code := s.ticket(&w, id, req.Token); code != nil {
			return w, code
		}
	} else if p := s.server.access.Subscribe(s.server.ctx, id, ch); p != nil {
		return w, ofProblem(p)
	}
	s.options(&w, id, req)
	return w, nil
}

// named is the channel a request names. Plain ones are ASCII unless their namespace says otherwise.
func (s *session) named(name string) (hub.Channel, *Code) {
	if name == "" {
		return "", CloseBadRequest
	}
	if len(name) > s.server.opts.MaxChannelLength {
		return "", ErrorBadRequest
	}
	ch := hub.Channel(strings.Clone(name)) // the frame's memory is not kept for it
	if ch.Valid() != nil || !ch.HasEntries() && !s.server.hub.Namespaces().Names(ch) {
		return "", ErrorBadRequest
	}
	return ch, nil
}

// ticket reads a subscription token into w.
func (s *session) ticket(w *wanted, id *Identity, token string) *Code {
	t, err := s.server.tokens.Subscription(s.server.ctx, token)
	switch {
	case errors.Is(err, ErrTokenExpired):
		return ErrorTokenExpired
	case err != nil:
		s.server.log.Info("a subscription token is not valid", "client", s.id, "channel", w.channel, "err", err)
		return ErrorPermissionDenied
	case t.Channel != w.channel || t.User != id.ID || (t.Client != "" && t.Client != s.id):
		return CloseInvalidToken
	}
	if !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(s.server.now()) {
		return ErrorExpired
	}
	w.chanInfo, w.expires, w.refreshable, w.tokenID = t.Info, t.ExpiresAt, true, t.ID
	return nil
}

// options are what the channel's namespace makes of a subscription, and what
// the request asks for and may have.
func (s *session) options(w *wanted, id *Identity, req *protocol.SubscribeRequest) {
	w.recover, w.since = req.Recover, hub.Position{Epoch: strings.Clone(req.Epoch), Offset: req.Offset}
	w.reject = req.Flag&flagReject != 0
	if w.channel.HasEntries() {
		w.positioned, w.recoverable = true, true
		return
	}
	o, _ := s.server.hub.Namespaces().Options(w.channel)
	readable := func(forClient, forSubscriber, forAnonymous bool) bool {
		return trusted(id) || (forClient || forSubscriber) && (!id.Anonymous() || forAnonymous)
	}
	history := readable(o.AllowHistoryForClient, o.AllowHistoryForSubscriber, o.AllowHistoryForAnonymous) || id.Granted(CanHistory, w.channel)
	members := readable(o.AllowPresenceForClient, o.AllowPresenceForSubscriber, o.AllowPresenceForAnonymous) || id.Granted(CanPresence, w.channel)
	w.recoverable = o.ForceRecovery || req.Recoverable && (o.AllowRecovery || history)
	w.positioned = w.recoverable || o.ForcePositioning || req.Positioned && (o.AllowPositioning || history)
	w.delta = req.Delta != "" && allowsDelta(o)
	w.cache = o.ForceRecoveryMode == "cache"
	w.presence, w.emitJoin = o.Presence, o.JoinLeave
	w.joinLeave = o.ForcePushJoinLeave || req.JoinLeave && o.JoinLeave && members
}

// unsubscribe answers the command of that name, also where there is nothing to end.
func (s *session) unsubscribe(req *protocol.UnsubscribeRequest) (*protocol.UnsubscribeResult, *Code) {
	if req.Channel == "" {
		return nil, CloseBadRequest
	}
	if sub := s.subscription(hub.Channel(req.Channel)); sub != nil {
		s.end(sub)
	}
	return &protocol.UnsubscribeResult{}, nil
}

// serverSide are the subscriptions of a connect: those the token names, and
// those the client asks for and may have. A nil error with fewer
// subscriptions than asked is as it should be.
func (s *session) serverSide(id *Identity, req *protocol.ConnectRequest) ([]wanted, *Code) {
	asked := func(ch hub.Channel) *protocol.SubscribeRequest {
		if r := req.Subs[string(ch)]; r != nil {
			return r
		}
		return &protocol.SubscribeRequest{}
	}
	var all []wanted
	add := func(ch hub.Channel) {
		if slices.ContainsFunc(all, func(w wanted) bool { return w.channel == ch }) {
			return
		}
		w := wanted{channel: ch, serverSide: true}
		r := asked(ch)
		s.options(&w, id, &protocol.SubscribeRequest{Recover: r.Recover, Epoch: r.Epoch, Offset: r.Offset, Delta: r.Delta})
		all = append(all, w)
	}
	for _, name := range id.Channels {
		ch, code := s.named(name)
		if code != nil {
			return nil, ErrorBadRequest
		}
		if ch.HasEntries() {
			if p := s.server.access.Subscribe(s.server.ctx, id, ch); p != nil {
				return nil, ofProblem(p)
			}
		} else if _, p := s.server.access.plain(ch); p != nil {
			return nil, ofProblem(p)
		}
		add(ch)
	}
	for name := range req.Subs {
		ch, code := s.named(name)
		if code != nil {
			continue
		}
		p := s.server.access.Subscribe(s.server.ctx, id, ch)
		switch {
		case p == nil:
			add(ch)
		case p.Code == hub.CodeNotFound:
			return nil, CloseBadRequest
		}
	}
	if len(all) > s.server.opts.MaxChannels {
		return nil, CloseChannelLimit
	}
	return all, nil
}
