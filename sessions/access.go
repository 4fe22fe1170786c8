package sessions

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/samepage/samepage/hub"
)

// CodeNotAvailable is the problem of asking a plain channel for what its
// namespace does not keep: presence, history.
const CodeNotAvailable = "not_available"

// Access decides who may do what with which channel: the one table for every
// door. What it does not allow is denied.
type Access struct {
	hub *hub.Hub
}

// NewAccess makes the table for a hub.
func NewAccess(h *hub.Hub) *Access { return &Access{hub: h} }

// Subscribe says whether this caller may follow and load a channel; nil: yes.
// Problems: forbidden, not_found (no such namespace), unavailable (could not
// be looked up just now). It may read the store.
func (a *Access) Subscribe(ctx context.Context, id *Identity, ch hub.Channel) *hub.Problem {
	if ch.HasEntries() {
		return a.decide(ctx, reads, id, ch)
	}
	opts, p := a.plain(ch)
	switch {
	case p != nil:
		return p
	case trusted(id), id.Granted(CanSubscribe, ch):
		return nil
	case opts.AllowUserLimitedChannels && userLimited(ch):
		if !id.Anonymous() && userAllowed(id, ch) {
			return nil
		}
	case strings.HasPrefix(string(ch), "$"): // private: by a subscription token only
	case opts.AllowSubscribeForClient && (!id.Anonymous() || opts.AllowSubscribeForAnonymous):
		return nil
	}
	return forbidden(ch)
}

// Publish says whether this caller may publish to a channel without being subscribed to it.
func (a *Access) Publish(ctx context.Context, id *Identity, ch hub.Channel) *hub.Problem {
	return a.publish(id, ch, false)
}

func (a *Access) publish(id *Identity, ch hub.Channel, subscribed bool) *hub.Problem {
	if ch.HasEntries() {
		return forbidden(ch) // only commands change it
	}
	opts, p := a.plain(ch)
	if p != nil {
		return p
	}
	return may(id, CanPublish, ch, opts.AllowPublishForAnonymous, opts.AllowPublishForClient, opts.AllowPublishForSubscriber && subscribed)
}

// Presence says whether this caller may read who is in a channel without
// being subscribed to it; not_available where the namespace does not keep it.
func (a *Access) Presence(ctx context.Context, id *Identity, ch hub.Channel) *hub.Problem {
	return a.presence(id, ch, false)
}

func (a *Access) presence(id *Identity, ch hub.Channel, subscribed bool) *hub.Problem {
	if ch.HasEntries() {
		return forbidden(ch)
	}
	opts, p := a.plain(ch)
	switch {
	case p != nil:
		return p
	case !opts.Presence:
		return hub.Problemf(CodeNotAvailable, "presence is not kept for %s", ch)
	}
	return may(id, CanPresence, ch, opts.AllowPresenceForAnonymous, opts.AllowPresenceForClient, opts.AllowPresenceForSubscriber && subscribed)
}

// History says whether this caller may read a channel's log without being
// subscribed to it; not_available where the namespace does not keep it.
func (a *Access) History(ctx context.Context, id *Identity, ch hub.Channel) *hub.Problem {
	return a.history(ctx, id, ch, false)
}

func (a *Access) history(ctx context.Context, id *Identity, ch hub.Channel, subscribed bool) *hub.Problem {
	if ch.HasEntries() {
		return a.decide(ctx, reads, id, ch)
	}
	opts, p := a.plain(ch)
	switch {
	case p != nil:
		return p
	case !opts.Recoverable():
		return hub.Problemf(CodeNotAvailable, "history is not kept for %s", ch)
	}
	return may(id, CanHistory, ch, opts.AllowHistoryForAnonymous, opts.AllowHistoryForClient, opts.AllowHistoryForSubscriber && subscribed)
}

// may holds a caller against what a plain channel allows: whoever is trusted or
// was granted it, and clients or subscribers, those without a name only where
// they are meant too.
func may(id *Identity, can string, ch hub.Channel, anonymous, client, subscriber bool) *hub.Problem {
	if trusted(id) || id.Granted(can, ch) || (client || subscriber) && (anonymous || !id.Anonymous()) {
		return nil
	}
	return forbidden(ch)
}

// Command says whether this caller may address a channel with commands.
func (a *Access) Command(ctx context.Context, id *Identity, on hub.Channel) *hub.Problem {
	if !on.HasEntries() {
		return forbidden(on)
	}
	return a.decide(ctx, commands, id, on)
}

// Audience is as whom a caller sees a channel.
func (a *Access) Audience(ctx context.Context, id *Identity, ch hub.Channel) hub.Audience {
	return a.caller(ctx, id, ch).Audience()
}

// caller is who acts on a channel: a till may and sees more of a context while
// the customer is checked in.
func (a *Access) caller(ctx context.Context, id *Identity, ch hub.Channel) hub.Caller {
	caller := id.Caller
	if id.Role == hub.RolePOS && ch.Kind() == hub.KindContext {
		caller.CheckedIn, _ = checkedIn(ctx, a.hub, id, ch) // less is seen where it cannot be told
	}
	return caller
}

// call says whether this caller may call a method where they ask to: the
// channel it addresses, those it touches besides, and a till's customer being
// there to buy. What a till sold offline it tells of any context.
func (a *Access) call(ctx context.Context, id *Identity, m hub.Method, req CommandRequest) *hub.Problem {
	if req.On == "" && !id.inScope(cmp.Or(m.Kind, hub.KindContext), "write") { // the command finds its channel
		return hub.Problemf(hub.CodeForbidden, "%s is not in the token's scopes", m.Name)
	}
	// A name that cannot be a channel's is the hub's to refuse, with all else that is wrong.
	if req.On.Valid() != nil || !m.Addresses(req.On.Kind()) {
		return nil
	}
	if id.Role == hub.RolePOS && m.Name == "order.replay_sale" {
		return nil // sold is sold, whoever it was
	}
	if p := a.Command(ctx, id, req.On); p != nil {
		return p
	}
	if m.Also != nil {
		for _, ch := range m.Also(req.Args) {
			if ch.Valid() != nil {
				continue
			}
			if p := a.Command(ctx, id, ch); p != nil {
				return p
			}
		}
	}
	if id.Role == hub.RolePOS && m.Name == "order.place" {
		switch ok, err := checkedIn(ctx, a.hub, id, req.On); {
		case err != nil:
			return hub.Problemf(hub.CodeUnavailable, "%s cannot be read now; try again", req.On)
		case !ok:
			return hub.Problemf(hub.CodeForbidden, "the customer is not checked in at this till")
		}
	}
	return nil
}

func (a *Access) plain(ch hub.Channel) (hub.ChannelOptions, *hub.Problem) {
	opts, ok := a.hub.Namespaces().Options(ch)
	if !ok {
		return opts, hub.Problemf(hub.CodeNotFound, "no namespace is configured for %s", ch)
	}
	return opts, nil
}

func forbidden(ch hub.Channel) *hub.Problem {
	return hub.Problemf(hub.CodeForbidden, "not allowed on %s", ch)
}

// trusted identities have every right on plain channels.
func trusted(id *Identity) bool {
	return id.Everything || id.Role == hub.RoleService && id.Scopes == nil
}

// A channel "dialog#7,8" is for the users 7 and 8.
func userLimited(ch hub.Channel) bool { return strings.Contains(string(ch), "#") }

func userAllowed(id *Identity, ch hub.Channel) bool {
	_, users, _ := strings.Cut(string(ch), "#")
	return slices.Contains(strings.Split(users, ","), id.ID)
}
