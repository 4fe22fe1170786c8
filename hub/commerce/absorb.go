package commerce

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
)

// absorb takes over everything of a context that was begun to be merged into
// this one. It is done once, however often it is asked; it refuses nothing,
// because there is no way back.
func (s *shop) absorb(tx *hub.Tx, args ContextMove) *hub.Problem {
	if tx.Has(hub.ErasedKey) {
		return nil // the loser will see it, and be erased as well
	}
	var profile Profile
	tx.Get("profile", &profile)
	if _, ok := profile.Aliases[args.From]; ok {
		return nil
	}
	m := &absorption{shop: s, tx: tx, loser: contextChannel(args.From), from: args.From, renamed: map[string]string{}}
	var alias hub.Alias
	if !tx.Ref(m.loser, hub.AliasKey, &alias) || alias.Moved {
		return nil // called off
	}
	keys := tx.RefKeys(m.loser, "")
	m.rename(keys)
	for _, key := range keys {
		switch hub.EntryKind(key) {
		case hub.AliasKey, CheckInKey:
		case "profile":
			m.profile(&profile)
		case "loyalty":
			m.loyalty()
		case "activity":
			m.activity()
		case "cart":
			m.cart(key)
		case "order":
			m.order(key)
		default:
			m.move(key)
		}
	}
	m.checkIn()
	if profile.Aliases == nil {
		profile.Aliases = map[string]hub.Time{}
	}
	profile.Aliases[args.From] = hub.At(tx.Now)
	s.begin(tx, &profile)
	tx.Put("profile", profile)
	tx.Emit("customer.merged", map[string]any{"from": args.From})
	return nil
}

// absorption is one context on its way into another.
type absorption struct {
	*shop
	tx      *hub.Tx
	loser   hub.Channel
	from    string
	renamed map[string]string // key of the loser -> key here, where the id is taken
}

// rename finds other names for what is here already under the same id. Ids are
// made by devices: that two are the same is unlikely, and must not lose anything.
func (m *absorption) rename(keys []string) {
	taken := func(key string) bool {
		return m.tx.Has(key) || slices.Contains(keys, key)
	}
	for _, key := range keys {
		kind, id, ok := strings.Cut(key, "/")
		if !ok || kind == "message" || kind == "cart" || !m.tx.Has(key) {
			continue
		}
		made := kind + "/" + id + "~" + m.from
		for n := 2; taken(made); n++ {
			made = kind + "/" + id + "~" + m.from + "~" + strconv.Itoa(n)
		}
		m.renamed[key] = made
	}
}

// at is the key here of a key of the loser. Messages go with their conversation.
func (m *absorption) at(key string) string {
	if rest, ok := strings.CutPrefix(key, "message/"); ok {
		thread, message, _ := strings.Cut(rest, "/")
		if to, ok := m.renamed["conversation/"+thread]; ok {
			return "message/" + strings.TrimPrefix(to, "conversation/") + "/" + message
		}
		return key
	}
	return cmp.Or(m.renamed[key], key)
}

func (m *absorption) move(key string) {
	var doc json.RawMessage
	if !m.tx.Ref(m.loser, key, &doc) {
		return
	}
	m.tx.Put(m.at(key), doc)
	if to, ok := m.renamed[key]; ok && hub.EntryKind(key) == "conversation" {
		m.alarms(strings.TrimPrefix(to, "conversation/"), doc)
	}
}

// alarms sets the timers of a conversation that has a new name: the old ones
// run here as well, but mean the one that has the old name.
func (m *absorption) alarms(id string, doc json.RawMessage) {
	var c struct {
		SnoozedUntil hub.Time `json:"snoozed_until"`
		WrapUpUntil  hub.Time `json:"wrap_up_until"`
		Offer        struct {
			ID        string   `json:"id"`
			ExpiresAt hub.Time `json:"expires_at"`
		} `json:"offer"`
	}
	_ = json.Unmarshal(doc, &c)
	args := map[string]string{"conversation": id}
	if !c.SnoozedUntil.IsZero() {
		m.tx.SetTimer("conversation/"+id+"/wake", c.SnoozedUntil.Time, "conversation.wake", args)
	}
	if !c.WrapUpUntil.IsZero() {
		m.tx.SetTimer("conversation/"+id+"/wrap_up", c.WrapUpUntil.Time, "conversation.wrap_up", args)
	}
	if !c.Offer.ExpiresAt.IsZero() {
		m.tx.SetTimer("conversation/"+id+"/offer", c.Offer.ExpiresAt.Time, "conversation.expire_offer",
			map[string]string{"conversation": id, "offer": c.Offer.ID})
	}
}

