package sessions

import (
	"time"

	"github.com/samepage/samepage/hub"
)

// Some events change who may follow a channel at all: it became an alias of
// another one, or its customer was erased. The event itself is delivered; then
// each subscription is looked at again. See rights.go for rights that end.
//
//	alias, moved   unsubscribe 2001 (clients do not come back to it), and a subscribe push
//	               of the channel that it stands for, with its snapshot; the socket stays
//	erased         the customer's sockets close with 3503; others get unsubscribe 2000

// heedsMessage reports whether a message is such an event.
func heedsMessage(m *hub.Message) bool {
	if m.Type != hub.MessageEvent || m.Event == nil {
		return false
	}
	for i := range m.Event.Changes {
		switch m.Event.Changes[i].Key {
		case hub.AliasKey, hub.ErasedKey:
			return true
		}
	}
	return false
}

// heedsEntries reports whether what a subscription begins with is such a state.
func heedsEntries(entries map[string]hub.Entry) bool {
	_, alias := entries[hub.AliasKey]
	_, erased := entries[hub.ErasedKey]
	return alias || erased
}

// heed has all subscriptions looked at again, beside everything else. t.mu is held.
func (t *topic) heed() {
	for _, g := range t.groups {
		for _, sub := range g.subs {
			sub.session.later(func() { sub.session.heed(sub) })
		}
	}
	for _, j := range t.joining {
		j.heeds = true
	}
}

// heed holds a subscription against the channel as it stands now.
func (s *session) heed(sub *subscription) {
	ctx, id := s.server.ctx, s.identity.Load()
	snapshot, err := s.server.hub.Snapshot(ctx, sub.channel) // what is decided on may be a moment behind the event
	if err != nil {
		s.server.log.Warn("a subscription could not be looked at again", "channel", sub.channel, "client", s.id, "err", err)
		s.revoke(sub, UnsubscribeInsufficient) // the client asks for itself
		return
	}
	state := hub.State{Position: snapshot.Position, Entries: snapshot.Entries}
	if into, moved := state.Moved(); moved {
		s.follow(sub, into)
		return
	}
	if _, erased := state.Entries[hub.ErasedKey]; erased {
		if id.Role == hub.RoleCustomer {
			s.idle(time.Second) // it may be the one that asked for it: the answer comes first
			s.close(CloseForceNoReconnect)
			return
		}
		s.revoke(sub, UnsubscribeServer)
		return
	}
}

// idle waits until nothing is under way, most at most.
func (s *session) idle(most time.Duration) {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		s.mu.Lock()
		done := s.inFlight == 0 || s.ended
		s.mu.Unlock()
		if done {
			return
		}
	}
}

// follow goes with a channel to the one that it is an alias of.
func (s *session) follow(sub *subscription, into hub.Channel) {
	ctx := s.server.ctx
	if !s.end(sub) {
		return // somebody else ended it
	}
	s.revoked(&subscription{wanted: wanted{channel: sub.channel}, session: s}, UnsubscribeMoved)
	if s.server.access.Subscribe(ctx, s.identity.Load(), into) == nil {
		s.assign(&SubscribeRequest{Channel: into, own: true})
	}
}
