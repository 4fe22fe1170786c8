package commerce_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/samepage/samepage/hub"
)

// table is what may happen to something, by its state: command -> the next one.
type table map[string]map[string]string

// tryAll tries every command in every state: what the table does not list is
// refused, and says from where, since when and by whom, unless another code is
// meant.
func (tb table) tryAll(t *testing.T, reach func(t *testing.T, state string) *world, state func(w *world) any, run func(w *world, command string) *hub.Problem, code func(state, command string) string) {
	commands := map[string]bool{}
	for _, row := range tb {
		for command := range row {
			commands[command] = true
		}
	}
	for _, from := range slices.Sorted(maps.Keys(tb)) {
		for _, command := range slices.Sorted(maps.Keys(commands)) {
			t.Run(command+" when "+from, func(t *testing.T) {
				w := reach(t, from)
				if got := state(w); got != from {
					t.Fatalf("it is %v at first", got)
				}
				p := run(w, command)
				want, listed := tb[from][command]
				switch {
				case listed && p != nil:
					t.Fatalf("refused: %v %s", p, show(p.Details))
				case listed:
					if got := state(w); got != want {
						t.Errorf("it becomes %v, want %s", got, want)
					}
				case p == nil || p.Code != code(from, command):
					t.Errorf("got %v, want %s", p, code(from, command))
				case p.Code == hub.CodeInvalidTransition:
					details := p.Details.(map[string]any)
					at, _ := details["at"].(hub.Time)
					if details["from"] != from || at.IsZero() || details["by"].(hub.Actor).Role == "" {
						t.Errorf("details are %s", show(details))
					}
				}
				if !listed && state(w) != from {
					t.Errorf("it was refused and became %v", state(w))
				}
			})
		}
	}
}

func always(code string) func(string, string) string {
	return func(string, string) string { return code }
}

func TestTheCartTable(t *testing.T) {
	cart := obj{"cart": "ca1"}
	with := func(more obj) obj {
		args := maps.Clone(cart)
		maps.Copy(args, more)
		return args
	}
	run := func(w *world, command string) *hub.Problem {
		by, method, args := customer, "cart."+command, cart
		switch command {
		case "add_line":
			args = with(obj{"sku": "tea", "quantity": 1})
		case "set_quantity":
			args = with(obj{"line": "l1", "quantity": 3})
		case "remove_line":
			args = with(obj{"line": "l1"})
		case "lock", "unlock":
			by = agent
		case "place":
			method = "order.place"
			args = with(obj{"order": "o1", "expected_total": usd(900), "fulfilment": pickup("s1"), "tenders": obj{"t": card(900)}})
		}
		_, p := w.do(by, ctx, method, args, w.version(ctx, "cart/ca1"))
		return p
	}
	reach := func(t *testing.T, state string) *world {
		w := shopWorld(t)
		w.fill()
		for _, command := range map[string][]string{"active": nil, "frozen": {"freeze"}, "ordered": {"place"}}[state] {
			if p := run(w, command); p != nil {
				t.Fatal(p)
			}
		}
		return w
	}
	table{
		"active": {
			"open": "active", "add_line": "active", "set_quantity": "active", "remove_line": "active", "lock": "active", "unlock": "active",
			"freeze": "frozen", "place": "ordered",
		},
		"frozen":  {"unfreeze": "active", "place": "ordered", "unlock": "frozen"},
		"ordered": {"unlock": "ordered"}, // nothing is locked
	}.tryAll(t, reach, func(w *world) any { return w.at(ctx, "cart/ca1", "state") }, run, func(state, command string) string {
		if state == "active" {
			return hub.CodeInvalidTransition
		}
		return "cart_not_active"
	})
}

