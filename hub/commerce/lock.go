package commerce

import (
	"github.com/samepage/samepage/hub"
)

// Lock keeps a cart for the agent who works on it. It ends when they let go of
// it, and by itself when they have done nothing with the cart for a while: an
// agent who is gone locks nobody out.
type Lock struct {
	By    hub.Actor `json:"by"`
	At    hub.Time  `json:"at"`
	Until hub.Time  `json:"until"`
}

// is reports whether a lock is somebody's own.
func (l *Lock) is(by hub.Actor) bool { return l != nil && l.By.Role == by.Role && l.By.ID == by.ID }

// keepsOut reports whether a cart is somebody else's to change. Nil locks nobody out.
func (l *Lock) keepsOut(tx *hub.Tx) bool {
	return l != nil && l.Until.After(tx.Now) && !l.is(tx.By()) && tx.By().Role != hub.RoleSystem
}

// lockCart gives the cart to the agent, or, if they have it, for longer.
func (s *shop) lockCart(tx *hub.Tx, args CartRef) *hub.Problem {
	key, cart, p := s.usableCart(tx, args.Cart, CartActive)
	if p != nil {
		return p
	}
	if !cart.Lock.is(tx.By()) {
		cart.Lock = &Lock{By: tx.By(), At: hub.At(tx.Now)}
	}
	s.keepLock(tx, key, cart)
	tx.Put(key, cart)
	tx.Emit("cart.locked", map[string]any{"cart": key[len("cart/"):]})
	return nil
}

// keepLock begins the time of one's own lock anew.
func (s *shop) keepLock(tx *hub.Tx, key string, cart *Cart) {
	if !cart.Lock.is(tx.By()) {
		return
	}
	cart.Lock.Until = hub.At(tx.Now.Add(s.Lock))
	tx.SetTimer("lock/"+key, cart.Lock.Until.Time, "cart.unlock", CartRef{key[len("cart/"):]})
}

// unlockCart ends a lock: one's own, a supervisor anybody's, the timer one whose time is over.
func (s *shop) unlockCart(tx *hub.Tx, args CartRef) *hub.Problem {
	key, cart, p := s.cart(tx, args.Cart, CartActive)
	if p != nil {
		return p
	}
	role := tx.By().Role
	switch {
	case role == hub.RoleSystem && (cart == nil || cart.Lock == nil || cart.Lock.Until.After(tx.Now)):
		return nil
	case cart == nil:
		return notFound("cart", key[len("cart/"):])
	case cart.Lock == nil:
		return nil
	}
	if role != hub.RoleSupervisor && role != hub.RoleSystem {
		if p := s.usable(tx, key, cart, CartActive); p != nil {
			return p
		}
	}
	cart.Lock = nil
	tx.ClearTimer("lock/" + key)
	tx.Put(key, cart)
	tx.Emit("cart.unlocked", map[string]any{"cart": key[len("cart/"):]})
	return nil
}
