package commerce

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/samepage/samepage/hub"
)

// whole is everything of an entry.
var whole = hub.Sight{}

// unopened is what staff sees of a profile until they open it (profile.open):
// names and what was learnt of the customer, and of how to reach them a trace.
var unopened = hub.Sight{
	Hide: []string{"identities"}, // their keys are the handles themselves
	Mask: []string{"traits.email", "traits.phone", "traits.address", "traits.street", "traits.postal_code", "traits.birthday"},
}

var unattended = hub.Sight{Hide: []string{"attention"}}

// statusOfOrder is what a bot can tell the customer of an order: what was
// ordered and how far it is, not who gets it where and how it was paid.
var statusOfOrder = hub.Sight{Show: []string{
	"number", "store", "channel", "lines", "codes", "total", "due", "order_state", "payment_state", "points_earned",
	"placed_at", "promised_at", "closed_at", "cancelled.at",
	"fulfilments.*.type", "fulfilments.*.store", "fulfilments.*.state", "fulfilments.*.at", "fulfilments.*.lines",
	"fulfilments.*.ready_at", "fulfilments.*.expires_at", "fulfilments.*.picked_up_at", "fulfilments.*.delivery",
	"returns.*.state", "returns.*.lines", "returns.*.at",
}}

// staffIDs are the paths at which documents say which member of staff, or which
// device, did something. Customers and bots get role and display name.
func staffIDs(paths ...string) []string {
	var hide []string
	for _, p := range paths {
		hide = append(hide, p+".id", p+".device")
	}
	return hide
}

// whileThere holds for a till that has the context because its customer is there.
func whileThere(a hub.Audience, _ []string) bool { return a.CheckedIn }

// sights is the matrix of who sees what of the shop's entries. Roles that are
// not named see nothing.
func sights() []hub.EntrySight {
	type roles = map[hub.Role]hub.Sight
	orderStaff := staffIDs("placed_by", "cancelled.by", "tenders.*.by", "fulfilments.*.by", "returns.*.by")
	return []hub.EntrySight{
		{Channel: hub.KindContext, Entry: "profile", Roles: roles{
			hub.RoleCustomer: whole, hub.RoleAgent: unopened, hub.RoleSupervisor: unopened, hub.RoleService: whole,
			hub.RolePOS: {Show: []string{"traits.first_name"}, If: whileThere},
			hub.RoleBot: {Show: []string{"traits.first_name"}},
		}},
		{Channel: hub.KindContext, Entry: "loyalty", Roles: roles{
			hub.RoleCustomer: whole, hub.RoleAgent: whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
			hub.RolePOS: {Show: []string{"programme", "balance", "held", "tier"}, If: whileThere},
			hub.RoleBot: {Show: []string{"programme", "balance", "held", "tier"}},
		}},
		{Channel: hub.KindContext, Entry: "cart", Roles: roles{
			hub.RoleCustomer: {Hide: staffIDs("opened_by", "lines.*.added_by", "lock.by", "codes.*.by")},
			hub.RoleBot:      {Hide: staffIDs("opened_by", "lines.*.added_by", "lock.by", "codes.*.by")},
			hub.RolePOS:      {Hide: staffIDs("opened_by", "lines.*.added_by", "lock.by", "codes.*.by"), If: whileThere},
			hub.RoleAgent:    whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
		}},
		{Channel: hub.KindContext, Entry: "order", Labels: orderLabels, Roles: roles{
			hub.RoleCustomer:   {Hide: append(slices.Clone(orderStaff), "tenders.*.reference", "fulfilments.*.attention", "clock_skew")},
			hub.RoleBot:        statusOfOrder,
			hub.RoleAgent:      {Hide: []string{"tenders.*.reference"}},
			hub.RoleSupervisor: {Hide: []string{"tenders.*.reference"}},
			hub.RoleService:    whole,
			hub.RolePOS: {Hide: []string{"tenders.*.reference", "fulfilments.*.collect_code"}, If: func(a hub.Audience, labels []string) bool {
				return a.Store != "" && slices.Contains(labels, "store:"+a.Store)
			}},
		}},
		{Channel: hub.KindContext, Entry: "activity", Roles: roles{
			hub.RoleAgent: whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
		}},

		{Channel: hub.KindStore, Entry: "store", Roles: roles{
			hub.RoleCustomer: whole, hub.RoleBot: whole, hub.RolePOS: whole,
			hub.RoleAgent: whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
		}},
		{Channel: hub.KindStore, Entry: "sku", Roles: roles{
			hub.RoleCustomer: {Show: []string{"status", "snoozed_until"}},
			hub.RoleBot:      {Show: []string{"status", "snoozed_until"}},
			hub.RolePOS:      whole, hub.RoleAgent: whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
		}},
		{Channel: hub.KindStore, Entry: "reservation", Roles: roles{
			hub.RolePOS: {Hide: []string{"owner"}}, hub.RoleAgent: whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
		}},

		{Channel: hub.KindStore, Entry: "shortfall", Roles: roles{
			hub.RolePOS: {Hide: []string{"claim.owner"}}, hub.RoleAgent: whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
		}},

		{Channel: hub.KindCatalog, Entry: "sku", Roles: roles{
			hub.RoleGuest: whole, hub.RoleCustomer: whole, hub.RoleBot: whole, hub.RolePOS: whole,
			hub.RoleAgent: whole, hub.RoleSupervisor: whole, hub.RoleService: whole,
		}},
	}
}

