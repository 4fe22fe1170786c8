package commerce

import (
	"cmp"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// Shortfall is "shortfall/SKU" of a store: more is promised than is on the
// shelf. It stands until the count is right again. Claim is the promise to
// look after first: the newest unpaid one that the store has not begun, else
// the newest; none where only carts at checkout hold the goods.
type Shortfall struct {
	Sku   string      `json:"sku"`
	Short int64       `json:"short"`
	At    hub.Time    `json:"at"` // since when
	Claim *ShortClaim `json:"claim,omitempty"`
}

// ShortClaim is an order that cannot be kept if nothing comes.
type ShortClaim struct {
	Owner       hub.Channel `json:"owner"` // the context
	Order       string      `json:"order"`
	Fulfilment  string      `json:"fulfilment"`
	Reservation string      `json:"reservation"`
	Number      string      `json:"number,omitempty"`
	Paid        bool        `json:"paid"`
	PlacedAt    hub.Time    `json:"placed_at,omitzero"`
}

// maxClaims is how many promises, the newest, are looked at to find the one.
const maxClaims = 50

// putLevel writes a level, and raises or ends the shortfall that it means.
func (s *shop) putLevel(tx *hub.Tx, sku string, l Level) {
	tx.Put("sku/"+sku, l)
	key := "shortfall/" + sku
	if l.OnHand == nil || *l.OnHand >= l.Reserved {
		tx.Delete(key)
		return
	}
	f := Shortfall{Sku: sku, At: hub.At(tx.Now)}
	tx.Get(key, &f)
	f.Short, f.Claim = l.Reserved-*l.OnHand, s.weakest(tx, sku)
	tx.Put(key, f)
}

// nameClaims looks again at the shortfalls of what a reservation holds, once
// it is an order's: until then there was no promise to name.
func (s *shop) nameClaims(tx *hub.Tx, r Reservation) {
	for _, sku := range slices.Sorted(maps.Keys(r.Lines)) {
		var l Level
		if tx.Has("shortfall/"+sku) && tx.Get("sku/"+sku, &l) {
			s.putLevel(tx, sku, l)
		}
	}
}

// weakest is the promise of a sku to look after first, nil if none is known.
func (s *shop) weakest(tx *hub.Tx, sku string) *ShortClaim {
	type promise struct {
		id string
		Reservation
	}
	var promises []promise
	for key := range tx.Keys("reservation/") {
		p := promise{id: key[len("reservation/"):]}
		if tx.Get(key, &p.Reservation) && p.Lines[sku] > 0 && p.Order != "" {
			promises = append(promises, p)
		}
	}
	slices.SortFunc(promises, func(a, b promise) int { return cmp.Or(b.At.Compare(a.At.Time), cmp.Compare(a.id, b.id)) })
	var found *ShortClaim
	for _, p := range promises[:min(len(promises), maxClaims)] {
		c := ShortClaim{Owner: p.Owner, Order: p.Order, Fulfilment: p.Fulfilment, Reservation: p.id}
		var o Order
		if tx.Ref(p.Owner, "order/"+p.Order, &o) {
			c.Number, c.PlacedAt = o.Number, o.PlacedAt
			c.Paid = slices.Contains([]string{PaymentPaid, PaymentCreditOwed}, o.PaymentState)
		}
		if found == nil || found.Paid && !c.Paid || found.Paid == c.Paid && c.PlacedAt.After(found.PlacedAt.Time) {
			found = &c
		}
	}
	return found
}
