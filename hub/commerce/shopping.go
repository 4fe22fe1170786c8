package commerce

import (
	"github.com/samepage/samepage/hub"
)

// CartOpen is cart.open. A cart that is already open stays as it is.
type CartOpen struct {
	Cart  string `json:"cart"`
	Store string `json:"store"`
}

// Check implements [hub.Checker].
func (a *CartOpen) Check(f hub.Faults) {
	checkID(f, "/cart", a.Cart)
	checkID(f, "/store", a.Store)
}

// CartAddLine is cart.add_line. The price is the catalogue's.
type CartAddLine struct {
	Cart     string `json:"cart"`
	Line     string `json:"line"`
	Sku      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Force    bool   `json:"force"` // staff: the goods are in hand, whatever the count says
}

// Check implements [hub.Checker].
func (a *CartAddLine) Check(f hub.Faults) {
	checkID(f, "/cart", a.Cart)
	checkID(f, "/line", a.Line)
	requireID(f, "/sku", a.Sku)
	checkQuantity(f, "/quantity", a.Quantity, 1)
}

// CartSetQuantity is cart.set_quantity; 0 removes the line.
type CartSetQuantity struct {
	Cart     string `json:"cart"`
	Line     string `json:"line"`
	Quantity *int64 `json:"quantity"`
}

// Check implements [hub.Checker].
func (a *CartSetQuantity) Check(f hub.Faults) {
	checkID(f, "/cart", a.Cart)
	requireID(f, "/line", a.Line)
	if a.Quantity == nil {
		f.Add("/quantity", "required")
	} else {
		checkQuantity(f, "/quantity", *a.Quantity, 0)
	}
}

// CartRemoveLine is cart.remove_line. A line that is not there is removed already.
type CartRemoveLine struct {
	Cart string `json:"cart"`
	Line string `json:"line"`
}

// Check implements [hub.Checker].
func (a *CartRemoveLine) Check(f hub.Faults) {
	checkID(f, "/cart", a.Cart)
	requireID(f, "/line", a.Line)
}

// lineEvent is what events about lines tell.
type lineEvent struct {
	Cart     string `json:"cart"`
	Line     string `json:"line"`
	Sku      string `json:"sku"`
	Quantity int64  `json:"quantity"` // of the line, afterwards
	Added    int64  `json:"added,omitempty"`
}

func (s *shop) openCart(tx *hub.Tx, args CartOpen) *hub.Problem {
	id := args.Cart
	if id == "" {
		id = tx.NewID("cart")
	}
	key := "cart/" + id
	var cart Cart
	if tx.Get(key, &cart) {
		return s.usable(tx, key, &cart, CartActive)
	}
	if p := s.room(tx); p != nil {
		return p
	}
	tx.Put(key, s.newCart(tx, args.Store))
	tx.Emit("cart.opened", map[string]any{"cart": id})
	return nil
}

func (s *shop) addLine(tx *hub.Tx, args CartAddLine) *hub.Problem {
	key, cart, p := s.cart(tx, args.Cart, CartActive)
	if p != nil {
		return p
	}
	if cart == nil {
		// A device names what it makes: its first line opens the cart.
		if p := s.room(tx); p != nil {
			return p
		}
		cart = s.newCart(tx, "")
	}
	if p := s.usable(tx, key, cart, CartActive); p != nil {
		return p
	}
	item, p := s.item(tx, args.Sku)
	if p != nil {
		return p
	}
	id := cart.lineOf(args.Sku)
	if id == "" {
		id = args.Line
		if id == "" {
			id = tx.NewID("line")
		}
		if _, ok := cart.Lines[id]; ok {
			return hub.Faults{"/line": "is another sku's line"}.Problem()
		}
		if len(cart.Lines) >= MaxLines {
			return tooLarge("lines of a cart", MaxLines)
		}
	}
	line, ok := cart.Lines[id]
	if !ok {
		line = CartLine{Sku: args.Sku, Order: cart.nextOrder(), AddedBy: tx.By(), AddedAt: hub.At(tx.Now)}
	}
	n := line.Quantity + args.Quantity
	if n > MaxQuantity {
		return tooLarge("quantity of a line", MaxQuantity)
	}
	if p := forced(tx, args.Force); p != nil {
		return p
	}
	if !args.Force {
		if p := s.inStock(tx, cart.Store, args.Sku, n); p != nil {
			return p
		}
	}
	if p := cart.set(id, line, item, n, hub.At(tx.Now)); p != nil {
		return p
	}
	if p := s.putChanged(tx, key, cart); p != nil {
		return p
	}
	tx.Emit("cart.line_added", lineEvent{key[len("cart/"):], id, args.Sku, n, args.Quantity})
	return nil
}

func (s *shop) setQuantity(tx *hub.Tx, args CartSetQuantity) *hub.Problem {
	if *args.Quantity == 0 {
		return s.takeLine(tx, args.Cart, args.Line, true)
	}
	key, cart, p := s.usableCart(tx, args.Cart, CartActive)
	if p != nil {
		return p
	}
	line, ok := cart.Lines[args.Line]
	if !ok {
		return notFound("line", args.Line)
	}
	item, p := s.item(tx, line.Sku)
	if p != nil {
		return p
	}
	if *args.Quantity == line.Quantity && item.Price == line.Price {
		return nil
	}
	if *args.Quantity > line.Quantity {
		if p := s.inStock(tx, cart.Store, line.Sku, *args.Quantity); p != nil {
			return p
		}
	}
	if p := cart.set(args.Line, line, item, *args.Quantity, hub.At(tx.Now)); p != nil {
		return p
	}
	if p := s.putChanged(tx, key, cart); p != nil {
		return p
	}
	tx.Emit("cart.quantity_set", lineEvent{Cart: key[len("cart/"):], Line: args.Line, Sku: line.Sku, Quantity: *args.Quantity})
	return nil
}

func (s *shop) removeLine(tx *hub.Tx, args CartRemoveLine) *hub.Problem {
	return s.takeLine(tx, args.Cart, args.Line, false)
}

func (s *shop) takeLine(tx *hub.Tx, cartID, lineID string, must bool) *hub.Problem {
	key, cart, p := s.usableCart(tx, cartID, CartActive)
	if p != nil {
		return p
	}
	line, ok := cart.Lines[lineID]
	if !ok {
		if must {
			return notFound("line", lineID)
		}
		return nil
	}
	delete(cart.Lines, lineID)
	if p := cart.count(); p != nil {
		return p
	}
	if p := s.putChanged(tx, key, cart); p != nil {
		return p
	}
	tx.Emit("cart.line_removed", lineEvent{Cart: key[len("cart/"):], Line: lineID, Sku: line.Sku})
	return nil
}

func (c *Cart) nextOrder() int {
	n := 0
	for _, line := range c.Lines {
		n = max(n, line.Order)
	}
	return n + 1
}
