package commerce

import (
	"cmp"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// States of an order.
const (
	OrderOpen      = "open"      // placed, not yet paid
	OrderConfirmed = "confirmed" // paid
	OrderComplete  = "complete"  // paid, and everything handed over
	OrderCancelled = "cancelled"
)

// States of an order's payment, derived from its tenders.
const (
	PaymentBalanceDue = "balance_due" // the tenders do not cover the total
	PaymentPending    = "pending"     // they do once they are captured
	PaymentPaid       = "paid"        // captured, and as much as is due
	PaymentCreditOwed = "credit_owed" // more is captured than is due
	PaymentFailed     = "failed"      // nothing was captured, and nothing will be
)

// Order is "order/ID" of a context. Order_state, payment_state, paid and due
// follow from tenders and fulfilments; see [Order.settle].
type Order struct {
	Number       string                `json:"number"`
	TicketName   string                `json:"ticket_name"`
	Cart         string                `json:"cart,omitempty"`
	Store        string                `json:"store"`
	Channel      string                `json:"channel"` // the touchpoint it came from
	External     *External             `json:"external,omitempty"`
	Lines        map[string]OrderLine  `json:"lines"`
	Total        Money                 `json:"total"`
	Codes        map[string]CodeAmount `json:"codes,omitempty"` // what they took off
	Paid         Money                 `json:"paid"`            // captured, less change and refunds
	Due          Money                 `json:"due"`             // what is still to be captured
	OrderState   string                `json:"order_state"`
	PaymentState string                `json:"payment_state"`
	Tenders      map[string]Tender     `json:"tenders"`
	Fulfilments  map[string]Fulfilment `json:"fulfilments"`
	Returns      map[string]Return     `json:"returns"`
	Accrued      bool                  `json:"accrued,omitempty"`       // points were accrued, once
	PointsEarned int64                 `json:"points_earned,omitempty"` // by this order, less what was reversed
	PlacedAt     hub.Time              `json:"placed_at"`
	PlacedBy     hub.Actor             `json:"placed_by"`
	PromisedAt   hub.Time              `json:"promised_at,omitzero"`
	ClosedAt     hub.Time              `json:"closed_at,omitzero"`
	Cancelled    *Cancellation         `json:"cancelled,omitempty"`

	PlacedOfflineAt hub.Time `json:"placed_offline_at,omitzero"`
	ClockSkew       bool     `json:"clock_skew,omitempty"` // the till's times cannot be right, or are old
}

// External is where an order was made elsewhere.
type External struct {
	Marketplace string `json:"marketplace"`
	ID          string `json:"id"`
}

// OrderLine is what was ordered, at the price that was agreed.
type OrderLine struct {
	Sku      string `json:"sku"`
	Name     string `json:"name"`
	Quantity int64  `json:"quantity"`
	Price    Money  `json:"price"`
	Total    Money  `json:"total"` // less what codes took off
	Order    int    `json:"order"` // lines are shown in this order

	Discounts   map[string]Money `json:"discounts,omitempty"`    // by code
	PriceChange *PriceChange     `json:"price_change,omitempty"` // sold offline at another price than the catalogue's
}

// CodeAmount is what a code took off an order.
type CodeAmount struct {
	Amount Money `json:"amount"`
}

// Cancellation says who called an order off, and why.
type Cancellation struct {
	At     hub.Time  `json:"at"`
	By     hub.Actor `json:"by"`
	Reason string    `json:"reason,omitempty"`
}

// order loads an order that the caller may act on: a till only on those of its own store.
func (s *shop) order(tx *hub.Tx, id string) (*Order, *hub.Problem) {
	o := &Order{}
	if !tx.Get("order/"+id, o) {
		return nil, notFound("order", id)
	}
	if c := tx.Command.Caller; c.Role == hub.RolePOS && !slices.Contains(o.stores(), c.Store) {
		return nil, forbidden("the order is another store's")
	}
	return o, nil
}

// stores are the stores an order concerns, sorted.
func (o *Order) stores() []string {
	set := map[string]bool{o.Store: true}
	for _, f := range o.Fulfilments {
		set[f.Store] = true
	}
	for _, r := range o.Returns {
		set[r.Store] = true
	}
	delete(set, "")
	return slices.Sorted(maps.Keys(set))
}

func byOrder(lines map[string]OrderLine) []string {
	return slices.SortedFunc(maps.Keys(lines), func(a, b string) int {
		return cmp.Or(cmp.Compare(lines[a].Order, lines[b].Order), cmp.Compare(a, b))
	})
}
