package commerce

import (
	"cmp"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// States of a return.
//
//	requested ─receive─► returned ─┬─restock──► back_in_stock
//	(none) ────receive──────►      └─write_off► unusable
const (
	ReturnRequested   = "requested"
	ReturnReturned    = "returned"
	ReturnBackInStock = "back_in_stock"
	ReturnUnusable    = "unusable"
)

// Return is goods of an order that come back. Refunds are counted on the tenders.
type Return struct {
	Lines    map[string]int64 `json:"lines"` // line id -> quantity
	State    string           `json:"state"`
	Reason   string           `json:"reason,omitempty"`
	Store    string           `json:"store,omitempty"` // that has the goods
	Refunded Money            `json:"refunded,omitzero"`
	At       hub.Time         `json:"at"` // of its state
	By       hub.Actor        `json:"by"`
}

// ReturnRequest is return.request.
type ReturnRequest struct {
	Order  string           `json:"order"`
	Return string           `json:"return"`
	Lines  map[string]int64 `json:"lines"`
	Reason string           `json:"reason"`
}

// Check implements [hub.Checker].
func (a *ReturnRequest) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	checkID(f, "/return", a.Return)
	checkText(f, "/reason", a.Reason, MaxReason)
	for id, n := range a.Lines {
		checkQuantity(f, pointer("/lines", id), n, 1)
	}
	if len(a.Lines) > MaxLines {
		f.Add("/lines", "must be at most %d", MaxLines)
	}
}

// ReturnReceive is return.receive: the goods are at a store. A return that was
// not requested names its lines; one that was need not be named.
type ReturnReceive struct {
	ReturnRequest
	Offline
	Store string `json:"store"`
}

// Check implements [hub.Checker].
func (a *ReturnReceive) Check(f hub.Faults) {
	a.ReturnRequest.Check(f)
	a.Offline.Check(f)
	requireID(f, "/store", a.Store)
}

// ReturnRef is the arguments of return.restock and return.write_off.
type ReturnRef struct {
	Order  string `json:"order"`
	Return string `json:"return"`
}

// Check implements [hub.Checker].
func (a *ReturnRef) Check(f hub.Faults) {
	requireID(f, "/order", a.Order)
	requireID(f, "/return", a.Return)
}

func (s *shop) requestReturn(tx *hub.Tx, args ReturnRequest) *hub.Problem {
	o, p := s.order(tx, args.Order)
	if p != nil {
		return p
	}
	id := cmp.Or(args.Return, tx.NewID("return"))
	if _, ok := o.Returns[id]; ok {
		return hub.Faults{"/return": "is another return's"}.Problem()
	}
	if p := o.returnable(args.Lines, ""); p != nil {
		return p
	}
	r := Return{Lines: args.Lines, State: ReturnRequested, Reason: args.Reason, At: hub.At(tx.Now), By: tx.By()}
	return s.putReturn(tx, args.Order, o, id, r, "return.requested")
}

// receiveReturn takes goods back at any store: they need not be where they came from.
func (s *shop) receiveReturn(tx *hub.Tx, args ReturnReceive) *hub.Problem {
	if c := tx.Command.Caller; c.Role == hub.RolePOS && c.Store != args.Store {
		return forbidden("a till receives for its own store")
	}
	at, p := args.at(tx)
	if p != nil {
		return p
	}
	o := &Order{}
	if !tx.Get("order/"+args.Order, o) {
		return notFound("order", args.Order)
	}
	id := cmp.Or(args.Return, o.announced(args.Lines), tx.NewID("return"))
	r, ok := o.Returns[id]
	if ok && r.State != ReturnRequested {
		return invalidTransition(tx, "receive", r.State, r.At, r.By)
	}
	if len(args.Lines) > 0 {
		r.Lines = args.Lines
	}
	if p := o.returnable(r.Lines, id); p != nil {
		return p
	}
	r.State, r.Store, r.Reason, r.At, r.By = ReturnReturned, args.Store, cmp.Or(args.Reason, r.Reason), at, tx.By()
	return s.putReturn(tx, args.Order, o, id, r, "return.received")
}

