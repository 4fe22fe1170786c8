package sessions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/sessions"
)

// What it costs to find that an agent may command on a context of 20 carts
// and one conversation.
func BenchmarkAccessOfAnAgent(b *testing.B) {
	engine, err := bolt.Open(filepath.Join(b.TempDir(), "bench.db"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h := hub.New(engine, hub.Options{}, commerce.Model(commerce.Config{}), care.Model(care.Config{}))
	ctx, cancel := context.WithCancel(b.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = h.Run(ctx) })
	b.Cleanup(func() { cancel(); run.Wait(); engine.Close() })
	do := func(id, method, args string) {
		a := h.Do(b.Context(), hub.Command{
			Method: method, ID: id, On: "context:c-42", Args: json.RawMessage(args),
			Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: "c-42"}, Context: "c-42"},
		})
		if a.Problem != nil {
			b.Fatal(a.Problem)
		}
	}
	for n := range 20 {
		do(fmt.Sprint("cart", n), "cart.open", fmt.Sprintf(`{"cart":"ca%d"}`, n))
	}
	do("talk", "conversation.open", `{"conversation":"v1","channel":"web","queue":"support"}`)
	access := sessions.NewAccess(h)
	id := &sessions.Identity{Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "anna"}, Queues: []string{"support"}}}
	b.ReportAllocs()
	for b.Loop() {
		if p := access.Command(b.Context(), id, "context:c-42"); p != nil {
			b.Fatal(p)
		}
	}
}
