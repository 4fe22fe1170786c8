package commerce

import (
	"maps"
	"strconv"
	"strings"
)

// cart moves a cart of the loser. One that is being filled goes into the
// winner's, if there is one that it fits: what is left of it says where it went.
func (m *absorption) cart(key string) {
	var c Cart
	if !m.tx.Ref(m.loser, key, &c) {
		return
	}
	into, target := m.openCart()
	if c.State == CartActive && target != nil && target.take(&c, m.from, m.CartMerge) {
		m.tx.Put(into, target)
		if into == key {
			return
		}
		total := Money{0, c.Currency}
		c.State, c.MergedInto, c.Lines, c.Total = CartMerged, strings.TrimPrefix(into, "cart/"), map[string]CartLine{}, total
		c.Codes, c.Lock = nil, nil
	}
	to := key
	for n := 1; m.tx.Has(to); n++ {
		to = key + "~" + m.from
		if n > 1 {
			to += "~" + strconv.Itoa(n)
		}
	}
	if c.Lock != nil && to != key {
		m.tx.SetTimer("lock/"+to, c.Lock.Until.Time, "cart.unlock", CartRef{strings.TrimPrefix(to, "cart/")})
	}
	if c.State == CartFrozen && to != key {
		m.tx.SetTimer("frozen/"+to, c.FrozenUntil.Time, "cart.unfreeze", CartRef{strings.TrimPrefix(to, "cart/")})
	}
	m.tx.Put(to, c)
}

// openCart is the cart that the winner is filling, the latest if there are several.
func (m *absorption) openCart() (string, *Cart) {
	var key string
	var found *Cart
	for k := range m.tx.Keys("cart/") {
		var c Cart
		if m.tx.Get(k, &c) && c.State == CartActive && (found == nil || c.OpenedAt.After(found.OpenedAt.Time)) {
			key, found = k, &c
		}
	}
	return key, found
}

// take puts the lines of another cart into this one; false, and nothing is
// changed, if they do not fit together.
func (c *Cart) take(other *Cart, from, policy string) bool {
	if len(other.Lines) == 0 {
		return true
	}
	made := *c
	made.Lines, made.Codes = maps.Clone(c.Lines), maps.Clone(c.Codes)
	for code, held := range other.Codes {
		if _, ok := made.Codes[code]; !ok && len(made.Codes) < MaxCodes {
			if made.Codes == nil {
				made.Codes = map[string]CartCode{}
			}
			made.Codes[code] = held
		}
	}
	for _, id := range other.lineIDs() {
		line := other.Lines[id]
		here := made.lineOf(line.Sku)
		if here == "" {
			if here = id; made.Lines[here].Sku != "" {
				here = clipID(id + "~" + from)
			}
			line.Order = made.nextOrder()
			line.Discounts = maps.Clone(line.Discounts)
			maps.DeleteFunc(line.Discounts, func(code string, _ Money) bool { _, ok := made.Codes[code]; return !ok })
			if line.settle() != nil {
				return false
			}
			made.Lines[here] = line
			continue
		}
		n := max(made.Lines[here].Quantity, line.Quantity)
		if policy == CartSum {
			n = min(made.Lines[here].Quantity+line.Quantity, MaxQuantity)
		}
		kept := made.Lines[here]
		kept.Quantity = n
		if kept.settle() != nil {
			return false
		}
		made.Lines[here] = kept
	}
	if len(made.Lines) > MaxLines || made.count() != nil {
		return false
	}
	*c = made
	return true
}

func clipID(id string) string { return id[:min(len(id), MaxID)] }