// orderLabels are the stores that an order concerns.
func orderLabels(doc json.RawMessage) []string {
	var o struct {
		Store       string `json:"store"`
		Fulfilments map[string]struct {
			Store string `json:"store"`
		} `json:"fulfilments"`
		Returns map[string]struct {
			Store string `json:"store"`
		} `json:"returns"`
	}
	if json.Unmarshal(doc, &o) != nil {
		return nil
	}
	labels := []string{}
	add := func(store string) {
		if store != "" {
			labels = append(labels, "store:"+store)
		}
	}
	add(o.Store)
	for _, f := range o.Fulfilments {
		add(f.Store)
	}
	for _, r := range o.Returns {
		add(r.Store)
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// events says who else than services, agents and supervisors gets the data of
// an event. A till sees a context's loyalty change whichever store the order is
// of, so it gets data only where the event is about its own store's order alone.
func events() map[string]map[hub.Role]hub.Sight {
	all := map[string]map[hub.Role]hub.Sight{}
	let := func(roles []hub.Role, types ...string) {
		for _, t := range types {
			if all[t] == nil {
				all[t] = map[hub.Role]hub.Sight{}
			}
			for _, r := range roles {
				all[t][r] = whole
			}
		}
	}
	customer, bot, pos := hub.RoleCustomer, hub.RoleBot, hub.RolePOS
	let([]hub.Role{customer, bot},
		"cart.opened", "cart.line_added", "cart.line_removed", "cart.quantity_set", "cart.frozen", "cart.unfrozen",
		"cart.locked", "cart.unlocked", "cart.price_changed", "cart.problem_raised",
		"cart.code_applied", "cart.code_removed")
	let([]hub.Role{customer, bot}, "order.placed", "order.cancelled", "order.edited", "order.imported", "order.sale_replayed",
		"return.requested", "return.received", "return.restocked", "return.written_off")
	let([]hub.Role{customer}, "profile.consent_set", "order.tender_captured", "order.tender_added",
		"order.tender_voided", "order.tender_declined", "return.refunded", "loyalty.adjusted")
	let([]hub.Role{customer, bot, pos}, "fulfilment.started", "fulfilment.ready", "fulfilment.recalled",
		"fulfilment.completed", "fulfilment.undone", "fulfilment.rejected", "fulfilment.arrived",
		"fulfilment.expired", "fulfilment.not_collected", "fulfilment.marked_late", "fulfilment.packed", "fulfilment.shipped", "fulfilment.delivered", "fulfilment.delayed", "fulfilment.lost")
	let([]hub.Role{customer, bot}, "fulfilment.moved")
	let([]hub.Role{customer, bot, pos}, "store.acceptance_set")
	let([]hub.Role{pos}, "stock.counted", "stock.adjusted", "stock.safety_set", "stock.snoozed", "stock.woken",
		"stock.reserved", "stock.released", "stock.committed", "stock.shortfall", "stock.reservation_kept",
		"stock.reservation_expired", "stock.shifted")
	for t, roles := range all {
		if strings.HasPrefix(t, "fulfilment.") { // what somebody has to look at is the staff's to know
			roles[customer], roles[bot] = unattended, unattended
		}
	}
	return all
}
