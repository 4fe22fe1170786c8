package commerce_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// rules holds the entries against what must always be true.
func (w *watched) rules(on hub.Channel, state hub.State) {
	w.Helper()
	if int(state.Position.Offset) != len(w.logs[on]) {
		w.Fatalf("%s is at %d after %d events", on, state.Position.Offset, len(w.logs[on]))
	}
	reserved, owed := map[string]int64{}, map[string]bool{}
	for key, e := range state.Entries {
		if e.Version == 0 || e.Version > state.Position.Offset {
			w.Fatalf("%s %s has version %d at %d", on, key, e.Version, state.Position.Offset)
		}
		if bytes.Contains(e.Doc, []byte("null")) {
			w.Fatalf("%s %s holds a null: %s", on, key, e.Doc)
		}
		switch hub.EntryKind(key) {
		case "cart":
			w.cartRules(key, read[commerce.Cart](w, e))
		case "order":
			w.orderRules(key, read[commerce.Order](w, e))
		case "loyalty":
			l := read[commerce.Loyalty](w, e)
			sum := l.Carried
			for _, entry := range l.Ledger {
				sum += entry.Points
			}
			if sum != l.Balance || l.Held > l.Balance || l.Balance < 0 {
				w.Fatalf("the ledger sums to %d: %s", sum, e.Doc)
			}
		case "reservation":
			r := read[commerce.Reservation](w, e)
			for sku, n := range r.Lines {
				reserved[sku] += n
				owed[sku] = owed[sku] || r.Order != ""
			}
			if _, ok := w.timers[string(on)+"\x00"+key]; !ok {
				w.Fatalf("nobody looks after %s: %s", key, e.Doc)
			}
		}
	}
	for key, e := range state.Entries {
		if on.Kind() != hub.KindStore || hub.EntryKind(key) != "sku" {
			continue
		}
		l := read[commerce.Level](w, e)
		if l.Reserved != reserved[key[len("sku/"):]] {
			w.Fatalf("%s %s: reserved %d, reservations come to %d", on, key, l.Reserved, reserved[key[len("sku/"):]])
		}
		short := read[commerce.Shortfall](w, hub.Entry{Doc: json.RawMessage(cmp.Or(string(state.Entries["shortfall/"+key[len("sku/"):]].Doc), "{}"))})
		if want := l.Reserved - *cmp.Or(l.OnHand, &l.Reserved); short.Short != max(want, 0) || want > 0 && ((short.Claim != nil) != owed[key[len("sku/"):]] || short.At.IsZero()) {
			w.Fatalf("%s %s is short by %d, the entry says %s", on, key, want, show(short))
		}
		if (l.OnHand == nil) != (l.Available == nil) || l.OnHand != nil && *l.Available != *l.OnHand-l.Reserved-l.Safety {
			w.Fatalf("%s %s does not add up: %s", on, key, e.Doc)
		}
	}
}

// counts holds what is on hand to events that count goods, or say that they came or went.
func (w *watched) counts(on hub.Channel, e *hub.Event) {
	w.Helper()
	switch e.Type {
	case "stock.counted", "stock.adjusted", "stock.shifted", "stock.shortfall", "stock.committed":
		return
	case "stock.released": // goods that the picker did not find
		return
	}
	for _, c := range e.Changes {
		if hub.EntryKind(c.Key) == "sku" && on.Kind() == hub.KindStore && bytes.Contains(slices.Concat(c.Doc, c.Patch), []byte(`"on_hand"`)) {
			w.Fatalf("%s of %s changes what is on hand: %s", e.Type, on, show(c))
		}
	}
}

func read[T any](w *watched, e hub.Entry) T {
	var v T
	if err := json.Unmarshal(e.Doc, &v); err != nil {
		w.Fatal(err)
	}
	return v
}

func (w *watched) cartRules(key string, c commerce.Cart) {
	w.Helper()
	sum, taken := int64(0), map[string]int64{}
	for id, line := range c.Lines {
		off := int64(0)
		for code, part := range line.Discounts {
			if _, ok := c.Codes[code]; !ok || part.Amount < 1 {
				w.Fatalf("%s line %s: nobody took %s off: %s", key, id, code, show(line))
			}
			off += part.Amount
			taken[code] += part.Amount
		}
		if line.Total.Amount != line.Price.Amount*line.Quantity-off || line.Quantity < 1 || line.Total.Amount < 0 {
			w.Fatalf("%s line %s: %s", key, id, show(line))
		}
		sum += line.Total.Amount
	}
	for code, held := range c.Codes {
		if held.Amount.Amount != taken[code] || held.Reason != "" && taken[code] > 0 {
			w.Fatalf("%s: %s is said to take %s off, lines say %d", key, code, show(held), taken[code])
		}
	}
	if c.Total.Amount != sum || c.Total.Currency != c.Currency {
		w.Fatalf("%s: total %v of lines that come to %d %s", key, c.Total, sum, c.Currency)
	}
	if (c.State == commerce.CartOrdered) != (c.Order != "") || (c.State == commerce.CartFrozen) != !c.FrozenUntil.IsZero() {
		w.Fatalf("%s is %s: %s", key, c.State, show(c))
	}
}

func (w *watched) orderRules(key string, o commerce.Order) {
	w.Helper()
	sum, paid := int64(0), int64(0)
	taken := map[string]int64{}
	for _, line := range o.Lines {
		sum += line.Total.Amount
		off := int64(0)
		for code, part := range line.Discounts {
			off += part.Amount
			taken[code] += part.Amount
		}
		if line.Total.Amount != line.Price.Amount*line.Quantity-off || line.Total.Amount < 0 {
			w.Fatalf("%s: %s", key, show(line))
		}
	}
	for code := range taken {
		if o.Codes[code].Amount.Amount != taken[code] {
			w.Fatalf("%s: %s took %d off, the order says %s", key, code, taken[code], show(o.Codes))
		}
	}
	for _, t := range o.Tenders {
		if t.Status == commerce.TenderCaptured || t.Status == commerce.TenderRefunded {
			paid += t.Amount.Amount - t.Change.Amount - t.Refunded.Amount
		}
		if t.Refunded.Amount > t.Amount.Amount-t.Change.Amount || t.PointsReturned > t.Points {
			w.Fatalf("%s gave more back than it took: %s", key, show(t))
		}
	}
	if sum != o.Total.Amount || paid != o.Paid.Amount || paid < 0 {
		w.Fatalf("%s does not add up: lines %d, paid %d: %s", key, sum, paid, show(o))
	}
	handed, returned := map[string]int64{}, map[string]int64{}
	for _, f := range o.Fulfilments {
		switch f.State {
		case commerce.FulfilmentCompleted, commerce.FulfilmentShipped, commerce.FulfilmentDelivered, commerce.FulfilmentFailed: // lost, or not collected
			for id, n := range f.Lines {
				handed[id] += n
			}
		}
	}
	for _, r := range o.Returns {
		for id, n := range r.Lines {
			returned[id] += n
		}
	}
	for id, n := range returned {
		if n > handed[id] {
			w.Fatalf("%s: %d of %s came back: %s", key, n, id, show(o))
		}
	}
	if paid > o.Total.Amount && o.PaymentState != commerce.PaymentCreditOwed {
		w.Fatalf("%s took too much: %s", key, show(o))
	}
	if o.PaymentState == commerce.PaymentPaid && o.OrderState == commerce.OrderOpen {
		w.Fatalf("%s is paid and not confirmed: %s", key, show(o))
	}
	if n := w.accrued[key]; n > 1 {
		w.Fatalf("%s earned points %d times", key, n)
	}
}