// order moves, and has its stores look for it under its new owner.
func (m *absorption) order(key string) {
	var o Order
	if !m.tx.Ref(m.loser, key, &o) {
		return
	}
	to := m.at(key)
	m.tx.Put(to, o)
	for _, f := range o.Fulfilments {
		if f.Reservation != "" && f.open() {
			id := strings.TrimPrefix(to, "order/")
			m.settleStock(m.tx, id, &o)
			m.tx.SetTimer("stock/"+id, m.tx.Now.Add(time.Minute), "order.settle_stock", OrderSettleStock{id})
			break
		}
	}
}

// profile joins the two: what the winner says stands, and the stricter consent.
func (m *absorption) profile(p *Profile) {
	var other Profile
	m.tx.Ref(m.loser, "profile", &other)
	p.Traits = together(other.Traits, p.Traits)
	for _, name := range slices.Sorted(maps.Keys(other.Traits)) {
		if len(p.Traits) <= maxTraits {
			break
		}
		delete(p.Traits, name)
	}
	p.Identities = together(other.Identities, p.Identities)
	for key, i := range other.Identities {
		here := p.Identities[key]
		here.Verified = here.Verified || i.Verified
		p.Identities[key] = here
	}
	if p.Consents == nil {
		p.Consents = map[string]Consent{}
	}
	for t, c := range other.Consents {
		if here, ok := p.Consents[t]; !ok || strictness(c.Status) > strictness(here.Status) {
			p.Consents[t] = c
		}
	}
	p.PreferredStore = cmp.Or(p.PreferredStore, other.PreferredStore)
	if p.Since.IsZero() || !other.Since.IsZero() && other.Since.Before(p.Since.Time) {
		p.Since = other.Since
	}
	p.Aliases = together(other.Aliases, p.Aliases)
}

// together is both, what is in b before what is in a. It is a map of its own.
func together[V any](a, b map[string]V) map[string]V {
	if len(a)+len(b) == 0 {
		return nil
	}
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return all
}

// strictness ranks what a customer said: a no outlives a yes.
func strictness(status string) int {
	switch status {
	case ConsentDeny:
		return 3
	case ConsentRevoke:
		return 2
	case ConsentGrant:
		return 1
	}
	return 0
}

// loyalty adds the points, and puts both ledgers in one order.
func (m *absorption) loyalty() {
	var other Loyalty
	m.tx.Ref(m.loser, "loyalty", &other)
	l := m.shop.loyalty(m.tx)
	all := slices.AppendSeq(slices.Collect(maps.Values(l.Ledger)), maps.Values(other.Ledger))
	for i := range all {
		if to, ok := m.renamed["order/"+all[i].OrderRef]; ok && all[i].OrderRef != "" && i >= len(l.Ledger) {
			all[i].OrderRef = strings.TrimPrefix(to, "order/")
		}
	}
	slices.SortStableFunc(all, func(a, b LedgerEntry) int {
		return cmp.Or(a.At.Compare(b.At.Time), cmp.Compare(a.Order, b.Order))
	})
	l.Balance += other.Balance
	l.Held += other.Held
	l.Earned += other.Earned
	l.Carried += other.Carried
	l.Tier = cmp.Or(l.Tier, other.Tier)
	l.Last += other.Last
	l.Ledger = map[string]LedgerEntry{}
	for i, e := range all {
		e.Order = l.Last - int64(len(all)-1-i)
		if i < len(all)-MaxLedger {
			l.Carried += e.Points
			continue
		}
		l.Ledger[strconv.FormatInt(e.Order, 10)] = e
	}
	m.tx.Put("loyalty", l)
}

// activity puts both timelines in one order.
func (m *absorption) activity() {
	var a, other Activity
	m.tx.Get("activity", &a)
	m.tx.Ref(m.loser, "activity", &other)
	all := slices.AppendSeq(slices.Collect(maps.Values(a.Items)), maps.Values(other.Items))
	slices.SortStableFunc(all, func(a, b ActivityItem) int {
		return cmp.Or(a.At.Compare(b.At.Time), cmp.Compare(a.Order, b.Order))
	})
	a.Last += other.Last
	a.Items = map[string]ActivityItem{}
	for i, item := range all {
		item.Order = a.Last - int64(len(all)-1-i)
		a.Items[strconv.FormatInt(item.Order, 10)] = item
	}
	a.trim()
	m.tx.Put("activity", a)
}

// checkIn keeps the tills that the customer is at under either name.
func (m *absorption) checkIn() {
	var c, other CheckIn
	if !m.tx.Ref(m.loser, CheckInKey, &other) {
		return
	}
	m.tx.Get(CheckInKey, &c)
	c.Tills = together(other.Tills, c.Tills)
	if c.Code == "" {
		c.Code, c.ExpiresAt = other.Code, other.ExpiresAt
	}
	m.putCheckIn(m.tx, c)
}
