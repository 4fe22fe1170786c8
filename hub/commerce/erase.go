package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// Erased is "erased" of a context: the row that remains of an erased customer.
type Erased struct {
	At      hub.Time            `json:"at"`
	By      hub.Role            `json:"by"`
	Aliases map[string]hub.Time `json:"aliases,omitempty"` // names that it was merged from
}

// erase forgets who the customer is. Orders stay, with amounts and no person.
// Their handles are taken out of circulation first, so that no late sale or
// import brings them back. What the log held before this is ended by who
// follows it (see flow.Erasures).
func (s *shop) erase(tx *hub.Tx, _ struct{}) *hub.Problem {
	if tx.Has(hub.ErasedKey) {
		return nil
	}
	return s.eraseAll(tx)
}

func (s *shop) eraseAll(tx *hub.Tx) *hub.Problem {
	var profile Profile
	tx.Get("profile", &profile)
	for _, key := range slices.Sorted(maps.Keys(profile.Identities)) {
		on := identityChannel(profile.Identities[key].handle())
		args := encode(IdentityClaim{Context: tx.Command.On.ID(), Restore: true})
		tx.First(
			hub.Command{Method: "identity.suppress", On: on, Args: args},
			hub.Command{Method: "identity.claim", On: on, Args: args},
		)
	}
	for key := range tx.Keys("") {
		if hub.EntryKind(key) != "order" {
			tx.Delete(key)
			continue
		}
		var o Order
		tx.Get(key, &o)
		o.anonymise()
		tx.Put(key, o)
	}
	now := hub.At(tx.Now)
	tx.Put(hub.ErasedKey, Erased{At: now, By: tx.By().Role, Aliases: profile.Aliases})
	tx.Put("profile", Profile{ErasedAt: now})
	tx.ClearTimer("merge")
	tx.Emit("customer.erased", nil)
	tx.Unnamed()
	return nil
}

// anonymise leaves of an order what was bought, what it cost and how it was
// paid, and nothing that says by whom.
func (o *Order) anonymise() {
	o.TicketName = clip(o.Number, MaxTicket)
	o.PlacedBy = roleOf(o.PlacedBy)
	if o.Cancelled != nil {
		o.Cancelled = &Cancellation{At: o.Cancelled.At, By: roleOf(o.Cancelled.By)}
	}
	for id, t := range o.Tenders {
		t.Reference, t.Last4, t.By = "", "", roleOf(t.By)
		o.Tenders[id] = t
	}
	for id, f := range o.Fulfilments {
		f.Name, f.Address, f.Arrival, f.By = "", nil, "", roleOf(f.By)
		if f.Reason != ReasonOutOfStock {
			f.Reason = ""
		}
		f.Delivery.Carrier, f.Delivery.Tracking = "", ""
		o.Fulfilments[id] = f
	}
	for id, r := range o.Returns {
		r.Reason, r.By = "", roleOf(r.By)
		o.Returns[id] = r
	}
}

// roleOf is what stays of who did something: staff stay, who only did their work.
func roleOf(by hub.Actor) hub.Actor {
	if by.Role == hub.RoleCustomer {
		return hub.Actor{Role: by.Role, Via: by.Via}
	}
	return by
}
