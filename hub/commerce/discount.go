package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// MaxCodes is how many codes a cart holds.
const MaxCodes = 10

// CartCode is a code on a cart. Amount is what it takes off, the sum of its
// parts on the lines; a code that is worth nothing just now says why.
type CartCode struct {
	Amount Money     `json:"amount"`
	Reason string    `json:"reason,omitempty"`
	At     hub.Time  `json:"at"`
	By     hub.Actor `json:"by"`
}

// CartCodeArgs is cart.apply_code and cart.remove_code.
type CartCodeArgs struct {
	Cart string `json:"cart"`
	Code string `json:"code"`
}

// Check implements [hub.Checker].
func (a *CartCodeArgs) Check(f hub.Faults) {
	checkID(f, "/cart", a.Cart)
	requireID(f, "/code", a.Code)
}

func (s *shop) applyCode(tx *hub.Tx, args CartCodeArgs) *hub.Problem {
	key, cart, p := s.usableCart(tx, args.Cart, CartActive)
	if p != nil {
		return p
	}
	code, had := cart.Codes[args.Code]
	if !had {
		if len(cart.Codes) >= MaxCodes {
			return tooLarge("codes of a cart", MaxCodes)
		}
		if cart.Codes == nil {
			cart.Codes = map[string]CartCode{}
		}
		cart.Codes[args.Code] = CartCode{Amount: Money{0, cart.Currency}, At: hub.At(tx.Now), By: tx.By()}
	}
	if p := s.discount(tx, key, cart); p != nil {
		return p
	}
	if reason := cart.Codes[args.Code].Reason; reason != "" {
		return codeNotApplicable(args.Code, reason)
	}
	if had && code.Reason == "" && code.Amount == cart.Codes[args.Code].Amount {
		return nil
	}
	s.touch(tx, key, cart)
	tx.Put(key, cart)
	tx.Emit("cart.code_applied", map[string]any{"cart": key[len("cart/"):], "code": args.Code, "amount": cart.Codes[args.Code].Amount})
	return nil
}

func (s *shop) removeCode(tx *hub.Tx, args CartCodeArgs) *hub.Problem {
	key, cart, p := s.usableCart(tx, args.Cart, CartActive)
	if p != nil {
		return p
	}
	if _, ok := cart.Codes[args.Code]; !ok {
		return nil
	}
	delete(cart.Codes, args.Code)
	for id, line := range cart.Lines {
		delete(line.Discounts, args.Code)
		cart.Lines[id] = line
	}
	if p := cart.recount(); p != nil {
		return p
	}
	if p := s.putChanged(tx, key, cart); p != nil {
		return p
	}
	tx.Emit("cart.code_removed", map[string]any{"cart": key[len("cart/"):], "code": args.Code})
	return nil
}

func codeNotApplicable(code, reason string) *hub.Problem {
	return hub.Problemf(CodeCodeNotApplicable, "the code %s does not apply: %s", code, reason).
		With(map[string]any{"code": code, "reason": reason})
}

// reasonNobody is why a code does not apply where no backend is configured to decide about it.
const reasonNobody = "codes are not accepted here"

// discount asks what the codes of a cart are worth now and takes that off.
// Refused if that cannot be known.
func (s *shop) discount(tx *hub.Tx, key string, cart *Cart) *hub.Problem {
	if len(cart.Codes) == 0 {
		return nil
	}
	q := PriceQuestion{
		Context: tx.Command.On.ID(), Codes: slices.Sorted(maps.Keys(cart.Codes)),
		Cart: PriceCart{ID: key[len("cart/"):], Store: cart.Store, Currency: cart.Currency, Lines: map[string]PriceLine{}, Total: Money{0, cart.Currency}},
	}
	for id, line := range cart.Lines {
		gross, p := line.gross()
		if p != nil {
			return p
		}
		q.Cart.Lines[id] = PriceLine{line.Sku, line.Quantity, line.Price, gross}
		if q.Cart.Total, p = q.Cart.Total.Add(gross); p != nil {
			return p
		}
	}
	var answer PriceAnswer
	if p := tx.Ask(TopicPrice, q, &answer); p != nil {
		if p.Code == hub.CodeNobodyAsked {
			return codeNotApplicable(q.Codes[0], reasonNobody)
		}
		return p
	}
	return cart.takeOff(answer)
}

