package sessions

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
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

// rule decides about one channel with entries. It may look at the store.
type rule func(ctx context.Context, h *hub.Hub, id *Identity, ch hub.Channel) (bool, error)

// reads says who may subscribe to, load and replay which kind of channel.
var reads = map[hub.Role]map[string]rule{
	hub.RoleCustomer: {hub.KindContext: ownContext, hub.KindCatalog: anyOfKind, hub.KindStore: anyOfKind},
	hub.RolePOS: {
		hub.KindContext: checkedIn, hub.KindBoard: ownStore, hub.KindStore: ownStore, hub.KindCatalog: anyOfKind,
	},
	hub.RoleAgent: {
		hub.KindContext: contextInQueues, hub.KindQueue: ownQueue, hub.KindDesk: ownDesk,
		hub.KindRoster: anyOfKind, hub.KindCatalog: anyOfKind, hub.KindStore: anyOfKind,
	},
	hub.RoleSupervisor: {
		hub.KindContext: contextInQueues, hub.KindQueue: ownQueue, hub.KindDesk: ownDesk,
		hub.KindRoster: anyOfKind, hub.KindCatalog: anyOfKind, hub.KindStore: anyOfKind,
	},
	hub.RoleBot: {hub.KindContext: contextOfBot, hub.KindCatalog: anyOfKind, hub.KindStore: anyOfKind},
	hub.RoleService: {
		hub.KindContext: anyOfKind, hub.KindStore: anyOfKind, hub.KindCatalog: anyOfKind, hub.KindBoard: anyOfKind,
		hub.KindQueue: anyOfKind, hub.KindDesk: anyOfKind, hub.KindRoster: anyOfKind, hub.KindBlocks: anyOfKind,
	},
}

// commands says who may address which kind of channel with commands. Which
// commands these are is the business of the models' tables.
var commands = map[hub.Role]map[string]rule{
	hub.RoleCustomer: {hub.KindContext: ownContext},
	hub.RolePOS:      {hub.KindContext: contextOfTill, hub.KindStore: ownStore},
	hub.RoleAgent: {
		hub.KindContext: contextInQueues, hub.KindDesk: ownDesk, hub.KindRoster: anyOfKind,
	},
	hub.RoleSupervisor: {
		hub.KindContext: contextInQueues, hub.KindDesk: ownDesk, hub.KindRoster: anyOfKind,
	},
	hub.RoleBot: {hub.KindContext: contextOnceOfBot},
	hub.RoleService: {
		hub.KindContext: anyOfKind, hub.KindStore: anyOfKind, hub.KindCatalog: anyOfKind, hub.KindBoard: anyOfKind,
		hub.KindQueue: anyOfKind, hub.KindDesk: anyOfKind, hub.KindRoster: anyOfKind, hub.KindBlocks: anyOfKind,
	},
}

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

// Audience is as whom a caller sees a channel: a till sees more of a context
// while the customer is checked in.
func (a *Access) Audience(ctx context.Context, id *Identity, ch hub.Channel) hub.Audience {
	audience := id.Audience()
	if id.Role == hub.RolePOS && ch.Kind() == hub.KindContext {
		audience.CheckedIn, _ = checkedIn(ctx, a.hub, id, ch) // less is seen where it cannot be told
	}
	return audience
}

