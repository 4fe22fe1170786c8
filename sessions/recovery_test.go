package sessions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

const latte = `{"items":{"latte":{"name":"Latte","price":{"amount":450,"currency":"USD"}}}}`

func TestASubscriberOfEntriesGetsASnapshotThenEvents(t *testing.T) {
	h := open(t, sessions.Options{})
	h.do("catalog.set", "catalog:default", latte)
	h.do("loyalty.adjust", "context:c-42", `{"points":180,"reason":"welcome"}`)
	p := h.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"})
	s := p.subscribe(`{"channel":"context:c-42"}`)
	if !s.Recoverable || !s.Positioned || s.Epoch == "" || s.Offset != 1 || s.Recovered || s.Data == nil || s.Data.Role != "customer" {
		t.Fatalf("subscribed: %+v", s)
	}
	entries := s.Data.Entries
	if v := entries["loyalty"].Version; v != 1 {
		t.Fatalf("loyalty has version %d", v)
	}
	for i := range 3 {
		r := parse(t, p.call(fmt.Sprintf(`{"rpc":{"method":"cart.add_line","data":{"id":"k%d","on":"context:c-42","args":{"sku":"latte","quantity":%d}}}}`, i, i+1)))
		if r.RPC == nil || r.RPC.Data.Offset != uint64(i+2) || r.RPC.Data.Event.Type != "cart.line_added" {
			t.Fatalf("answer %d: %+v", i, r.RPC)
		}
		got := p.pub("context:c-42")
		if got.Offset != r.RPC.Data.Offset {
			t.Fatalf("event at %d, answered %d", got.Offset, r.RPC.Data.Offset)
		}
		apply(t, entries, got)
	}
	again := h.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"}).subscribe(`{"channel":"context:c-42"}`)
	if diff := cmp.Diff(normal(t, again.Data.Entries), normal(t, entries)); diff != "" {
		t.Fatalf("snapshot and snapshot with events differ:\n%s", diff)
	}
}

// apply carries an event out on entries, as a client does.
func apply(t *testing.T, entries map[string]hub.Entry, p pub) {
	t.Helper()
	var e hub.Event
	if err := json.Unmarshal(p.Data, &e); err != nil {
		t.Fatal(err)
	}
	for _, c := range e.Changes {
		switch {
		case c.Gone:
			delete(entries, c.Key)
		case c.Doc != nil:
			entries[c.Key] = hub.Entry{Version: c.Version, Doc: c.Doc}
		default:
			doc, err := jsonpatch.MergePatch(entries[c.Key].Doc, c.Patch)
			if err != nil {
				t.Fatal(err)
			}
			entries[c.Key] = hub.Entry{Version: c.Version, Doc: doc}
		}
	}
}

