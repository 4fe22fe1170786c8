package e2e

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
)

// history is a channel as the backend sees it from outside: all of its log,
// and what it holds.
type history struct {
	channel string
	events  []pastEvent
	offset  int
	entries map[string]pastEntry
}

type pastEvent struct {
	event
	Offset int            `json:"offset"`
	Data   map[string]any `json:"data"`
}

type pastEntry struct {
	V   int             `json:"v"`
	Doc json.RawMessage `json:"doc"`
}

// faults collects what is wrong.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// history reads a channel.
func (s *shop) history(channel string) history {
	s.t.Helper()
	h := history{channel: channel}
	var now struct {
		Offset  int                  `json:"offset"`
		Entries map[string]pastEntry `json:"entries"`
	}
	if err := json.Unmarshal(s.call("GET", "/v1/channels/"+channel, "", "").body, &now); err != nil {
		s.t.Fatal(err)
	}
	h.offset, h.entries = now.Offset, now.Entries
	for after := ""; ; {
		var page struct {
			Events []pastEvent `json:"events"`
			Next   string      `json:"next"`
		}
		if err := json.Unmarshal(s.call("GET", "/v1/channels/"+channel+"/events?limit=1000"+after, "", "").body, &page); err != nil {
			s.t.Fatal(err)
		}
		h.events = append(h.events, page.Events...)
		if page.Next == "" {
			return h
		}
		after = "&after=" + page.Next
	}
}

// check goes through the past event by event: offsets have no holes, one
// command has one effect, every state on the way keeps the rules, and the last
// one is what the channel holds.
func (h history) check(f *faults) {
	docs, causes := map[string]any{}, map[string]int{}
	accrued, late, left := map[string]int{}, map[string]int{}, map[string]int{}
	versions := map[string]int{}
	for i, e := range h.events {
		if e.Offset != i+1 {
			f.add("%s: event %d is at offset %d", h.channel, i+1, e.Offset)
		}
		if causes[e.Cause]++; causes[e.Cause] > 1 {
			f.add("%s: command %s has %d effects", h.channel, e.Cause, causes[e.Cause])
		}
		before := decodeState(docs, f)
		for _, c := range e.Changes {
			switch {
			case c.Gone:
				delete(docs, c.Key)
			case c.Doc != nil:
				docs[c.Key] = parsed(c.Doc)
			default:
				docs[c.Key] = merge(docs[c.Key], parsed(c.Patch))
			}
			if versions[c.Key] >= c.V {
				f.add("%s: %s goes from version %d to %d", h.channel, c.Key, versions[c.Key], c.V)
			}
			versions[c.Key] = c.V
		}
		after := decodeState(docs, f)
		after.rules(h.channel, f)
		after.follows(before, e, h.channel, f)
		for id, entry := range after.loyalty.Ledger {
			if _, known := before.loyalty.Ledger[id]; !known && entry.Kind == commerce.LedgerAccrued {
				if accrued[entry.OrderRef]++; accrued[entry.OrderRef] > 1 {
					f.add("%s: order %s earned points twice", h.channel, entry.OrderRef)
				}
			}
		}
		// A timer runs once for each time it was set for.
		switch e.Type {
		case "fulfilment.marked_late":
			late[fmt.Sprint(e.Data["order"])]++
		case "cart.abandoned":
			left[fmt.Sprint(e.Data["cart"], " touched at ", e.Data["touched_at"])]++
		}
	}
	for what, n := range late {
		if n > 1 {
			f.add("%s: %s was marked late %d times", h.channel, what, n)
		}
	}
	for what, n := range left {
		if n > 1 {
			f.add("%s: %s was left behind %d times", h.channel, what, n)
		}
	}
	if h.offset != len(h.events) || len(docs) != len(h.entries) {
		f.add("%s stands at %d with %d entries, after %d events that make %d", h.channel, h.offset, len(h.entries), len(h.events), len(docs))
	}
	for key, e := range h.entries {
		if !reflect.DeepEqual(docs[key], parsed(e.Doc)) || versions[key] != e.V {
			f.add("%s %s: the log makes version %d %v, it holds version %d %s", h.channel, key, versions[key], docs[key], e.V, e.Doc)
		}
	}
}

func parsed(raw json.RawMessage) any {
	var v any
	_ = json.Unmarshal(raw, &v)
	return v
}

// standing is what a channel holds at one moment.
type standing struct {
	orders        map[string]commerce.Order
	carts         map[string]commerce.Cart
	loyalty       commerce.Loyalty
	conversations map[string]care.Conversation
	messages      map[string]care.Message
	levels        map[string]commerce.Level
	reservations  map[string]commerce.Reservation
	shortfalls    map[string]commerce.Shortfall
}

func decodeState(docs map[string]any, f *faults) standing {
	s := standing{
		orders: map[string]commerce.Order{}, carts: map[string]commerce.Cart{}, conversations: map[string]care.Conversation{},
		messages: map[string]care.Message{}, levels: map[string]commerce.Level{}, reservations: map[string]commerce.Reservation{},
		shortfalls: map[string]commerce.Shortfall{},
	}
	for key, doc := range docs {
		kind, id, _ := strings.Cut(key, "/")
		raw, err := json.Marshal(doc)
		switch kind {
		case "order":
			err = put(s.orders, id, raw)
		case "cart":
			err = put(s.carts, id, raw)
		case "loyalty":
			err = json.Unmarshal(raw, &s.loyalty)
		case "conversation":
			err = put(s.conversations, id, raw)
		case "message":
			err = put(s.messages, id, raw)
		case "sku":
			err = put(s.levels, id, raw)
		case "reservation":
			err = put(s.reservations, id, raw)
		case "shortfall":
			err = put(s.shortfalls, id, raw)
		}
		if err != nil {
			f.add("%s: %v: %s", key, err, raw)
		}
	}
	return s
}

