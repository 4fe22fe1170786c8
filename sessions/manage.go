package sessions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// DisconnectRequest closes a user's connections, or one of them.
type DisconnectRequest struct {
	User      string   `json:"user"`
	Client    string   `json:"client,omitempty"`    // only this connection
	Session   string   `json:"session,omitempty"`   // the same
	Whitelist []string `json:"whitelist,omitempty"` // not these connections
	Code      uint32   `json:"code,omitempty"`      // Defaults to 3503, force disconnect.
	Reason    string   `json:"reason,omitempty"`
}

// UnsubscribeRequest ends subscriptions of a user's connections; without a
// Channel all of them.
type UnsubscribeRequest struct {
	User    string      `json:"user"`
	Channel hub.Channel `json:"channel"`
	Client  string      `json:"client,omitempty"`
	Session string      `json:"session,omitempty"`
}

// SubscribeRequest subscribes a user's connections to a channel, from the
// server's side. The access table is not asked.
type SubscribeRequest struct {
	User     string          `json:"user"`
	Channel  hub.Channel     `json:"channel"`
	Client   string          `json:"client,omitempty"`
	Session  string          `json:"session,omitempty"`
	Info     json.RawMessage `json:"info,omitempty"`          // shown in the channel's presence
	Data     json.RawMessage `json:"data,omitempty"`          // for the client
	ExpireAt int64           `json:"expire_at,omitempty"`     // Unix seconds; 0: never
	Since    *hub.Position   `json:"recover_since,omitempty"` // hand out what came since
	own      bool            // the session's own right was looked at, and counts on

	// In place of the namespace's options.
	Presence      *bool `json:"presence,omitempty"`
	JoinLeave     *bool `json:"join_leave,omitempty"`
	PushJoinLeave *bool `json:"force_push_join_leave,omitempty"`
	Positioning   *bool `json:"force_positioning,omitempty"`
	Recovery      *bool `json:"force_recovery,omitempty"`
}

// RefreshRequest gives a user's connections a new end, or ends them as expired.
type RefreshRequest struct {
	User     string          `json:"user"`
	Client   string          `json:"client,omitempty"`
	Session  string          `json:"session,omitempty"`
	Expired  bool            `json:"expired,omitempty"`
	ExpireAt int64           `json:"expire_at,omitempty"` // Unix seconds; 0: never
	Info     json.RawMessage `json:"info,omitempty"`
}

// order is what nodes tell each other about sessions.
type order struct {
	Disconnect  *DisconnectRequest  `json:"disconnect,omitempty"`
	Unsubscribe *UnsubscribeRequest `json:"unsubscribe,omitempty"`
	Subscribe   *SubscribeRequest   `json:"subscribe,omitempty"`
	Refresh     *RefreshRequest     `json:"refresh,omitempty"`
	Node        *Node               `json:"node,omitempty"` // no order, but how the sender is
}

// Disconnect closes connections on every node. Like its three siblings it
// returns when the order is given, not when it is carried out.
func (s *Server) Disconnect(ctx context.Context, r DisconnectRequest) error {
	return s.order(ctx, order{Disconnect: &r})
}

// Unsubscribe ends subscriptions on every node.
func (s *Server) Unsubscribe(ctx context.Context, r UnsubscribeRequest) error {
	return s.order(ctx, order{Unsubscribe: &r})
}

// Subscribe subscribes connections on every node; [hub.ErrUnknownChannel] if
// the channel cannot be subscribed to.
func (s *Server) Subscribe(ctx context.Context, r SubscribeRequest) error {
	if r.Channel.Valid() != nil {
		return hub.ErrUnknownChannel
	}
	if _, p := s.access.plain(r.Channel); p != nil && !r.Channel.HasEntries() {
		return hub.ErrUnknownChannel
	}
	return s.order(ctx, order{Subscribe: &r})
}

// Refresh gives connections on every node a new end.
func (s *Server) Refresh(ctx context.Context, r RefreshRequest) error {
	return s.order(ctx, order{Refresh: &r})
}

// controlPrefix tells the orders of sessions from what other rooms say.
const controlPrefix = "sessions "

func (s *Server) order(ctx context.Context, o order) error {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode order: %w", err)
	}
	return s.hub.SendControl(ctx, append([]byte(controlPrefix), b...))
}