// rediscount is discount for a cart whose lines changed. Shopping goes on
// where nobody answers: what was taken off stays, as far as there is something
// to take it off, until the order is placed.
func (s *shop) rediscount(tx *hub.Tx, key string, cart *Cart) *hub.Problem {
	switch p := s.discount(tx, key, cart); {
	case p == nil, p.Code == hub.CodeUnavailable, p.Code == CodeCodeNotApplicable:
		return nil
	default:
		return p
	}
}

// takeOff puts an answer on the lines.
func (c *Cart) takeOff(answer PriceAnswer) *hub.Problem {
	left := map[string]int64{}
	for id, line := range c.Lines {
		gross, p := line.gross()
		if p != nil {
			return p
		}
		left[id], line.Discounts = gross.Amount, nil
		c.Lines[id] = line
	}
	take := func(code, id string, n int64) {
		if n = min(n, left[id]); n <= 0 {
			return
		}
		line := c.Lines[id]
		if line.Discounts == nil {
			line.Discounts = map[string]Money{}
		}
		line.Discounts[code] = Money{line.Discounts[code].Amount + n, c.Currency}
		left[id] -= n
		c.Lines[id] = line
	}
	for _, code := range slices.Sorted(maps.Keys(c.Codes)) {
		held, a := c.Codes[code], answer.Codes[code]
		held.Reason = a.Reason
		if a.Reason == "" && len(a.Lines) == 0 && a.Cart == (Money{}) {
			held.Reason = "not known"
		}
		c.Codes[code] = held
		if held.Reason != "" {
			continue
		}
		for _, m := range append(slices.Collect(maps.Values(a.Lines)), a.Cart) {
			if m != (Money{}) && (m.Currency != c.Currency || m.Amount < 0) {
				return hub.Problemf(hub.CodeUnavailable, "the code %s was answered with an amount that cannot be taken off; try again later", code).
					With(map[string]any{"asked": TopicPrice})
			}
		}
		for _, id := range slices.Sorted(maps.Keys(a.Lines)) {
			if _, ok := c.Lines[id]; ok {
				take(code, id, a.Lines[id].Amount)
			}
		}
		ids := c.lineIDs()
		weights, sum := make([]int64, len(ids)), int64(0)
		for i, id := range ids {
			weights[i] = left[id]
			sum += left[id]
		}
		for i, part := range (Money{min(a.Cart.Amount, sum), c.Currency}).Split(weights...) {
			take(code, ids[i], part.Amount)
		}
	}
	return c.recount()
}

// recount makes line totals, codes and the total follow from prices and discounts.
func (c *Cart) recount() *hub.Problem {
	for id, line := range c.Lines {
		if p := line.settle(); p != nil {
			return p
		}
		c.Lines[id] = line
	}
	return c.count()
}

// gross is what a line comes to before anything is taken off.
func (l CartLine) gross() (Money, *hub.Problem) { return l.Price.Times(l.Quantity) }

// settle makes the line's total follow from price, quantity and discounts.
func (l *CartLine) settle() *hub.Problem {
	var p *hub.Problem
	l.Total, l.Discounts, p = net(l.Price, l.Quantity, l.Discounts)
	return p
}

// net is what a line comes to. Discounts that are more than it would cost are
// cut in proportion.
func net(price Money, quantity int64, discounts map[string]Money) (Money, map[string]Money, *hub.Problem) {
	total, p := price.Times(quantity)
	if p != nil || len(discounts) == 0 {
		return total, nil, p
	}
	codes, weights, sum := slices.Sorted(maps.Keys(discounts)), []int64(nil), int64(0)
	for _, code := range codes {
		weights = append(weights, discounts[code].Amount)
		sum += discounts[code].Amount
	}
	off := map[string]Money{}
	for i, part := range (Money{min(sum, total.Amount), total.Currency}).Split(weights...) {
		if part.Amount > 0 {
			off[codes[i]] = part
		}
	}
	total.Amount -= min(sum, total.Amount)
	if len(off) == 0 {
		off = nil
	}
	return total, off, nil
}
