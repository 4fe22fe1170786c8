package sessions

import (
	"bytes"
	"context"
	"reflect"
	"slices"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// Some rights hang on what a context holds: an agent's on its conversations,
// a till's on the customer being there. The event that may have ended such a
// right is delivered, and behind it the subscription is held until the right
// was looked at again, beside everything else:
//
//	event touches what the right hangs on ── held: what comes is kept
//	    right stands       what was kept goes out; live again
//	    right is over      unsubscribe 2000; what was kept is dropped
//	    cannot be told     unsubscribe 2500: the client asks again
//
// The same goes for the beginning: what a subscription, a stream or an answer
// begins with was read while the right stood.

// condition is what a right hangs on: entries of a kind, and of patches of
// these only those that name a member.
type condition struct {
	entry   string
	members [][]byte // in quotes; nil: any change
}

var (
	onConversations = &condition{"conversation", [][]byte{[]byte(`"queue"`), []byte(`"owner"`), []byte(`"offer"`)}}
	onCheckIn       = &condition{commerce.CheckInKey, nil}
)

// conditions are those of the rules in [reads] that look at a context. A role
// that is not listed keeps its right as long as its token.
var conditions = map[hub.Role]*condition{
	hub.RoleAgent: onConversations, hub.RoleSupervisor: onConversations, hub.RoleBot: onConversations,
	hub.RolePOS: onCheckIn,
}

// conditionOf is what the right to follow a channel hangs on, nil if on nothing.
func conditionOf(role hub.Role, ch hub.Channel) *condition {
	if ch.Kind() != hub.KindContext {
		return nil
	}
	return conditions[role]
}

// touched reports whether a message may have ended the right.
func (c *condition) touched(m *hub.Message) bool {
	if c == nil || m.Type != hub.MessageEvent || m.Event == nil {
		return false
	}
	for i := range m.Event.Changes {
		change := &m.Event.Changes[i]
		switch {
		case change.Key == hub.AliasKey:
			return true // what counts is elsewhere now
		case hub.EntryKind(change.Key) != c.entry:
		case change.Patch == nil, c.members == nil:
			return true
		case slices.ContainsFunc(c.members, func(member []byte) bool { return bytes.Contains(change.Patch, member) }):
			return true
		}
	}
	return false
}

// Doubts reports whether, behind a message, a caller's right to follow its
// channel is to be looked at again, by [Access.Still].
func (a *Access) Doubts(id *Identity, m *hub.Message) bool {
	return conditionOf(id.Role, m.Channel).touched(m)
}

// Still says whether a caller may follow a channel as it stood at a position
// or later; nil: yes. Problems as of [Access.Subscribe]. Where the right hangs
// on nothing in the channel it is not looked at again.
func (a *Access) Still(ctx context.Context, id *Identity, ch hub.Channel, at hub.Position) *hub.Problem {
	if conditionOf(id.Role, ch) == nil {
		return nil
	}
	_, p := a.still(ctx, id, ch, at)
	return p
}

// still also tells as of which position the right was looked at.
func (a *Access) still(ctx context.Context, id *Identity, ch hub.Channel, at hub.Position) (hub.Position, *hub.Problem) {
	state, err := a.hub.State(ctx, ch, at) // from here on the rules find nothing older
	if err != nil {
		return at, hub.Problemf(hub.CodeUnavailable, "%s cannot be read now; try again", ch)
	}
	return state.Position, a.decide(ctx, reads, id, ch)
}

// doubts reports whether sub is to be held behind a message. The topic's mutex is held.
func (sub *subscription) doubts(m *hub.Message) bool {
	return sub.hangs.touched(m) && (m.Position.Epoch != sub.sure.Epoch || m.Position.Offset > sub.sure.Offset)
}

// doubt holds the subscriptions that a message may have ended. t.mu is held.
func (t *topic) doubt(m *hub.Message) {
	if m.Type != hub.MessageEvent || t.name.Kind() != hub.KindContext {
		return
	}
	var held []*subscription
	for _, g := range t.groups {
		if conditions[g.audience.Role] == nil {
			continue
		}
		for _, sub := range g.subs {
			if sub.doubts(m) {
				held = append(held, sub)
			}
		}
	}
	for _, sub := range held {
		t.remove(sub)
		t.hold(sub, &joiner{}, m.Position)
	}
}

// hold keeps what comes for sub from now on, and has its right looked at. t.mu is held.
func (t *topic) hold(sub *subscription, j *joiner, at hub.Position) {
	t.keep(sub, j)
	sub.session.later(func() { sub.session.recheck(sub, at) })
}

// recheck looks at the right of a subscription that is held, and ends one of the two.
func (s *session) recheck(sub *subscription, at hub.Position) {
	sure, p := s.server.access.still(s.server.ctx, s.identity.Load(), sub.channel, at)
	switch {
	case p == nil:
		ok, heeds := sub.topic.resume(sub, sure)
		if !ok {
			s.revoke(sub, UnsubscribeInsufficient)
		} else if heeds {
			s.heed(sub)
		}
	case p.Code == hub.CodeForbidden:
		s.server.log.Debug("a right has ended", "channel", sub.channel, "client", s.id, "identity", s.identity.Load())
		s.revoke(sub, UnsubscribeServer)
	default:
		s.revoke(sub, UnsubscribeInsufficient)
	}
}

// resume hands a subscription whose right stands what was kept, and lets it go
// on. It also tells whether the channel has moved or ended meanwhile.
func (t *topic) resume(sub *subscription, sure hub.Position) (ok, heeds bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.joined(sub)
	if j == nil || j.lost || t.lost {
		return false, false
	}
	sub.sure = sure
	t.release(sub, j.messages, j.heeds)
	return true, j.heeds && t.joining[sub] == nil
}

// release delivers what was kept, up to a message that puts the right in
// doubt; if there is none, sub joins those who get whatever comes. t.mu is held.
func (t *topic) release(sub *subscription, kept []*hub.Message, heeds bool) {
	g := t.group(sub)
	one := &group{audience: g.audience, encoding: g.encoding, delta: g.delta, subs: []*subscription{sub}}
	base := sub.base
	sub.base, sub.primed = nil, base != nil
	for i, m := range kept {
		one.deliver(t, m, base)
		if m.Type == hub.MessagePublication {
			base = m.Data
		}
		if sub.doubts(m) {
			t.flush()
			t.forgetEmpty(g)
			t.hold(sub, &joiner{messages: slices.Clone(kept[i+1:]), heeds: heeds}, m.Position)
			return
		}
	}
	t.flush()
	if t.last == nil && g.delta {
		t.last = base // nothing came since that was read
	}
	sub.primed = sub.primed && bytes.Equal(base, t.last)
	sub.group, sub.place = g, len(g.subs)
	g.subs = append(g.subs, sub)
}

// reconsider ends the subscriptions that a token no longer gives a right to.
func (s *session) reconsider(old, id *Identity) {
	if slices.Equal(old.Queues, id.Queues) && (old.Scopes == nil) == (id.Scopes == nil) && slices.Equal(old.Scopes, id.Scopes) && reflect.DeepEqual(old.Grants, id.Grants) {
		return
	}
	for _, sub := range s.all() {
		if sub.granted || sub.refreshable || sub.serverSide && !sub.channel.HasEntries() {
			continue // by somebody else's word
		}
		p := s.server.access.Subscribe(s.server.ctx, id, sub.channel)
		switch {
		case p == nil:
		case p.Code == hub.CodeUnavailable:
			s.revoke(sub, UnsubscribeInsufficient)
		default:
			s.withdraw(sub.channel)
		}
	}
}