// OnControl carries out the orders that any node gave. It is for
// [hub.Options]; what it does not know it leaves alone. It does not block.
func (s *Server) OnControl(data []byte) {
	if len(data) < len(controlPrefix) || string(data[:len(controlPrefix)]) != controlPrefix {
		return
	}
	var o order
	if err := json.Unmarshal(data[len(controlPrefix):], &o); err != nil {
		s.log.Warn("an order of another node is not readable", "err", err)
		return
	}
	switch {
	case o.Node != nil:
		s.hear(*o.Node)
	case o.Disconnect != nil:
		r := o.Disconnect
		code := CloseForceNoReconnect
		if r.Code != 0 {
			code = &Code{Code: r.Code, Reason: r.Reason}
		}
		for _, one := range s.registry.find(r.User, r.Client+r.Session) {
			if !slices.Contains(r.Whitelist, one.id) {
				one.close(code)
			}
		}
	case o.Unsubscribe != nil:
		r := o.Unsubscribe
		for _, one := range s.registry.find(r.User, r.Client+r.Session) {
			one.later(func() { one.withdraw(r.Channel) })
		}
	case o.Subscribe != nil:
		for _, one := range s.registry.find(o.Subscribe.User, o.Subscribe.Client+o.Subscribe.Session) {
			one.later(func() { one.assign(o.Subscribe) })
		}
	case o.Refresh != nil:
		r := o.Refresh
		for _, one := range s.registry.find(r.User, r.Client+r.Session) {
			switch end := time.Unix(r.ExpireAt, 0); {
			case r.Expired, r.ExpireAt > 0 && !end.After(s.now()):
				one.close(CloseExpired)
			case r.ExpireAt == 0:
				one.renew(time.Time{}, r.Info)
			default:
				one.renew(end, r.Info)
			}
		}
	}
}

// later runs f beside everything else, unless the session has ended.
func (s *session) later(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.work.Go(f)
	}
}

// withdraw ends a subscription, or all of them, on behalf of a backend.
func (s *session) withdraw(ch hub.Channel) {
	for _, sub := range s.all() {
		if ch != "" && sub.channel != ch {
			continue
		}
		s.mu.Lock()
		ready := sub.subscribed
		sub.unwanted = !ready
		s.mu.Unlock()
		if ready {
			s.revoke(sub, UnsubscribeServer)
		}
	}
}

// assign subscribes the session on behalf of a backend.
func (s *session) assign(r *SubscribeRequest) {
	w := wanted{channel: r.Channel, serverSide: true, chanInfo: r.Info, data: r.Data, granted: !r.own}
	s.options(&w, s.identity.Load(), &protocol.SubscribeRequest{})
	if r.Since != nil {
		w.recover, w.since = true, *r.Since
	}
	if r.ExpireAt > 0 {
		w.expires = time.Unix(r.ExpireAt, 0)
	}
	override(&w.presence, r.Presence)
	override(&w.emitJoin, r.JoinLeave)
	override(&w.joinLeave, r.PushJoinLeave)
	override(&w.recoverable, r.Recovery)
	override(&w.positioned, r.Positioning)
	w.positioned = w.positioned || w.recoverable
	sub, code := s.reserve(w)
	if code != nil {
		return // already subscribed, or too many channels
	}
	res, after, code := s.open(s.server.ctx, sub)
	if code != nil {
		s.end(sub)
		return
	}
	s.push(&protocol.Reply{Push: &protocol.Push{Channel: string(w.channel), Subscribe: &protocol.Subscribe{
		Recoverable: res.Recoverable, Positioned: res.Positioned, Epoch: res.Epoch, Offset: res.Offset, Data: res.Data,
	}}})
	for _, pub := range res.Publications {
		s.push(&protocol.Reply{Push: &protocol.Push{Channel: string(w.channel), Pub: pub}})
	}
	s.live(sub, after)
}

func override(field, by *bool) {
	if by != nil {
		*field = *by
	}
}

// Stats count what is on this node.
type Stats struct {
	Sockets       int   // open, connected or not
	Clients       int   // connected
	Users         int   // different ones behind them
	Channels      int   // followed
	Subscriptions int   // to them
	Received      int64 // bytes of frames that came in, since the start
	Delivered     int64 // pushes put into outboxes, since the start
}

// Stats count what is on this node now.
func (s *Server) Stats() Stats {
	st := Stats{Received: s.received.Load(), Delivered: s.delivered.Load()}
	s.mu.Lock()
	st.Sockets = len(s.open)
	s.mu.Unlock()
	st.Clients, st.Users = s.registry.count()
	for i := range s.topics {
		shard := &s.topics[i]
		shard.mu.Lock()
		st.Channels += len(shard.topics)
		for _, t := range shard.topics {
			st.Subscriptions += t.users
		}
		shard.mu.Unlock()
	}
	return st
}

// Channels are the channels followed on this node, with how many subscriptions each has.
func (s *Server) Channels() map[hub.Channel]int {
	all := map[hub.Channel]int{}
	for i := range s.topics {
		shard := &s.topics[i]
		shard.mu.Lock()
		for name, t := range shard.topics {
			all[name] = t.users
		}
		shard.mu.Unlock()
	}
	return all
}
