package commerce

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/samepage/samepage/hub"
)

// The refusals of the shop, beside the generic ones of package hub.
const (
	CodeUnknownSku          = "unknown_sku"              // not in the catalogue; details: sku
	CodeCartNotActive       = "cart_not_active"          // details: cart, state, order?, merged_into?
	CodeCartLocked          = "cart_locked"              // an agent works on it; details: by, at
	CodeCartEmpty           = "cart_empty"               // nothing to order
	CodeOutOfStock          = "out_of_stock"             // details: sku, available, store, reserved_for?
	CodePriceChanged        = "price_changed"            // details: old, new, lines
	CodeInsufficientPoints  = "insufficient_points"      // details: balance, held, points
	CodeInsufficientTenders = "insufficient_tenders"     // they do not cover the total; details: total, tendered, missing
	CodeStoreNotAccepting   = "store_not_accepting"      // details: store, until?
	CodeAmountExceedsDue    = "amount_exceeds_due"       // details: due, amount
	CodeAmountExceedsPaid   = "amount_exceeds_paid"      // details: paid, amount
	CodeTooLateToCancel     = "too_late_to_cancel"       // details: state, at
	CodeWrongCollectCode    = "wrong_collect_code"       // the code is another order's
	CodeReturnExceeded      = "return_quantity_exceeded" // details: line, left
	CodeCodeNotApplicable   = "code_not_applicable"      // details: code, reason
	CodeMoneyOverflow       = "money_overflow"           // more than can be counted
	CodeCurrencyMismatch    = "currency_mismatch"        // details: currencies
)

// Bounds of what one caller may make.
const (
	MaxLines    = 200  // lines a cart
	MaxOpen     = 200  // open carts, orders and conversations a context
	MaxQuantity = 9999 // of one line
	MaxTenders  = 20   // an order
	MaxItems    = 1000 // a bulk command
	MaxID       = 64   // bytes of an id or sku
	MaxReason   = 500  // characters of a reason
	MaxTicket   = 30   // characters of a ticket name
	maxStock    = 1e9  // units of a sku at a store
	maxPoints   = 1e12 // points of a command
)

func tooLarge(what string, limit int) *hub.Problem {
	return hub.Problemf(hub.CodeTooLarge, "%s: at most %d", what, limit).
		With(map[string]any{"what": what, "limit": limit})
}

func notFound(what, id string) *hub.Problem {
	return hub.Problemf(hub.CodeNotFound, "there is no %s %s", what, id).With(map[string]any{what: id})
}

func forbidden(format string, args ...any) *hub.Problem {
	return hub.Problemf(hub.CodeForbidden, format, args...)
}

// invalidTransition says from where, since when and by whom a state stands.
func invalidTransition(tx *hub.Tx, command, from string, at hub.Time, by hub.Actor) *hub.Problem {
	return hub.Problemf(hub.CodeInvalidTransition, "%s is not possible: it is %s", command, from).
		With(map[string]any{"from": from, "at": at, "by": known(tx, by)})
}

// known is what the caller may know of somebody: of staff, customers and bots learn the display name alone.
func known(tx *hub.Tx, who hub.Actor) hub.Actor {
	switch tx.Command.Caller.Role {
	case hub.RoleCustomer, hub.RoleGuest, hub.RoleBot:
		if who.Role != hub.RoleCustomer {
			return hub.Actor{Role: who.Role, Name: who.Name, Via: who.Via}
		}
	}
	return who
}

// checkID notes what is wrong with a name that becomes part of a key; "" is left to the caller.
func checkID(f hub.Faults, at, id string) {
	if len(id) > MaxID {
		f.Add(at, "must have at most %d bytes", MaxID)
		return
	}
	for _, r := range id {
		if r <= ' ' || r == utf8.RuneError || !unicode.IsPrint(r) {
			f.Add(at, "must be printable, without spaces")
			return
		}
	}
}

// requireID is checkID for a name that may not be left out.
func requireID(f hub.Faults, at, id string) {
	if id == "" {
		f.Add(at, "required")
	}
	checkID(f, at, id)
}

func checkText(f hub.Faults, at, text string, limit int) {
	if utf8.RuneCountInString(text) > limit {
		f.Add(at, "must have at most %d characters", limit)
	} else if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		f.Add(at, "must have no control characters")
	}
}

func checkQuantity(f hub.Faults, at string, n, least int64) {
	if n < least || n > MaxQuantity {
		f.Add(at, "must be %d to %d", least, MaxQuantity)
	}
}

// pointer is the JSON Pointer of a field below at.
func pointer(at, name string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