func normal(t *testing.T, entries map[string]hub.Entry) map[string]any {
	t.Helper()
	b, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRecoveryGivesExactlyTheMissedEvents(t *testing.T) {
	h := open(t, sessions.Options{RecoveryLimit: 5})
	for range 4 {
		h.do("loyalty.adjust", "context:c-42", `{"points":1,"reason":"x"}`)
	}
	customer := jwt.MapClaims{"sub": "c-42", "role": "customer"}
	first := h.connected(customer).subscribe(`{"channel":"context:c-42"}`)
	for range 3 {
		h.do("loyalty.adjust", "context:c-42", `{"points":1,"reason":"x"}`)
	}
	recover := func(epoch string, offset int) *subscribed {
		return h.connected(customer).subscribe(fmt.Sprintf(`{"channel":"context:c-42","recover":true,"epoch":%q,"offset":%d}`, epoch, offset))
	}
	for name, c := range map[string]struct {
		epoch     string
		offset    int
		recovered bool
		pubs      string
		at        uint64
	}{
		"from where it left":        {first.Epoch, 4, true, "5 6 7", 4},
		"without its epoch":         {"", 6, true, "7", 6},
		"from the end":              {first.Epoch, 7, true, "", 7},
		"from another epoch":        {"other", 4, false, "", 7},
		"from beyond the end":       {first.Epoch, 9, false, "", 7},
		"from longer ago than kept": {first.Epoch, 1, false, "", 7},
	} {
		t.Run(name, func(t *testing.T) {
			s := recover(c.epoch, c.offset)
			if !s.WasRecovering || s.Recovered != c.recovered || offsets(s.Publications) != c.pubs || s.Offset != c.at {
				t.Fatalf("subscribed: %+v", s)
			}
			if (s.Data == nil) != c.recovered {
				t.Fatalf("recovered %v with data %v", s.Recovered, s.Data)
			}
			if s.Epoch != first.Epoch {
				t.Fatalf("epoch %q", s.Epoch)
			}
		})
	}
}

func TestMissedEventsThatAreNotForTheAudience(t *testing.T) {
	h := open(t, sessions.Options{})
	h.do("catalog.set", "catalog:default", latte)
	h.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	agent := jwt.MapClaims{"sub": "a1", "role": "agent", "queues": []string{"support"}}
	customer := jwt.MapClaims{"sub": "c-42", "role": "customer"}
	at := h.connected(customer).subscribe(`{"channel":"context:c-42"}`)
	a := h.connected(agent)
	a.subscribe(`{"channel":"context:c-42"}`)
	note := func(id string) {
		r := parse(t, a.call(fmt.Sprintf(`{"rpc":{"method":"conversation.note","data":{"id":%q,"on":"context:c-42","args":{"conversation":"v1","text":"likes oat"}}}}`, id)))
		if r.RPC == nil || r.RPC.Data.Problem != nil {
			t.Fatalf("note: %+v", r)
		}
		a.pub("context:c-42")
	}
	note("n1")
	note("n2")
	request := fmt.Sprintf(`{"channel":"context:c-42","recover":true,"epoch":%q,"offset":%d}`, at.Epoch, at.Offset)

	s := h.connected(customer).subscribe(request)
	if !s.Recovered || len(s.Publications) != 0 || s.Offset != at.Offset+2 {
		t.Fatalf("all invisible: %+v", s)
	}
	h.do("conversation.post", "context:c-42", `{"conversation":"v1","message":"m1","text":"hello"}`)
	note("n3")
	s = h.connected(customer).subscribe(request)
	if !s.Recovered || offsets(s.Publications) != fmt.Sprint(at.Offset+3) || s.Offset != at.Offset {
		t.Fatalf("one visible: %+v", s)
	}
	s = h.connected(agent).subscribe(request)
	if !s.Recovered || len(s.Publications) != 4 {
		t.Fatalf("agent: %+v", s)
	}
}

func TestTwoAudiencesOfOneChannelSeeWhatIsForThem(t *testing.T) {
	h := open(t, sessions.Options{})
	h.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	customer := h.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"})
	agent := h.connected(jwt.MapClaims{"sub": "a1", "role": "agent", "queues": []string{"support"}, "name": "Ana"})
	binary := h.dialAs("centrifuge-protobuf")
	binary.call(fmt.Sprintf(`{"connect":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "c-42", "role": "customer"})))
	for _, p := range []*peer{customer, agent, binary} {
		p.subscribe(`{"channel":"context:c-42"}`)
	}
	agent.call(`{"rpc":{"method":"conversation.note","data":{"id":"n1","on":"context:c-42","args":{"conversation":"v1","text":"secret"}}}}`)
	h.do("loyalty.adjust", "context:c-42", `{"points":5,"reason":"sorry"}`)
	if first, second := agent.pub("context:c-42"), agent.pub("context:c-42"); !strings.Contains(string(first.Data), "secret") || first.Offset != 2 || second.Offset != 3 {
		t.Fatalf("agent: %s then %s", first.Data, second.Data)
	}
	for name, p := range map[string]*peer{"JSON": customer, "Protobuf": binary} {
		if first := p.pub("context:c-42"); first.Offset != 3 || strings.Contains(string(first.Data), "secret") || strings.Contains(string(first.Data), `"labels"`) {
			t.Fatalf("customer over %s: %d %s", name, first.Offset, first.Data)
		}
	}
	// Signals: the customer learns that somebody types, not who, and nothing of who looks.
	agent.call(`{"rpc":{"method":"signal.viewing","data":{"on":"context:c-42"}}}`)
	agent.call(`{"rpc":{"method":"signal.typing","data":{"on":"context:c-42","args":{"conversation":"v1"}}}}`)
	got := customer.pub("context:c-42")
	var e hub.Event
	if err := json.Unmarshal(got.Data, &e); err != nil || e.Type != "signal.typing" || e.By != (hub.Actor{Role: "agent"}) || got.Offset != 0 {
		t.Fatalf("signal: %s", got.Data)
	}
	if v := agent.pub("context:c-42"); !strings.Contains(string(v.Data), `"id":"a1"`) {
		t.Fatalf("signal to the agent: %s", v.Data)
	}
	if r := parse(t, customer.call(`{"rpc":{"method":"signal.typing","data":{"on":"context:c-43"}}}`)); r.RPC == nil || r.RPC.Data.Problem == nil || r.RPC.Data.Problem.Code != "forbidden" {
		t.Fatalf("signal to another context: %+v", r)
	}
}

func TestPlainChannelsRecover(t *testing.T) {
	h := open(t, sessions.Options{RecoveryLimit: 5}, channels)
	publish := func(ch hub.Channel, n int) {
		for i := range n {
			if _, err := h.hub.Publish(t.Context(), ch, hub.Publication{Data: fmt.Appendf(nil, `{"n":%d}`, i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	publish("chat:a", 12)
	s := p.subscribe(`{"channel":"chat:a"}`)
	if !s.Recoverable || !s.Positioned || s.Offset != 12 || len(s.Publications) != 0 || s.WasRecovering {
		t.Fatalf("subscribed: %+v", s)
	}
	if plain := p.subscribe(`{"channel":"feed:a"}`); plain.Recoverable || plain.Positioned || plain.Epoch != "" {
		t.Fatalf("not asked for recovery: %+v", plain)
	}
	q := h.connected(jwt.MapClaims{"sub": "u1"})
	if asked := q.subscribe(`{"channel":"feed:a","recoverable":true}`); !asked.Recoverable || !asked.Positioned || asked.Epoch == "" {
		t.Fatalf("asked for recovery: %+v", asked)
	}
	publish("chat:a", 3)
	for name, c := range map[string]struct {
		offset    int
		epoch     string
		recovered bool
		pubs      string
		at        uint64
	}{
		"what was missed":      {12, s.Epoch, true, "13 14 15", 12},
		"more than the limit":  {9, s.Epoch, false, "", 15},
		"more than is kept":    {2, s.Epoch, false, "", 15},
		"another epoch":        {12, "other", false, "", 15},
		"nothing":              {15, s.Epoch, true, "", 15},
		"epoch not remembered": {14, "", true, "15", 14},
	} {
		t.Run(name, func(t *testing.T) {
			r := h.connected(jwt.MapClaims{"sub": "u1"}).subscribe(fmt.Sprintf(`{"channel":"chat:a","recover":true,"offset":%d,"epoch":%q}`, c.offset, c.epoch))
			if r.Recovered != c.recovered || offsets(r.Publications) != c.pubs || r.Offset != c.at || !r.WasRecovering {
				t.Fatalf("%+v", r)
			}
		})
	}
	publish("last:a", 4)
	latest := h.connected(jwt.MapClaims{"sub": "u1"}).subscribe(`{"channel":"last:a","recover":true}`)
	if !latest.Recovered || offsets(latest.Publications) != "4" {
		t.Fatalf("cache: %+v", latest)
	}
	same := h.connected(jwt.MapClaims{"sub": "u1"}).subscribe(fmt.Sprintf(`{"channel":"last:a","recover":true,"offset":4,"epoch":%q}`, latest.Epoch))
	if !same.Recovered || len(same.Publications) != 0 {
		t.Fatalf("cache that is up to date: %+v", same)
	}
	hist := parse(t, p.call(`{"history":{"channel":"chat:a","limit":2,"reverse":true}}`)).History
	if offsets(hist.Publications) != "15 14" || hist.Offset != 15 || hist.Epoch != s.Epoch {
		t.Fatalf("history: %+v", hist)
	}
	if top := parse(t, p.call(`{"history":{"channel":"chat:a"}}`)).History; len(top.Publications) != 0 || top.Offset != 15 {
		t.Fatalf("history without limit: %+v", top)
	}
	if since := parse(t, p.call(fmt.Sprintf(`{"history":{"channel":"chat:a","limit":-1,"since":{"offset":13,"epoch":%q}}}`, s.Epoch))).History; offsets(since.Publications) != "14 15" {
		t.Fatalf("history since: %+v", since)
	}
}

// A subscriber who joins while others write sees every offset once, whatever
// it got as a snapshot and whatever live.
func TestJoiningWhileOthersWriteLeavesNoGap(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("catalog.set", "catalog:default", latte)
	const rounds = 20
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			time.Sleep(100 * time.Microsecond)
			h.hub.Do(t.Context(), hub.Command{Method: "loyalty.adjust", ID: fmt.Sprint("w", i), On: "context:c-42",
				Args:   json.RawMessage(`{"points":1,"reason":"x"}`),
				Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "w"}}})
		}
	}()
	p := h.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"})
	var at *subscribed
	for i := range rounds {
		request := `{"channel":"context:c-42"}`
		if at != nil && i%2 == 1 {
			request = fmt.Sprintf(`{"channel":"context:c-42","recover":true,"epoch":%q,"offset":%d}`, at.Epoch, at.Offset)
		}
		s := p.subscribe(request)
		next := s.Offset
		for _, m := range s.Publications {
			if next++; m.Offset != next {
				t.Fatalf("recovered offset %d, want %d", m.Offset, next)
			}
		}
		for range 5 {
			if next++; true {
				if got := p.pub("context:c-42"); got.Offset != next {
					t.Fatalf("live offset %d, want %d", got.Offset, next)
				}
			}
		}
		s.Offset = next
		at = s
		p.call(`{"unsubscribe":{"channel":"context:c-42"}}`)
		p.pending = nil
	}
	close(stop)
	<-done
}

func TestJoinsAndLeavesAreTold(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	a := h.connected(jwt.MapClaims{"sub": "u1"})
	a.subscribe(`{"channel":"chat:a"}`)
	if r := parse(t, a.next()); r.Push == nil || r.Push.Join == nil || r.Push.Join.Info.User != "u1" {
		t.Fatalf("own join: %+v", r)
	}
	b := h.connected(jwt.MapClaims{"sub": "u2"})
	b.subscribe(`{"channel":"chat:a"}`)
	if r := parse(t, a.next()); r.Push == nil || r.Push.Join == nil || r.Push.Join.Info.User != "u2" {
		t.Fatalf("join: %+v", r)
	}
	var members struct {
		Presence struct {
			Presence map[string]struct{ User string }
		}
	}
	if err := json.Unmarshal([]byte(a.call(`{"presence":{"channel":"chat:a"}}`)), &members); err != nil {
		t.Fatal(err)
	}
	var users []string
	for m := range maps.Values(members.Presence.Presence) {
		users = append(users, m.User)
	}
	if slices.Sort(users); !slices.Equal(users, []string{"u1", "u2"}) {
		t.Fatalf("present: %v", users)
	}
	b.conn.CloseNow()
	if r := parse(t, a.next()); r.Push == nil || r.Push.Leave == nil || r.Push.Leave.Info.User != "u2" {
		t.Fatalf("leave: %+v", r)
	}
	wantReply(t, a.call(`{"presence_stats":{"channel":"chat:a"}}`), `{"id":4,"presence_stats":{"num_clients":1,"num_users":1}}`)
}
