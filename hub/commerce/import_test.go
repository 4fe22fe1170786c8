package commerce_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
)

const cleo hub.Channel = "context:c-cleo"

// sold is what a marketplace says of its order N.
func sold(n string) obj {
	return obj{
		"marketplace": "amazon", "external_id": n, "fulfilment": pickup("s1"),
		"lines": obj{"l": obj{"sku": "z", "quantity": 1, "price": usd(100)}},
	}
}

// holders are the contexts that have an order.
func (w *town) holders(key string, among ...hub.Channel) []hub.Channel {
	w.Helper()
	var all []hub.Channel
	for _, on := range among {
		if _, ok := w.entries(on)[key]; ok {
			all = append(all, on)
		}
	}
	return all
}

func TestAMarketplaceOrderIsOneInTheWholeHub(t *testing.T) {
	w := shopWorld(t)
	w.must(service, ctx, "order.import", sold("1"))
	if e := w.must(service, anna, "order.import", sold("1")); e != nil || w.states[anna].Position.Offset > 0 {
		t.Errorf("a second context has %s", show(e))
	}
	w.must(service, anna, "order.import", sold("2"))
	w.want(anna, "order/amazon:2", obj{"order_state": "confirmed"})
	w.refused(hub.CodeInvalid, service, anna, "order.import", obj{
		"marketplace": "a:b", "external_id": "c", "fulfilment": pickup("s1"), "lines": sold("1")["lines"],
	})
}

func TestARepeatedImportSaysWhereTheOrderIs(t *testing.T) {
	w := newTown(t, commerce.Config{})
	first := w.must(service, anna, "order.import", sold("1"))
	if first.On != "" || first.Event == nil {
		t.Fatalf("the first is answered %+v", first)
	}
	other := w.send(service, ben, "order.import", "other", sold("1"), nil)
	if other.Problem != nil || other.On != anna || other.Event != nil || other.Position != first.Position {
		t.Errorf("a second is answered %+v", other)
	}
	if again := w.send(service, ben, "order.import", "other", sold("1"), nil); again.Problem != nil || again.On != anna || !again.Replayed {
		t.Errorf("a second, sent again, is answered %+v", again)
	}
	if n := len(w.entries(ben)); n > 0 {
		t.Errorf("the other context holds %d entries", n)
	}
}

// What is refused claims nothing: mended, it may be another context's.
func TestARefusedImportClaimsNothing(t *testing.T) {
	w := newTown(t, commerce.Config{})
	wrong := sold("1")
	wrong["tenders"] = obj{"t": obj{"type": "external", "amount": usd(500)}}
	w.refused(commerce.CodeAmountExceedsDue, service, anna, "order.import", wrong)
	if a := w.must(service, ben, "order.import", sold("1")); a.On != "" || a.Event == nil {
		t.Errorf("%+v", a)
	}
}

func TestAnImportFollowsItsContext(t *testing.T) {
	w := twice(t, commerce.Config{}) // amazon:7 is Ben's
	if a := w.merge("m", ben, anna); a.Problem != nil {
		t.Fatal(a.Problem)
	}
	repeat := func(on, where hub.Channel) {
		t.Helper()
		if a := w.must(service, on, "order.import", sold("7")); a.On != where || a.Event != nil {
			t.Errorf("on %s: %+v", on, a)
		}
	}
	check := func() {
		t.Helper()
		repeat(cleo, anna)
		repeat(ben, anna)
		repeat(anna, "")
	}
	check()
	w.must(owns(anna), anna, "context.erase", nil)
	check()
	if got := w.holders("order/amazon:7", anna, ben, cleo); len(got) != 1 {
		t.Errorf("it is in %v", got)
	}
}

// The node dies at every commit of an import, before or after it is stored.
// Whoever sends the order next, on whichever context, makes it one.
func TestAnImportThatIsCutOffIsFinishedOnce(t *testing.T) {
	for _, after := range []bool{false, true} {
		for died := 1; ; died++ {
			w := newTown(t, commerce.Config{})
			w.engine.after = after
			w.engine.left.Store(int64(died))
			first := w.send(service, anna, "order.import", "first", sold("1"), nil)
			w.start()
			other := w.must(service, ben, "order.import", sold("1"))
			again := w.send(service, anna, "order.import", "first", sold("1"), nil)
			if again.Problem != nil {
				t.Fatalf("died at commit %d, sent again: %v", died, again.Problem)
			}
			got := w.holders("order/amazon:1", anna, ben)
			if len(got) != 1 || other.On != got[0] && (other.On != "" || got[0] != ben) {
				t.Errorf("died at commit %d: it is in %v, the answer says %q", died, got, other.On)
			}
			if first.Problem == nil {
				if died < 3 {
					t.Errorf("an import took %d commits only", died-1)
				}
				break
			}
		}
	}
}

// What was claimed and not recorded is recorded where the context went.
func TestAnImportThatIsCutOffFollowsItsContext(t *testing.T) {
	for _, erased := range []bool{false, true} {
		for _, on := range []hub.Channel{anna, ben, cleo} {
			w := twice(t, commerce.Config{})
			w.engine.left.Store(2)
			if a := w.send(service, ben, "order.import", "cut", sold("8"), nil); a.Problem == nil {
				t.Fatal("it was not cut off")
			}
			w.start()
			if a := w.merge("m", ben, anna); a.Problem != nil {
				t.Fatal(a.Problem)
			}
			if erased {
				w.must(owns(anna), anna, "context.erase", nil)
			}
			a := w.must(service, on, "order.import", sold("8"))
			if got := w.holders("order/amazon:8", anna, ben, cleo); a.Event == nil || len(got) != 1 || got[0] != anna {
				t.Errorf("sent to %s it is in %v: %+v", on, got, a)
			}
		}
	}
}

// Eight send one order at once, each on a context of their own, by two nodes.
func TestImportsThatRaceMakeOneOrder(t *testing.T) {
	w := newTown(t, commerce.Config{})
	var nodes [2]*hub.Hub
	for i := range nodes {
		nodes[i] = hub.New(w.engine, hub.Options{Now: func() time.Time { return w.now }, Shared: true},
			commerce.Model(w.config), care.Model(care.Config{}))
	}
	for order := range 5 {
		type answer struct {
			hub.Answer
			to hub.Channel
		}
		answers := make(chan answer)
		var contexts []hub.Channel
		for n := range 8 {
			on := hub.Channel(fmt.Sprintf("context:c-%d-%d", order, n))
			contexts = append(contexts, on)
			go func() {
				answers <- answer{nodes[n%2].Do(t.Context(), hub.Command{
					Method: "order.import", ID: string(on), On: on, Args: []byte(show(sold(fmt.Sprint(order)))), Caller: service,
				}), on}
			}()
		}
		where, made := map[hub.Channel]int{}, 0
		for range contexts {
			a := <-answers
			if a.Problem != nil {
				t.Fatal(a.Problem)
			}
			if a.Event != nil {
				made++
			}
			if a.On == "" {
				a.On = a.to
			}
			where[a.On]++
		}
		if got := w.holders(fmt.Sprintf("order/amazon:%d", order), contexts...); len(got) != 1 || made != 1 || where[got[0]] != 8 {
			t.Errorf("it is in %v, made %d times; the answers say %v", got, made, where)
		}
	}
}