// announced is the requested return that goods which come back without its id
// are of: one of the same lines, or, where no lines are named, the only one.
func (o *Order) announced(lines map[string]int64) string {
	found := ""
	for _, id := range slices.Sorted(maps.Keys(o.Returns)) {
		r := o.Returns[id]
		if r.State != ReturnRequested || len(lines) > 0 && !maps.Equal(lines, r.Lines) {
			continue
		}
		if found != "" && len(lines) == 0 {
			return ""
		}
		found = id
	}
	return found
}

// returnable holds what comes back against what was handed over, or made and
// not collected, and is not on its way back.
func (o *Order) returnable(lines map[string]int64, except string) *hub.Problem {
	if len(lines) == 0 {
		return hub.Faults{"/lines": "required: line and quantity"}.Problem()
	}
	left := map[string]int64{}
	for _, f := range o.Fulfilments {
		switch {
		case f.State == FulfilmentCompleted, f.State == FulfilmentShipped, f.State == FulfilmentDelivered, f.uncollected():
			for id, n := range f.Lines {
				left[id] += n
			}
		}
	}
	for rid, r := range o.Returns {
		if rid != except {
			for id, n := range r.Lines {
				left[id] -= n
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(lines)) {
		if _, ok := o.Lines[id]; !ok {
			return notFound("line", id)
		}
		if lines[id] > left[id] {
			return hub.Problemf(CodeReturnExceeded, "only %d of it can come back", left[id]).
				With(map[string]any{"line": id, "left": left[id]})
		}
	}
	return nil
}

func (s *shop) putReturn(tx *hub.Tx, order string, o *Order, id string, r Return, event string) *hub.Problem {
	if o.Returns == nil {
		o.Returns = map[string]Return{}
	}
	o.Returns[id] = r
	tx.Put("order/"+order, o)
	Note(tx, event, "order/"+order, "Order "+o.Number+": return "+r.State)
	tx.Emit(event, map[string]any{"order": order, "return": id, "state": r.State})
	return nil
}

// ownReturn loads a return that the caller may act on: a till, where it has the goods.
func (s *shop) ownReturn(tx *hub.Tx, order, id string) (*Order, Return, *hub.Problem) {
	o := &Order{}
	if !tx.Get("order/"+order, o) {
		return nil, Return{}, notFound("order", order)
	}
	r, ok := o.Returns[id]
	c := tx.Command.Caller
	switch {
	case c.Role == hub.RolePOS && r.Store != c.Store && !(r.Store == "" && o.Store == c.Store):
		return nil, r, forbidden("the return is another store's")
	case !ok && id != "":
		return nil, r, notFound("return", id)
	}
	return o, r, nil
}

// restock puts returned goods on the shelf of the store that has them.
func (s *shop) restock(tx *hub.Tx, args ReturnRef) *hub.Problem {
	o, r, p := s.ownReturn(tx, args.Order, args.Return)
	if p != nil {
		return p
	}
	if r.State != ReturnReturned {
		return invalidTransition(tx, "restock", r.State, r.At, r.By)
	}
	s.shiftFirst(tx, r.Store, o.skus(Fulfilment{Lines: r.Lines}), 1)
	r.State, r.At, r.By = ReturnBackInStock, hub.At(tx.Now), tx.By()
	return s.putReturn(tx, args.Order, o, args.Return, r, "return.restocked")
}

func (s *shop) writeOff(tx *hub.Tx, args ReturnRef) *hub.Problem {
	o, r, p := s.ownReturn(tx, args.Order, args.Return)
	if p != nil {
		return p
	}
	if r.State != ReturnReturned {
		return invalidTransition(tx, "write_off", r.State, r.At, r.By)
	}
	r.State, r.At, r.By = ReturnUnusable, hub.At(tx.Now), tx.By()
	return s.putReturn(tx, args.Order, o, args.Return, r, "return.written_off")
}
