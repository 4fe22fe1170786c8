package commerce

import (
	"time"

	"github.com/samepage/samepage/hub"
)

// ConsentMarketing is the consent without which nobody is reminded of a cart.
const ConsentMarketing = "marketing"

// CartAbandon is cart.abandon: nobody touched the customer's carts for the idle window.
type CartAbandon struct {
	Cart string `json:"cart"` // that was touched last
}

// open reports whether a cart can still become an order.
func (c *Cart) open() bool { return c.State == CartActive || c.State == CartFrozen }

// touch notes that somebody did something with a cart, and begins its idle
// window anew: one window for all carts of a context, however many devices it
// is open on. What the hub does by itself is no touch.
func (s *shop) touch(tx *hub.Tx, key string, cart *Cart) {
	s.keepLock(tx, key, cart)
	if tx.Command.Caller.Role == hub.RoleSystem || s.Abandon < 0 {
		return
	}
	cart.TouchedAt = hub.At(tx.Now)
	s.await(tx, key, cart)
}

// await sets the end of a cart's idle window, if there is anything to remind of and leave to do so.
func (s *shop) await(tx *hub.Tx, key string, cart *Cart) {
	switch {
	case s.Abandon < 0 || !s.mayRemind(tx):
	case len(cart.Lines) == 0:
		tx.ClearTimer("abandoned")
	default:
		tx.SetTimer("abandoned", cart.TouchedAt.Add(s.Abandon), "cart.abandon", CartAbandon{key[len("cart/"):]})
	}
}

func (s *shop) mayRemind(tx *hub.Tx) bool {
	var profile Profile
	tx.Get("profile", &profile)
	return profile.Consents[ConsentMarketing].Status == ConsentGrant
}

// consented begins or ends the idle window when the customer says so.
func (s *shop) consented(tx *hub.Tx, consent, status string) {
	if consent != ConsentMarketing || s.Abandon < 0 {
		return
	}
	tx.ClearTimer("abandoned")
	if status != ConsentGrant {
		return
	}
	for key := range tx.Keys("cart/") {
		var cart Cart
		if tx.Get(key, &cart) && cart.waits() {
			tx.SetTimer("abandoned", tx.Now.Add(s.Abandon), "cart.abandon", CartAbandon{key[len("cart/"):]})
		}
	}
}

// waits reports whether a cart can be ordered and nobody was told that it was
// left behind since it was touched last.
func (c *Cart) waits() bool {
	return c.open() && len(c.Lines) > 0 && (c.AbandonedAt.IsZero() || c.AbandonedAt.Before(c.TouchedAt.Time))
}

// abandonCart tells that a cart was left behind: the one touched last, or
// another that waits. A timer that runs though its cart was touched again tells
// nothing: the later one does.
func (s *shop) abandonCart(tx *hub.Tx, args CartAbandon) *hub.Problem {
	if !s.mayRemind(tx) {
		return nil
	}
	key, cart := "cart/"+args.Cart, Cart{}
	if !tx.Get(key, &cart) || !cart.waits() {
		key = ""
		for k := range tx.Keys("cart/") {
			var other Cart
			if tx.Get(k, &other) && other.waits() && (key == "" || other.TouchedAt.After(cart.TouchedAt.Time)) {
				key, cart = k, other
			}
		}
	}
	if key == "" || tx.Now.Sub(cart.TouchedAt.Time) < s.Abandon-time.Millisecond {
		return nil
	}
	cart.AbandonedAt = hub.At(tx.Now)
	tx.Put(key, cart)
	Note(tx, "cart.abandoned", key, "Cart left behind")
	tx.Emit("cart.abandoned", map[string]any{"cart": key[len("cart/"):], "total": cart.Total, "lines": len(cart.Lines), "touched_at": cart.TouchedAt})
	return nil
}

// bought ends the idle window; a cart that was left behind is recovered, which
// an event of its own tells.
func (s *shop) bought(tx *hub.Tx, key string, cart *Cart) {
	if s.mayRemind(tx) {
		tx.ClearTimer("abandoned")
	}
	if !cart.AbandonedAt.IsZero() {
		tx.SetTimer("recovered/"+key, tx.Now, "cart.recover", CartRef{key[len("cart/"):]})
	}
}

func (s *shop) recoverCart(tx *hub.Tx, args CartRef) *hub.Problem {
	key := "cart/" + args.Cart
	var cart Cart
	if !tx.Get(key, &cart) || cart.State != CartOrdered || cart.AbandonedAt.IsZero() || !cart.RecoveredAt.IsZero() {
		return nil
	}
	cart.RecoveredAt = hub.At(tx.Now)
	tx.Put(key, cart)
	tx.Emit("cart.recovered", map[string]any{"cart": args.Cart, "order": cart.Order, "total": cart.Total, "abandoned_at": cart.AbandonedAt})
	return nil
}
