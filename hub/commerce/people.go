package commerce

import (
	"encoding/json"
	"strings"

	"github.com/samepage/samepage/hub"
)

// Who may call what is about who a customer is.
var (
	knowers  = []hub.Role{hub.RoleService, hub.RoleCustomer, hub.RoleBot}
	askers   = []hub.Role{hub.RoleService, hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor, hub.RoleBot}
	mergers  = []hub.Role{hub.RoleService, hub.RoleAgent, hub.RoleSupervisor}
	desk     = []hub.Role{hub.RoleAgent, hub.RoleSupervisor}
	owners   = []hub.Role{hub.RoleCustomer, hub.RoleService}
	trackers = []hub.Role{hub.RoleCustomer, hub.RoleService, hub.RoleBot}
)

// people are the rows of the table that are about who a customer is.
func (s *shop) people() []hub.Method {
	const (
		context, identity, code = hub.KindContext, hub.KindIdentity, hub.KindCode

		C, G, V = hub.ModeCommutes, hub.ModeGuarded, hub.ModeVersion
	)
	merge := hub.NewQuery("context.merge", context, V, mergers, s.merge)
	merge.Also = mergeAlso
	return []hub.Method{
		hub.NewMethod("profile.identify", context, G, knowers, s.identify),
		hub.NewQuery("profile.open", context, G, desk, s.openProfile),
		hub.NewMethod("profile.note_opening", context, G, nobody, s.noteOpening),
		hub.NewQuery("context.resolve", "", C, askers, s.resolve),
		merge,
		onAlias(hub.NewMethod("context.begin_merge", context, G, nobody, s.beginMerge)),
		onAlias(hub.NewMethod("context.finish_merge", context, G, nobody, s.finishMerge)),
		hub.NewMethod("context.absorb", context, G, nobody, s.absorb),
		hub.NewMethod("context.check_in_code", context, G, arrivals, s.checkInCode),
		hub.NewQuery("context.check_in", "", G, tills, s.checkIn),
		hub.NewMethod("context.admit", context, G, nobody, s.admit),
		hub.NewMethod("context.end_check_in", context, G, nobody, s.endCheckIn),
		hub.NewMethod("context.erase", context, G, owners, s.erase),
		hub.NewQuery("context.export", context, G, owners, s.export),
		hub.NewMethod("activity.track", context, C, trackers, s.track),

		hub.NewMethod("identity.claim", identity, G, nobody, s.claimIdentity),
		hub.NewMethod("identity.release", identity, G, nobody, s.releaseIdentity),
		hub.NewMethod("identity.settle", identity, G, nobody, s.settleIdentity),
		hub.NewMethod("identity.move", identity, G, nobody, s.moveIdentity),
		hub.NewMethod("identity.suppress", identity, G, nobody, s.suppressIdentity),
		hub.NewMethod("identity.claim_order", identity, G, nobody, s.claimOrder),

		hub.NewMethod("code.claim", code, G, nobody, s.claimCode),
		hub.NewMethod("code.release", code, G, nobody, s.releaseCode),
	}
}

func onAlias(m hub.Method) hub.Method {
	m.OnAlias = true
	return m
}

// guarded adds to the table what holds for many of its rows: what outlives an
// erased customer, and what a till does only while the customer is checked in.
func (s *shop) guarded(methods []hub.Method) []hub.Method {
	for i, m := range methods {
		noun, verb, _ := strings.Cut(m.Name, ".")
		switch {
		case m.Kind != hub.KindContext, m.Queries():
		case noun == "fulfilment", noun == "return", noun == "order" && verb != "place":
			// Orders stay: they are made, paid and sent back without their customer.
			m = m.Guard(gone)
			m.Outlives = true
		case noun == "cart":
			m = m.Guard(s.checkedIn)
		case m.Name == "context.begin_merge", m.Name == "context.finish_merge", m.Name == "context.absorb",
			m.Name == "context.end_check_in", m.Name == "context.erase":
			m.Outlives = true
		}
		methods[i] = m
	}
	return methods
}

// gone refuses an erased customer's own wishes: orders stay with the shop alone.
func gone(tx *hub.Tx) *hub.Problem {
	switch tx.By().Role {
	case hub.RoleCustomer, hub.RoleBot, hub.RoleGuest:
		if tx.Has(hub.ErasedKey) {
			return hub.Problemf(hub.CodeGone, "the customer was erased")
		}
	}
	return nil
}

// sightsOfPeople adds who sees what of merging, erasing and checking in.
func sightsOfPeople(rows []hub.EntrySight) []hub.EntrySight {
	everybody := map[hub.Role]hub.Sight{
		hub.RoleCustomer: whole, hub.RoleBot: whole, hub.RolePOS: whole,
		hub.RoleAgent: whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
	}
	tills := hub.Sight{Show: []string{"tills"}}
	return append(rows,
		hub.EntrySight{Channel: hub.KindContext, Entry: hub.AliasKey, Roles: everybody},
		hub.EntrySight{Channel: hub.KindContext, Entry: hub.ErasedKey, Roles: everybody},
		hub.EntrySight{Channel: hub.KindContext, Entry: CheckInKey, Roles: map[hub.Role]hub.Sight{
			hub.RoleCustomer: whole, hub.RoleAgent: tills, hub.RoleSupervisor: tills, hub.RoleService: tills,
		}},
	)
}

// eventsOfPeople adds who gets the data of events about who a customer is.
func eventsOfPeople(all map[string]map[hub.Role]hub.Sight) map[string]map[hub.Role]hub.Sight {
	for _, t := range []string{"customer.merging", "customer.merged", "profile.identified"} {
		all[t] = map[hub.Role]hub.Sight{hub.RoleCustomer: whole}
	}
	all["context.checked_in"] = map[hub.Role]hub.Sight{hub.RoleCustomer: whole, hub.RolePOS: whole}
	return all
}

func mergeAlso(raw json.RawMessage) []hub.Channel {
	var args ContextMerge
	if json.Unmarshal(raw, &args) != nil || args.Into == "" {
		return nil
	}
	return []hub.Channel{contextChannel(args.Into)}
}