// call says whether this caller may call a method where they ask to: the
// channel it addresses, those it touches besides, and a till's customer being
// there to buy. What a till sold offline it tells of any context.
func (a *Access) call(ctx context.Context, id *Identity, m hub.Method, req CommandRequest) *hub.Problem {
	// A name that cannot be a channel's is the hub's to refuse, with all else that is wrong.
	if req.On.Valid() != nil || req.On.Kind() != m.Kind {
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

func (a *Access) decide(ctx context.Context, table map[hub.Role]map[string]rule, id *Identity, ch hub.Channel) *hub.Problem {
	if r := table[id.Role][ch.Kind()]; r != nil {
		ok, err := r(ctx, a.hub, id, ch)
		if err != nil {
			return hub.Problemf(hub.CodeUnavailable, "%s cannot be read now; try again", ch)
		}
		if ok {
			return nil
		}
	}
	return forbidden(ch)
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
func trusted(id *Identity) bool { return id.Everything || id.Role == hub.RoleService }

// A channel "dialog#7,8" is for the users 7 and 8.
func userLimited(ch hub.Channel) bool { return strings.Contains(string(ch), "#") }

func userAllowed(id *Identity, ch hub.Channel) bool {
	_, users, _ := strings.Cut(string(ch), "#")
	return slices.Contains(strings.Split(users, ","), id.ID)
}

func anyOfKind(context.Context, *hub.Hub, *Identity, hub.Channel) (bool, error) { return true, nil }

// ownContext holds for the context that the token names, and for the one that
// it turned out to be.
func ownContext(ctx context.Context, h *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	if id.Context == "" || ch.ID() == id.Context {
		return id.Context != "", nil
	}
	own, err := h.Resolve(ctx, hub.Channel(hub.KindContext+":"+id.Context))
	return own == ch, err
}

// checkedIn holds while the customer is checked in at the caller's till.
func checkedIn(ctx context.Context, h *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	state, err := standing(ctx, h, ch)
	if err != nil {
		return false, err
	}
	e, ok := state.Entries[commerce.CheckInKey]
	if !ok {
		return false, nil
	}
	var c commerce.CheckIn
	if err := json.Unmarshal(e.Doc, &c); err != nil {
		return false, err
	}
	return c.Admits(id.Caller, h.Now()), nil
}

// contextOfTill holds where the till has a ticket of the context, or the
// customer is checked in at it.
func contextOfTill(ctx context.Context, h *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	if ok, err := contextOfStore(ctx, h, id, ch); ok || err != nil {
		return ok, err
	}
	return checkedIn(ctx, h, id, ch)
}

func ownStore(_ context.Context, _ *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return id.Store != "" && ch.ID() == id.Store, nil
}

func ownQueue(_ context.Context, _ *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return slices.Contains(id.Queues, ch.ID()), nil
}

func ownDesk(_ context.Context, _ *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return id.ID != "" && ch.ID() == id.ID, nil
}

// thread is what rights hang on of a conversation.
type thread struct {
	Queue string
	Owner struct{ Type, ID string }
	Bot   string
	Offer struct {
		To struct{ Type, ID string }
	}
}

// contextInQueues holds where a conversation of the context is in one of the
// caller's queues or the caller's own, or is offered to either.
func contextInQueues(ctx context.Context, h *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return anyThread(ctx, h, ch, func(t *thread) bool {
		mine := func(kind, who string) bool { return id.ID != "" && kind == "agent" && who == id.ID }
		return slices.Contains(id.Queues, t.Queue) || mine(t.Owner.Type, t.Owner.ID) || mine(t.Offer.To.Type, t.Offer.To.ID) ||
			t.Offer.To.Type == "queue" && slices.Contains(id.Queues, t.Offer.To.ID)
	})
}

// contextOfBot holds where a conversation of the context is the bot's.
func contextOfBot(ctx context.Context, h *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return anyThread(ctx, h, ch, func(t *thread) bool { return id.ID != "" && t.Owner.Type == "bot" && t.Owner.ID == id.ID })
}

// contextOnceOfBot holds also where one was: the bot is then told who has it now.
func contextOnceOfBot(ctx context.Context, h *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return anyThread(ctx, h, ch, func(t *thread) bool {
		return id.ID != "" && (t.Bot == id.ID || t.Owner.Type == "bot" && t.Owner.ID == id.ID)
	})
}

func anyThread(ctx context.Context, h *hub.Hub, ch hub.Channel, is func(t *thread) bool) (bool, error) {
	return anyEntry(ctx, h, ch, "conversation", func(doc json.RawMessage) bool {
		var t thread
		return json.Unmarshal(doc, &t) == nil && is(&t)
	})
}

// contextOfStore holds where the context has an order at the caller's store.
func contextOfStore(ctx context.Context, h *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return anyEntry(ctx, h, ch, "order", func(doc json.RawMessage) bool {
		var o struct {
			Store       string
			Fulfilments map[string]struct{ Store string }
		}
		if json.Unmarshal(doc, &o) != nil || id.Store == "" {
			return false
		}
		for _, f := range o.Fulfilments {
			if f.Store == id.Store {
				return true
			}
		}
		return o.Store == id.Store
	})
}

func anyEntry(ctx context.Context, h *hub.Hub, ch hub.Channel, kind string, is func(doc json.RawMessage) bool) (bool, error) {
	state, err := standing(ctx, h, ch)
	if err != nil {
		return false, err
	}
	for key, e := range state.Entries {
		if hub.EntryKind(key) == kind && is(e.Doc) {
			return true, nil
		}
	}
	return false, nil
}

// standing is what a channel holds, or the one that it is an alias of. It is
// looked at for every command of an agent or a till, so it comes from memory
// where the hub is the only writer.
func standing(ctx context.Context, h *hub.Hub, ch hub.Channel) (hub.State, error) {
	state, err := h.Peek(ctx, ch)
	if _, alias := state.Entries[hub.AliasKey]; err != nil || !alias {
		return state, err
	}
	into, err := h.Resolve(ctx, ch)
	if err != nil {
		return state, err
	}
	return h.Peek(ctx, into)
}