func put[T any](all map[string]T, id string, raw json.RawMessage) error {
	var v T
	err := json.Unmarshal(raw, &v)
	all[id] = v
	return err
}

// rules hold at every moment.
func (s standing) rules(channel string, f *faults) {
	for id, c := range s.carts {
		sum := int64(0)
		for _, line := range c.Lines {
			sum += line.Total.Amount
		}
		if sum != c.Total.Amount {
			f.add("%s cart %s: %d is not the sum of its lines, %d", channel, id, c.Total.Amount, sum)
		}
	}
	for id, o := range s.orders {
		s.money(channel, id, o, f)
	}
	sum := s.loyalty.Carried
	for _, e := range s.loyalty.Ledger {
		sum += e.Points
	}
	if l := s.loyalty; sum != l.Balance || l.Held > l.Balance || l.Balance < 0 {
		f.add("%s: the ledger comes to %d, the balance is %d, held %d", channel, sum, l.Balance, l.Held)
	}
	reserved := map[string]int64{}
	for _, r := range s.reservations {
		for sku, n := range r.Lines {
			reserved[sku] += n
		}
	}
	for sku, l := range s.levels {
		if l.Reserved != reserved[sku] {
			f.add("%s %s: %d reserved, the reservations come to %d", channel, sku, l.Reserved, reserved[sku])
		}
		if l.OnHand == nil {
			continue
		}
		if *l.Available != *l.OnHand-l.Reserved-l.Safety {
			f.add("%s %s does not add up: %+v", channel, sku, l)
		}
		if short := l.Reserved - *l.OnHand; short > 0 && s.shortfalls[sku].Short != short {
			f.add("%s %s: %d are short and nobody is told", channel, sku, short)
		}
	}
}

// money holds what an order took and gave back against what it was paid with.
func (s standing) money(channel, id string, o commerce.Order, f *faults) {
	lines, captured := int64(0), int64(0)
	for _, line := range o.Lines {
		lines += line.Total.Amount
	}
	for tid, t := range o.Tenders {
		paid := t.Amount.Amount - t.Change.Amount
		if t.Refunded.Amount < 0 || t.Refunded.Amount > paid || t.PointsReturned > t.Points {
			f.add("%s order %s: tender %s gave back more than it took: %+v", channel, id, tid, t)
		}
		if t.Status == commerce.TenderCaptured || t.Status == commerce.TenderRefunded {
			captured += paid - t.Refunded.Amount
		}
	}
	if lines != o.Total.Amount || captured != o.Paid.Amount || captured < 0 || captured > o.Total.Amount && o.PaymentState != commerce.PaymentCreditOwed {
		f.add("%s order %s: lines %d of %d, captured %d: %+v", channel, id, lines, o.Total.Amount, captured, o)
	}
	handed, back := map[string]int64{}, map[string]int64{}
	for _, part := range o.Fulfilments {
		if part.State == commerce.FulfilmentCompleted {
			for line, n := range part.Lines {
				handed[line] += n
			}
		}
	}
	for _, r := range o.Returns {
		for line, n := range r.Lines {
			if back[line] += n; back[line] > handed[line] {
				f.add("%s order %s: %d of %s come back, %d were handed over", channel, id, back[line], line, handed[line])
			}
		}
	}
}

// counting are the events that may change what is on the shelf.
var counting = map[string]bool{
	"stock.counted": true, "stock.adjusted": true, "stock.shifted": true, "stock.shortfall": true, "stock.committed": true,
	"stock.released": true, // goods that a picker did not find
}

// follows holds a state against the one before it and the event between them.
func (s standing) follows(before standing, e pastEvent, channel string, f *faults) {
	for sku, l := range s.levels {
		if was := before.levels[sku].OnHand; was != nil && *was != *l.OnHand && !counting[e.Type] {
			f.add("%s: %s changed what is on hand of %s from %d to %d", channel, e.Type, sku, *was, *l.OnHand)
		}
	}
	for id, m := range s.messages {
		thread, _, _ := strings.Cut(id, "/")
		owner := before.conversations[thread].Owner
		if _, known := before.messages[id]; known || m.Private || m.Author.Type != care.AuthorAgent {
			continue
		}
		if owner.Type != care.OwnerAgent || owner.ID != m.Author.ID {
			f.add("%s: %s said something while %s %s had the thread", channel, m.Author.ID, owner.Type, owner.ID)
		}
	}
	for id, c := range s.conversations {
		owned := c.Status == care.StatusAssigned || c.Status == care.StatusSnoozed || c.Status == care.StatusWrapUp
		if owned != (c.Owner.Type == care.OwnerAgent) {
			f.add("%s: conversation %s is %s and owned by %s", channel, id, c.Status, c.Owner.Type)
		}
	}
}

// role is who somebody is in the eyes of a frame.
type role = hub.Role

// mayHear notes what a customer or a till is told and must not be.
func mayHear(who role, frame string, foreign []string, f *faults) {
	secrets := map[role][]string{
		hub.RoleCustomer: {`"private":true`, `"activity"`, `"anna"`, `"ben"`, `"d-1"`, "psst", `"reserved":`, `"on_hand"`},
		hub.RolePOS:      {"conversation/", "message/", "psst", "collect_code"},
	}[who]
	for _, secret := range append(secrets, foreign...) {
		if strings.Contains(frame, secret) {
			f.add("a %s is told %s: %.300s", who, secret, frame)
		}
	}
}
