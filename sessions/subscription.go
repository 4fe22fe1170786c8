package sessions

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/presence"
)

// subscription is one session's hold on one channel.
type subscription struct {
	wanted
	session  *session
	topic    *topic       // set once, before it joins
	audience hub.Audience // zero on plain channels
	present  bool         // in the presence store
	heeds    bool         // what it begins with says that the channel has moved or ended; see heed

	subscribed bool // guarded by the session: the reply is out and the channel live
	announced  bool // guarded by the session: others were told of the join
	unwanted   bool // guarded by the session: to be ended as soon as it is subscribed

	hangs *condition   // what the right hangs on; set before it goes live
	sure  hub.Position // guarded by the topic: as of where the right was looked at last

	group  *group // guarded by the topic; nil while joining, and after leaving
	place  int    // guarded by the topic: in the group
	primed bool   // guarded by the topic: got the last payload, so that a delta can follow
	base   []byte // the last payload of what it began with, if it takes deltas

	// begun is how far what it began with goes, guarded by the topic: a node may read that before
	// the messages up to there come in. Zero once something later has come.
	begun hub.Position
}

// wanted is what a subscription is to be, after all rights were looked at.
type wanted struct {
	channel     hub.Channel
	serverSide  bool
	positioned  bool // the client is told where in the log it is
	recoverable bool // and may go on from there
	cache       bool // recovering means getting the latest publication
	delta       bool // payloads may come as deltas
	joinLeave   bool // is told of joins and leaves
	emitJoin    bool // others are told of its own
	presence    bool // stands in the presence of the channel
	chanInfo    json.RawMessage
	data        json.RawMessage // of the application, for the client
	expires     time.Time       // zero: never
	refreshable bool            // by the client, with a new token
	tokenID     string          // jti of the subscription token; guarded by the session

	granted bool // by a backend's word: the access table was not asked
	recover bool
	since   hub.Position
	reject  bool // fail rather than subscribe without having recovered
}

// Times that the presence store and the hub are given when nobody waits for them.
const leaveTimeout = 5 * time.Second

// reserve takes the channel's place in the session, so that no other
// subscription to it begins.
func (s *session) reserve(w wanted) (*subscription, *Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs[w.channel] != nil {
		return nil, ErrorAlreadySubscribed
	}
	if limit := s.server.opts.MaxChannels; len(s.subs) >= limit {
		return nil, ErrorLimitExceeded
	}
	if s.subs == nil {
		s.subs = make(map[hub.Channel]*subscription, 1)
	}
	sub := &subscription{wanted: w, session: s}
	if w.channel.HasEntries() {
		sub.audience = s.identity.Load().Audience()
	}
	s.subs[w.channel] = sub
	return sub, nil
}

// open starts to follow the channel and reads where the client begins. From
// here on nothing is missed; what comes is kept until the subscription goes live.
func (s *session) open(ctx context.Context, sub *subscription) (*protocol.SubscribeResult, hub.Position, *Code) {
	fail := func(what string, err error) (*protocol.SubscribeResult, hub.Position, *Code) {
		s.server.log.Warn("a subscription failed", "step", what, "channel", sub.channel, "client", s.id, "err", err)
		return nil, hub.Position{}, ErrorInternal
	}
	if sub.channel.HasEntries() {
		sub.audience = s.server.access.Audience(ctx, s.identity.Load(), sub.channel)
	}
	for joined := false; !joined; {
		t, err := s.server.acquire(ctx, sub.channel)
		if err != nil {
			return fail("follow", err)
		}
		sub.topic = t
		if joined = t.join(sub); !joined { // it came to its end just now
			s.server.release(t)
			sub.topic = nil
		}
	}
	if sub.presence {
		info := s.info(sub.chanInfo)
		member := presence.Member{Client: info.Client, User: info.User, ConnInfo: info.ConnInfo, ChanInfo: info.ChanInfo}
		if _, err := s.server.members.Join(ctx, string(sub.channel), member); err != nil {
			return fail("presence", err)
		}
		sub.present = true
	}
	res := &protocol.SubscribeResult{
		Recoverable: sub.recoverable, Positioned: sub.positioned, WasRecovering: sub.recover, Data: protocol.Raw(sub.data),
		Delta: sub.delta,
	}
	if !sub.expires.IsZero() && sub.refreshable {
		res.Expires, res.Ttl = true, ttl(sub.expires)
	}
	after, code, err := s.position(ctx, sub, res)
	if err != nil {
		return fail("read", err)
	}
	id := s.identity.Load()
	if sub.hangs = conditionOf(id.Role, sub.channel); sub.granted {
		sub.hangs = nil
	}
	if sub.hangs != nil && code == nil { // the right that let it in may be over by what was read
		var p *hub.Problem
		if sub.sure, p = s.server.access.still(ctx, id, sub.channel, after); p != nil {
			code = ofProblem(p)
		}
	}
	return res, after, code
}

