package view

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// The columns of a board.
const (
	columnNew    = "new"
	columnMaking = "making"
	columnReady  = "ready"
	columnDone   = "done"
)

// columns says where a fulfilment stands on the board, by its state, and how far that is.
var columns = map[string]struct {
	name string
	rank int
}{
	commerce.FulfilmentProposed:  {columnNew, 1},
	commerce.FulfilmentReserved:  {columnMaking, 2},
	commerce.FulfilmentPrepared:  {columnReady, 3},
	commerce.FulfilmentCompleted: {columnDone, 4},
	commerce.FulfilmentShipped:   {columnDone, 4},
	commerce.FulfilmentDelivered: {columnDone, 4},
}

// Ticket is the document of order/ID of a board: what one store has to do for
// one order.
type Ticket struct {
	Context      string                `json:"context"` // the customer's, without "context:"
	Order        string                `json:"order"`
	Fulfilment   string                `json:"fulfilment"`
	Type         string                `json:"type"` // pickup, shipment
	Number       string                `json:"number,omitempty"`
	TicketName   string                `json:"ticket_name,omitempty"`
	Channel      string                `json:"channel,omitempty"`
	Column       string                `json:"column"`
	Lines        map[string]TicketLine `json:"lines"`
	Total        commerce.Money        `json:"total"`
	Due          commerce.Money        `json:"due"`
	PaymentState string                `json:"payment_state"`
	PlacedAt     hub.Time              `json:"placed_at,omitzero"`
	PromisedAt   hub.Time              `json:"promised_at,omitzero"`
	AcceptedAt   hub.Time              `json:"accepted_at,omitzero"`
	ReadyAt      hub.Time              `json:"ready_at,omitzero"`
	DoneAt       hub.Time              `json:"done_at,omitzero"`
	Late         bool                  `json:"late,omitempty"`      // it waits in new for long; somebody has to want it begun
	Attention    string                `json:"attention,omitempty"` // why somebody has to look at it
	CustomerHere bool                  `json:"customer_here,omitempty"`
	ArrivedAt    hub.Time              `json:"arrived_at,omitzero"`
	Arrival      string                `json:"arrival,omitempty"` // where, in which car
}

// TicketLine is what to make or pick.
type TicketLine struct {
	Sku      string `json:"sku"`
	Name     string `json:"name"`
	Quantity int64  `json:"quantity"`
	Order    int    `json:"order"` // lines are shown in this order
}

// tickets are an order's, one for each store that has something to do for it,
// or did. Where a store has several fulfilments, the least advanced counts.
func tickets(c *source, key string) ([]wanted, error) {
	var o commerce.Order
	if ok, err := c.read(key, &o); !ok {
		return nil, err
	}
	at := map[string]string{} // store -> fulfilment
	for _, f := range slices.Sorted(maps.Keys(o.Fulfilments)) {
		this := o.Fulfilments[f]
		column, shown := columns[this.State]
		if !shown || this.Store == "" || o.OrderState == commerce.OrderCancelled && column.name != columnDone {
			continue
		}
		if other, ok := at[this.Store]; !ok || column.rank < columns[o.Fulfilments[other].State].rank {
			at[this.Store] = f
		}
	}
	var all []wanted
	for store, f := range at {
		raw, err := json.Marshal(ticket(c, id(key), &o, f))
		if err != nil {
			return nil, fmt.Errorf("write ticket: %w", err)
		}
		all = append(all, wanted{hub.Channel(hub.KindBoard + ":" + store), raw})
	}
	return all, nil
}

func ticket(c *source, order string, o *commerce.Order, fulfilment string) Ticket {
	f := o.Fulfilments[fulfilment]
	t := Ticket{
		Context: c.name.ID(), Order: order, Fulfilment: fulfilment, Type: f.Type,
		Number: o.Number, TicketName: o.TicketName, Channel: o.Channel,
		Column: columns[f.State].name, Lines: map[string]TicketLine{},
		Total: o.Total, Due: o.Due, PaymentState: o.PaymentState,
		PlacedAt: o.PlacedAt, PromisedAt: o.PromisedAt, AcceptedAt: f.AcceptedAt, ReadyAt: f.ReadyAt,
		Late: f.Late, Attention: f.Attention, CustomerHere: !f.ArrivedAt.IsZero(), ArrivedAt: f.ArrivedAt, Arrival: f.Arrival,
	}
	if f.Name != "" {
		t.TicketName = f.Name
	}
	if t.Column == columnDone {
		t.DoneAt = f.At
	}
	for line, l := range o.Lines {
		quantity, part := f.Lines[line]
		if !part && len(f.Lines) > 0 {
			continue
		}
		if !part {
			quantity = l.Quantity
		}
		t.Lines[line] = TicketLine{Sku: l.Sku, Name: l.Name, Quantity: quantity, Order: l.Order}
	}
	return t
}
