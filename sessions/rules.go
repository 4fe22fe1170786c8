package sessions

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

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
	hub.RoleBot: {hub.KindContext: contextOfBot, hub.KindDesk: ownDesk, hub.KindCatalog: anyOfKind, hub.KindStore: anyOfKind},
	hub.RoleService: {
		hub.KindContext: readScope, hub.KindStore: readScope, hub.KindCatalog: readScope, hub.KindBoard: readScope,
		hub.KindQueue: readScope, hub.KindDesk: readScope, hub.KindRoster: readScope, hub.KindBlocks: readScope,
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
		hub.KindContext: writeScope, hub.KindStore: writeScope, hub.KindCatalog: writeScope, hub.KindBoard: writeScope,
		hub.KindQueue: writeScope, hub.KindDesk: writeScope, hub.KindRoster: writeScope, hub.KindBlocks: writeScope,
	},
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

func readScope(_ context.Context, _ *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return id.inScope(ch.Kind(), "read"), nil
}

func writeScope(_ context.Context, _ *hub.Hub, id *Identity, ch hub.Channel) (bool, error) {
	return id.inScope(ch.Kind(), "write"), nil
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
	return works(id, ch.ID()), nil
}

// works reports whether staff works a queue. A supervisor whose token names none works all.
func works(id *Identity, queue string) bool {
	return slices.Contains(id.Queues, queue) || slices.Contains(id.Queues, "*") || id.Role == hub.RoleSupervisor && len(id.Queues) == 0
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
		return works(id, t.Queue) || mine(t.Owner.Type, t.Owner.ID) || mine(t.Offer.To.Type, t.Offer.To.ID) ||
			t.Offer.To.Type == "queue" && works(id, t.Offer.To.ID)
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
