package commerce

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
)

// OrderImport is order.import: an order that a marketplace took. It is recorded
// whether or not the goods are there, and once in the hub, however often it is
// sent and on whichever context: its id is MARKETPLACE:EXTERNAL_ID.
type OrderImport struct {
	Marketplace string                `json:"marketplace"`
	ExternalID  string                `json:"external_id"`
	Lines       map[string]SoldLine   `json:"lines"`
	Fulfilment  FulfilmentArgs        `json:"fulfilment"`
	Tenders     map[string]TenderArgs `json:"tenders"` // left out: the marketplace paid the total
}

// SoldLine is a line that was sold elsewhere, at the price it was sold at.
type SoldLine struct {
	Sku      string `json:"sku"`
	Name     string `json:"name"`
	Quantity int64  `json:"quantity"`
	Price    Money  `json:"price"`
}

// Check implements [hub.Checker].
func (a *OrderImport) Check(f hub.Faults) {
	for at, id := range map[string]string{"/marketplace": a.Marketplace, "/external_id": a.ExternalID} {
		requireID(f, at, id)
		if len(id) > MaxID/2-1 {
			f.Add(at, "must have at most %d bytes", MaxID/2-1)
		}
	}
	if strings.Contains(a.Marketplace, ":") {
		f.Add("/marketplace", "must have no colon")
	}
	checkSold(f, a.Lines)
	a.Fulfilment.check(f, "/fulfilment")
	checkTenders(f, a.Tenders)
}

func checkSold(f hub.Faults, lines map[string]SoldLine) {
	if len(lines) == 0 || len(lines) > MaxLines {
		f.Add("/lines", "must name 1 to %d lines", MaxLines)
	}
	for id, line := range lines {
		at := pointer("/lines", id)
		requireID(f, at, id)
		requireID(f, at+"/sku", line.Sku)
		checkText(f, at+"/name", line.Name, 200)
		checkQuantity(f, at+"/quantity", line.Quantity, 1)
		line.Price.check(f, at+"/price", 0)
	}
}

func checkTenders(f hub.Faults, tenders map[string]TenderArgs) {
	if len(tenders) > MaxTenders {
		f.Add("/tenders", "must be at most %d", MaxTenders)
	}
	for id, t := range tenders {
		requireID(f, pointer("/tenders", id), id)
		t.check(f, pointer("/tenders", id))
	}
}

func (s *shop) importOrder(tx *hub.Tx, args OrderImport) *hub.Problem {
	id := args.Marketplace + ":" + args.ExternalID
	if tx.Has("order/"+id) || s.importedElsewhere(tx, id) {
		return nil
	}
	o, p := s.sold(tx, id, args.Lines)
	if p != nil {
		return p
	}
	o.Channel, o.External = args.Marketplace, &External{Marketplace: args.Marketplace, ID: args.ExternalID}
	o.Store, o.PromisedAt = args.Fulfilment.Store, hub.At(tx.Now.Add(s.Preparation))
	o.TicketName = clip(cmp.Or(args.Fulfilment.Name, s.firstName(tx), o.Number), MaxTicket)
	f := s.asked(tx, o, id, "f1", args.Fulfilment)
	// It is sold already: the store is told, not asked, and books a shortfall where it must.
	if s.counted(tx, f.Store, o.skus(f)) {
		f.Reservation = tx.NewID("reservation")
		tx.SetTimer("stock/"+id, tx.Now.Add(time.Minute), "order.settle_stock", OrderSettleStock{id})
	}
	o.Fulfilments["f1"] = f
	tenders := args.Tenders
	if tenders == nil && o.Total.Amount > 0 {
		tenders = map[string]TenderArgs{"t1": {Type: TenderExternal, Amount: o.Total, Reference: args.ExternalID}}
	}
	l := s.loyalty(tx)
	if p := s.tenders(tx, o, id, tenders, l); p != nil {
		return p
	}
	return s.putSold(tx, id, o, l, "order.imported")
}

// importedElsewhere leaves an import to the context that the order is claimed
// for. What nobody claimed is claimed for this one first: for good, so that
// nobody else records it. If the node then dies, who sends the order next
// finishes it there.
func (s *shop) importedElsewhere(tx *hub.Tx, id string) bool {
	var h Holder
	index, here := orderIdentity(id), tx.Command.On.ID()
	switch {
	case !tx.Ref(index, "owner", &h):
		claim := hub.Command{Method: "identity.claim_order", On: index, Args: encode(IdentityClaim{Context: here})}
		tx.First(claim, claim) // nothing takes it back
	case !s.same(tx, h.Context, here):
		tx.Elsewhere(contextChannel(h.Context))
		return true
	}
	return false
}

// sold makes an order of lines that were sold elsewhere.
func (s *shop) sold(tx *hub.Tx, id string, lines map[string]SoldLine) (*Order, *hub.Problem) {
	o := &Order{
		Number: word(tx.NewID("number"), letters, 6), Lines: map[string]OrderLine{}, OrderState: OrderOpen,
		Tenders: map[string]Tender{}, Returns: map[string]Return{},
		Fulfilments: map[string]Fulfilment{}, PlacedAt: hub.At(tx.Now), PlacedBy: tx.By(),
	}
	for i, lineID := range slices.Sorted(maps.Keys(lines)) {
		line := lines[lineID]
		total, p := line.Price.Times(line.Quantity)
		if p != nil {
			return nil, p
		}
		if line.Name == "" {
			line.Name = line.Sku
			if item, p := s.item(tx, line.Sku); p == nil {
				line.Name = item.Name
			}
		}
		o.Total.Currency = line.Price.Currency
		o.Lines[lineID] = OrderLine{Sku: line.Sku, Name: line.Name, Quantity: line.Quantity, Price: line.Price, Total: total, Order: i + 1}
	}
	return o, o.count()
}

// putSold writes an order that was made elsewhere.
func (s *shop) putSold(tx *hub.Tx, id string, o *Order, l *Loyalty, event string) *hub.Problem {
	if tx.Has(hub.ErasedKey) {
		o.anonymise()
	}
	o.settle(hub.At(tx.Now))
	if _, p := s.accrue(tx, id, o, l); p != nil {
		return p
	}
	tx.Put("order/"+id, o)
	s.putLoyalty(tx, l)
	Note(tx, event, "order/"+id, "Order "+o.Number+" from "+o.Channel)
	tx.Emit(event, map[string]any{"order": id, "number": o.Number, "store": o.Store, "total": o.Total, "payment_state": o.PaymentState})
	s.settleStock(tx, id, o)
	return nil
}

func (o *Order) quantities() map[string]int64 {
	n := map[string]int64{}
	for id, line := range o.Lines {
		n[id] = line.Quantity
	}
	return n
}

// counted reports whether a store knows any of these skus.
func (s *shop) counted(tx *hub.Tx, store string, skus map[string]int64) bool {
	known := false
	for sku := range skus {
		var l Level
		known = tx.Ref(storeChannel(store), "sku/"+sku, &l) || known
	}
	return known
}
