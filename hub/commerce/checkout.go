package commerce

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
)

// CartFreeze is cart.freeze: prices are held, and at the cart's store the goods
// too, while the customer pays. ExpectedTotal accepts prices that have changed.
type CartFreeze struct {
	Cart          string `json:"cart"`
	ExpectedTotal *Money `json:"expected_total"`
}

// Check implements [hub.Checker].
func (a *CartFreeze) Check(f hub.Faults) {
	checkID(f, "/cart", a.Cart)
	if a.ExpectedTotal != nil {
		a.ExpectedTotal.check(f, "/expected_total", 0)
	}
}

// CartRef is the arguments of cart.unfreeze, cart.lock and cart.unlock.
type CartRef struct {
	Cart string `json:"cart"`
}

// Check implements [hub.Checker].
func (a *CartRef) Check(f hub.Faults) { checkID(f, "/cart", a.Cart) }

func (s *shop) freezeCart(tx *hub.Tx, args CartFreeze) *hub.Problem {
	key, cart, p := s.usableCart(tx, args.Cart, CartActive)
	if p != nil {
		return p
	}
	if p := tx.RequireVersion(key); p != nil {
		return p
	}
	if len(cart.Lines) == 0 {
		return hub.Problemf(CodeCartEmpty, "the cart is empty")
	}
	expected := cart.Total
	if args.ExpectedTotal != nil {
		expected = *args.ExpectedTotal
	}
	if p := s.reprice(tx, key, cart, expected); p != nil {
		return p
	}
	id := key[len("cart/"):]
	if cart.Store != "" {
		skus := map[string]int64{}
		for _, line := range cart.Lines {
			skus[line.Sku] += line.Quantity
		}
		// For longer than the freeze: what ends first must not be the goods.
		cart.Reservation = s.reserveFirst(tx, cart.Store, StockReserve{Claim: Claim{Lines: skus}, Minutes: min(1+int(s.Freeze/time.Minute), 24*60)})
	}
	until := tx.Now.Add(s.Freeze)
	cart.State, cart.FrozenUntil = CartFrozen, hub.At(until)
	tx.SetTimer("frozen/"+key, until, "cart.unfreeze", CartRef{id})
	s.touch(tx, key, cart)
	tx.Put(key, cart)
	tx.Emit("cart.frozen", map[string]any{"cart": id, "until": cart.FrozenUntil})
	return nil
}

func (s *shop) unfreezeCart(tx *hub.Tx, args CartRef) *hub.Problem {
	key, cart, p := s.cart(tx, args.Cart, CartFrozen)
	if p != nil {
		return p
	}
	timer := tx.Command.Caller.Role == hub.RoleSystem
	if timer && (cart == nil || cart.State != CartFrozen || cart.FrozenUntil.After(tx.Now)) {
		return nil
	}
	if p := s.usable(tx, key, cart, CartActive, CartFrozen); p != nil {
		return p
	}
	if cart.State != CartFrozen {
		return invalidTransition(tx, "unfreeze", cart.State, cmp.Or(cart.TouchedAt, cart.OpenedAt), cart.OpenedBy)
	}
	if p := tx.RequireVersion(key); p != nil {
		return p
	}
	if cart.Reservation != "" {
		s.releaseThen(tx, cart)
	}
	cart.State, cart.FrozenUntil, cart.Reservation = CartActive, hub.Time{}, ""
	for _, id := range cart.lineIDs() {
		line := cart.Lines[id]
		if item, p := s.item(tx, line.Sku); p == nil {
			if p := cart.set(id, line, item, line.Quantity, hub.At(tx.Now)); p != nil {
				return p
			}
		}
	}
	tx.ClearTimer("frozen/" + key)
	if p := s.putChanged(tx, key, cart); p != nil {
		return p
	}
	tx.Emit("cart.unfrozen", map[string]any{"cart": key[len("cart/"):]})
	return nil
}

// CartReprice is cart.reprice: the catalogue has other prices for these skus,
// or no longer has them.
type CartReprice struct {
	Skus []string `json:"skus"`
}

// repriceCarts puts the catalogue's prices on the lines of a context's active
// carts, and marks those that changed or are no longer sold. Frozen ones keep theirs.
func (s *shop) repriceCarts(tx *hub.Tx, args CartReprice) *hub.Problem {
	priced, gone := map[string]bool{}, map[string]bool{}
	now := hub.At(tx.Now)
	for key := range tx.Keys("cart/") {
		var cart Cart
		if !tx.Get(key, &cart) || cart.State != CartActive {
			continue
		}
		changed := false
		for _, sku := range args.Skus {
			id := cart.lineOf(sku)
			if id == "" {
				continue
			}
			line := cart.Lines[id]
			_, known := line.Problems[CodeUnknownSku]
			item, p := s.item(tx, sku)
			switch {
			case p != nil && !known:
				if line.Problems == nil {
					line.Problems = map[string]LineProblem{}
				}
				line.Problems[CodeUnknownSku] = LineProblem{At: now}
				cart.Lines[id], changed, gone[sku] = line, true, true
			case p == nil && (known || item.Price != line.Price):
				changed, priced[sku] = true, true
				if p := cart.set(id, line, item, line.Quantity, now); p != nil {
					return p
				}
			}
		}
		if !changed {
			continue
		}
		if p := s.rediscount(tx, key, &cart); p != nil {
			return p
		}
		tx.Put(key, cart)
	}
	data := map[string]any{}
	if len(gone) > 0 {
		data["gone"] = slices.Sorted(maps.Keys(gone))
	}
	if len(priced) > 0 {
		data["skus"] = slices.Sorted(maps.Keys(priced))
	}
	switch {
	case len(priced) > 0:
		tx.Emit("cart.price_changed", data)
	case len(gone) > 0:
		tx.Emit("cart.problem_raised", data)
	}
	return nil
}