func TestTheTenderTable(t *testing.T) {
	run := func(w *world, command string) *hub.Problem {
		args := obj{"order": "o1", "tender": "t2"}
		switch command {
		case "decline":
			command, args["declined"] = "void", true
		case "refund":
			_, p := w.do(service, ctx, "return.refund", obj{"order": "o1"})
			return p
		}
		_, p := w.do(service, ctx, "order."+command, args)
		return p
	}
	reach := func(t *testing.T, state string) *world {
		w := shopWorld(t)
		w.fill()
		w.place(customer, 900, obj{"t1": card(900)})
		w.must(service, ctx, "order.void", obj{"order": "o1", "tender": "t1"})
		status := "pending"
		if state == "authorised" {
			status = state
		}
		w.must(service, ctx, "order.add_tender", obj{"order": "o1", "tender": "t2", "type": "card", "amount": usd(900), "status": status})
		switch state {
		case "captured", "refunded":
			w.must(service, ctx, "order.capture", obj{"order": "o1", "tender": "t2"})
		case "voided":
			w.must(service, ctx, "order.void", obj{"order": "o1", "tender": "t2"})
		case "declined":
			w.must(service, ctx, "order.void", obj{"order": "o1", "tender": "t2", "declined": true})
		}
		if state == "refunded" {
			w.must(agent, ctx, "order.cancel", obj{"order": "o1", "reason": "x"})
			w.must(service, ctx, "return.refund", obj{"order": "o1"})
		}
		return w
	}
	table{
		"pending":    {"capture": "captured", "void": "voided", "decline": "declined"},
		"authorised": {"capture": "captured", "void": "voided"},
		"captured":   {}, "voided": {}, "declined": {}, "refunded": {},
	}.tryAll(t, reach, func(w *world) any { return w.at(ctx, "order/o1", "tenders.t2.status") }, run, always(hub.CodeInvalidTransition))
}

func TestTheReturnTable(t *testing.T) {
	run := func(w *world, command string) *hub.Problem {
		args := obj{"order": "o1", "return": "r1"}
		if command == "receive" {
			args["store"] = "s1"
		}
		_, p := w.do(till, ctx, "return."+command, args)
		return p
	}
	reach := func(t *testing.T, state string) *world {
		w := placed(t)
		for _, step := range []string{"start", "ready", "complete"} {
			w.must(till, ctx, "fulfilment."+step, obj{"order": "o1"})
		}
		w.must(customer, ctx, "return.request", obj{"order": "o1", "return": "r1", "lines": obj{"l1": 1}})
		for _, command := range map[string][]string{
			"requested": nil, "returned": {"receive"}, "back_in_stock": {"receive", "restock"}, "unusable": {"receive", "write_off"},
		}[state] {
			if p := run(w, command); p != nil {
				t.Fatal(p)
			}
		}
		return w
	}
	table{
		"requested":     {"receive": "returned"},
		"returned":      {"restock": "back_in_stock", "write_off": "unusable", "refund": "returned"},
		"back_in_stock": {"refund": "back_in_stock"},
		"unusable":      {"refund": "unusable"},
	}.tryAll(t, reach, func(w *world) any { return w.at(ctx, "order/o1", "returns.r1.state") }, run, always(hub.CodeInvalidTransition))
}

// Customers call off what no store has begun, staff what nobody has.
func TestTheTableOfCancelling(t *testing.T) {
	cancels := map[string]hub.Caller{"by the customer": customer, "by the till": till, "by an agent": agent, "by a service": service}
	reach := func(t *testing.T, state string) *world {
		w := placed(t)
		for _, step := range map[string][]string{
			"proposed": nil, "reserved": {"start"}, "prepared": {"start", "ready"}, "completed": {"start", "ready", "complete"},
		}[state] {
			w.must(till, ctx, "fulfilment."+step, obj{"order": "o1"})
		}
		return w
	}
	run := func(w *world, command string) *hub.Problem {
		_, p := w.do(cancels[command], ctx, "order.cancel", obj{"order": "o1", "reason": "x"})
		return p
	}
	off := map[string]string{"by the till": "canceled", "by an agent": "canceled", "by a service": "canceled"}
	all := maps.Clone(off)
	all["by the customer"] = "canceled"
	table{"proposed": all, "reserved": off, "prepared": off, "completed": {}}.
		tryAll(t, reach, func(w *world) any { return w.at(ctx, "order/o1", "fulfilments.f1.state") }, run, always("too_late_to_cancel"))
}