// live makes the subscription, whose reply is queued, get what comes.
func (s *session) live(sub *subscription, after hub.Position) {
	ok := sub.topic.live(sub, after)
	s.mu.Lock()
	mine := s.subs[sub.channel] == sub
	sub.subscribed = mine
	announce := mine && ok && sub.emitJoin && !sub.unwanted
	sub.announced = announce
	unwanted := sub.unwanted
	if !sub.expires.IsZero() {
		s.planExpiry(sub.expires)
	}
	s.mu.Unlock()
	switch {
	case !mine:
	case !ok:
		s.revoke(sub, UnsubscribeInsufficient)
	case unwanted:
		s.revoke(sub, UnsubscribeServer)
	case announce:
		s.tell(hub.MessageJoin, sub)
	}
	if mine && ok && !unwanted && sub.heeds {
		s.heed(sub)
	}
}

// end takes a subscription out of its session, if it is still there.
func (s *session) end(sub *subscription) bool {
	s.mu.Lock()
	mine := s.subs[sub.channel] == sub
	if mine {
		delete(s.subs, sub.channel)
	}
	s.mu.Unlock()
	if mine {
		s.left(sub)
	}
	return mine
}

// left is what remains to be done for a subscription that is no more.
func (s *session) left(sub *subscription) {
	if sub.topic != nil {
		sub.topic.leave(sub)
		s.server.release(sub.topic)
	}
	if sub.present {
		ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
		defer cancel()
		if _, err := s.server.members.Leave(ctx, string(sub.channel), s.id); err != nil {
			s.server.log.Warn("presence of a gone member stays until it lapses", "channel", sub.channel, "client", s.id, "err", err)
		}
	}
	if sub.announced {
		s.tell(hub.MessageLeave, sub)
	}
}

// tell sends the channel a join or a leave; at most once.
func (s *session) tell(t hub.MessageType, sub *subscription) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := s.server.hub.Send(ctx, &hub.Message{Channel: sub.channel, Type: t, Info: s.info(sub.chanInfo)}); err != nil {
		s.server.log.Debug("a join or leave was not sent", "channel", sub.channel, "err", err)
	}
}

// revoke ends a subscription and tells the client. A client that cannot
// subscribe again by itself, because the server had done it, is made to reconnect.
func (s *session) revoke(sub *subscription, code *Code) {
	if !s.end(sub) {
		return
	}
	s.revoked(sub, code)
}

func (s *session) revoked(sub *subscription, code *Code) {
	switch {
	case sub.serverSide && code == UnsubscribeInsufficient:
		s.close(CloseInsufficientState)
	case sub.serverSide && code == UnsubscribeExpired:
		s.close(CloseSubExpired)
	default:
		s.push(&protocol.Reply{Push: &protocol.Push{
			Channel: string(sub.channel), Unsubscribe: &protocol.Unsubscribe{Code: code.Code, Reason: code.Reason},
		}})
	}
}

// cutOff is revoke for the topic, which holds its lock and waits for nothing.
func (s *session) cutOff(sub *subscription, code *Code) {
	s.mu.Lock()
	if s.subs[sub.channel] != sub || s.ended {
		s.mu.Unlock()
		return
	}
	delete(s.subs, sub.channel)
	s.work.Go(func() { s.left(sub) })
	s.mu.Unlock()
	s.revoked(sub, code)
}

// ttl is how many seconds are left, begun ones included, at least 1.
func ttl(end time.Time) uint32 {
	left := math.Ceil(time.Until(end).Seconds())
	return uint32(min(max(left, 1), 1<<31))
}
