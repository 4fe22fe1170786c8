package sessions_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// Between nodes a message may come later than what is read: a subscriber
// whose snapshot holds the event must not get it again.
func TestAnEventThatComesAfterTheSnapshotThatHoldsItIsNotDeliveredTwice(t *testing.T) {
	all := nodes(t, 2, sessions.Options{})
	writer, node := all[0], all[1]
	claims := jwt.MapClaims{"sub": "c-1", "role": "customer"}
	early := node.connected(claims)
	early.subscribe(`{"channel":"context:c-1"}`)

	var mu sync.Mutex
	var late []*hub.Message
	hold := func(m *hub.Message) bool {
		mu.Lock()
		defer mu.Unlock()
		late = append(late, m)
		return true
	}
	add := func(n int) {
		t.Helper()
		a := writer.hub.Do(t.Context(), hub.Command{
			Method: "loyalty.adjust", ID: fmt.Sprint("l-", n), On: "context:c-1", Args: []byte(`{"points":1,"reason":"x"}`),
			Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleService}},
		})
		if a.Problem != nil {
			t.Fatal(a.Problem)
		}
	}
	node.line.drop.Store(&hold)
	add(1)
	add(2)
	second := node.connected(claims)
	if s := second.subscribe(`{"channel":"context:c-1"}`); s.Offset != 2 {
		t.Fatalf("the snapshot is at %d", s.Offset)
	}
	for held := 0; held < 2; time.Sleep(time.Millisecond) {
		mu.Lock()
		held = len(late)
		mu.Unlock()
	}
	node.line.drop.Store(nil)
	for _, m := range late {
		node.line.take(m)
	}
	add(3)
	for _, want := range []uint64{1, 2, 3} {
		if got := early.pub("context:c-1").Offset; got != want {
			t.Errorf("who was there before gets %d, want %d", got, want)
		}
	}
	if got := second.pub("context:c-1").Offset; got != 3 {
		t.Errorf("behind its snapshot at 2 a subscriber gets %d", got)
	}
}
