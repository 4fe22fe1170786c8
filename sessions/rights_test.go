package sessions_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/sessions"
)

func agent(id string, queues ...string) jwt.MapClaims {
	return jwt.MapClaims{"sub": id, "role": "agent", "queues": queues}
}

// until passes over what comes before the end of a subscription, and returns
// the types of the events, and the code.
func (p *peer) until(channel string) (events []string, code int) {
	p.t.Helper()
	for {
		r := parse(p.t, p.next())
		switch {
		case r.Push == nil || r.Push.Channel != channel:
		case r.Push.Unsubscribe != nil:
			return events, r.Push.Unsubscribe.Code
		case r.Push.Pub != nil:
			var e hub.Event
			if err := json.Unmarshal(r.Push.Pub.Data, &e); err != nil {
				p.t.Fatal(err)
			}
			events = append(events, e.Type)
		}
	}
}

func TestAnAgentKeepsAContextWhileAConversationIsTheirs(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	anna, ben := h.connected(agent("anna", "support")), h.connected(agent("ben", "sales", "support"))
	customer := h.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"})
	for _, p := range []*peer{anna, ben, customer} {
		p.subscribe(`{"channel":"context:c-42"}`)
	}
	h.do("conversation.post", "context:c-42", `{"conversation":"v1","message":"m1","text":"hello"}`)
	h.do("conversation.escalate", "context:c-42", `{"conversation":"v1","reason":"x","queue":"sales"}`)
	for n := range 20 {
		h.do("conversation.post", "context:c-42", fmt.Sprintf(`{"conversation":"v1","message":"s%d","text":"secret"}`, n))
	}
	events, code := anna.until("context:c-42")
	if got := strings.Join(events, " "); code != 2000 || got != "conversation.message_posted conversation.escalated" {
		t.Errorf("anna got %s and %d; want no word behind the end of her right, and 2000", got, code)
	}
	if got := anna.call(`{"subscribe":{"channel":"context:c-42"}}`); !strings.Contains(got, `"error":{"code":103,`) {
		t.Errorf("anna comes back: %s", got)
	}
	for name, p := range map[string]*peer{"ben": ben, "the customer": customer} {
		for want := uint64(2); want <= 23; want++ {
			if got := p.pub("context:c-42"); got.Offset != want {
				t.Fatalf("%s got %d, want %d", name, got.Offset, want)
			}
		}
	}
	// It comes back to anna when the conversation does.
	h.do("conversation.escalate", "context:c-42", `{"conversation":"v1","reason":"x","queue":"support"}`)
	anna.subscribe(`{"channel":"context:c-42"}`)
}

// A bot has a context while a thread of it is its own, and is told afterwards who has it.
func TestABotKeepsAContextWhileAThreadIsItsOwn(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	crumb := hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: "crumb"}}
	h.as(crumb, "conversation.open", "context:c-42", `{"conversation":"v1","channel":"web"}`)
	p := h.connected(jwt.MapClaims{"sub": "crumb", "role": "bot", "queues": []string{"support"}})
	p.subscribe(`{"channel":"context:c-42"}`)
	h.do("conversation.post", "context:c-42", `{"conversation":"v1","message":"m1","text":"hello"}`)
	h.do("conversation.escalate", "context:c-42", `{"conversation":"v1","reason":"user_request"}`)
	h.do("conversation.post", "context:c-42", `{"conversation":"v1","message":"m2","text":"for a person"}`)
	if events, code := p.until("context:c-42"); code != 2000 || strings.Join(events, " ") != "conversation.message_posted conversation.escalated" {
		t.Errorf("the bot got %v and %d", events, code)
	}
	if got := p.call(`{"rpc":{"method":"conversation.post","data":{"id":"k1","on":"context:c-42","args":{"conversation":"v1","text":"me again"}}}}`); !strings.Contains(got, `"not_owner"`) {
		t.Errorf("it speaks on: %s", got)
	}
	if got := p.call(`{"subscribe":{"channel":"context:c-42"}}`); !strings.Contains(got, `"error":{"code":103,`) {
		t.Errorf("it comes back: %s", got)
	}
}

func TestARightThatEndsAndComesBackMissesNothing(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	p := h.connected(agent("anna", "support"))
	p.subscribe(`{"channel":"context:c-42"}`)
	next := uint64(2)
	for round := range 30 { // two threads, one of which is always hers
		h.do("conversation.open", "context:c-42", fmt.Sprintf(`{"conversation":"w%d","channel":"web","queue":"support"}`, round))
		for _, queue := range []string{"sales", "support"} {
			h.do("conversation.escalate", "context:c-42", `{"conversation":"v1","reason":"x","queue":"`+queue+`"}`)
		}
	}
	for ; next <= 91; next++ {
		if got := p.pub("context:c-42"); got.Offset != next {
			t.Fatalf("got %d, want %d", got.Offset, next)
		}
	}
}

func TestNothingGoesOutWhileARightIsInDoubt(t *testing.T) {
	all := nodes(t, 2, sessions.Options{})
	a, b := all[0], all[1]
	a.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	p := b.connected(agent("anna", "support"))
	p.subscribe(`{"channel":"context:c-42"}`)
	customer := b.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"})
	customer.subscribe(`{"channel":"context:c-42"}`)

	gate := make(chan struct{})
	b.line.gate.Store(&gate) // the node cannot look
	a.do("conversation.escalate", "context:c-42", `{"conversation":"v1","reason":"x","queue":"sales"}`)
	for n := range 5 {
		a.do("conversation.post", "context:c-42", fmt.Sprintf(`{"conversation":"v1","message":"s%d","text":"secret"}`, n))
	}
	a.do("conversation.escalate", "context:c-42", `{"conversation":"v1","reason":"x","queue":"support"}`)
	for want := uint64(2); want <= 8; want++ {
		if got := customer.pub("context:c-42"); got.Offset != want {
			t.Fatalf("the customer got %d, want %d", got.Offset, want)
		}
	}
	if got := p.pub("context:c-42"); got.Offset != 2 {
		t.Fatalf("got %d, want 2", got.Offset)
	}
	p.call(`{"unsubscribe":{"channel":"feed:x"}}`)
	for _, waiting := range p.pending {
		t.Errorf("in doubt, and yet: %s", waiting)
	}
	b.line.gate.Store(nil)
	close(gate)
	for want := uint64(3); want <= 8; want++ { // it was hers again by the time that it was looked at
		if got := p.pub("context:c-42"); got.Offset != want {
			t.Fatalf("got %d, want %d", got.Offset, want)
		}
	}
}

func TestARightThatCannotBeLookedAtEndsForNow(t *testing.T) {
	all := nodes(t, 2, sessions.Options{})
	a, b := all[0], all[1]
	a.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	p := b.connected(agent("anna", "support"))
	p.subscribe(`{"channel":"context:c-42"}`)
	b.line.blind.Store(true)
	a.do("conversation.escalate", "context:c-42", `{"conversation":"v1","reason":"x","queue":"sales"}`)
	if events, code := p.until("context:c-42"); code != 2500 || len(events) != 1 {
		t.Errorf("got %v and %d, want the event and 2500", events, code)
	}
	b.line.blind.Store(false)
	if got := p.call(`{"subscribe":{"channel":"context:c-42"}}`); !strings.Contains(got, `"error":{"code":103,`) {
		t.Errorf("coming back: %s", got)
	}
}

func TestABackendsWordIsNotTakenBackByARightThatEnds(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	p := h.connected(agent("anna", "sales"))
	if err := h.server.Subscribe(t.Context(), sessions.SubscribeRequest{User: "anna", Channel: "context:c-42"}); err != nil {
		t.Fatal(err)
	}
	if r := parse(t, p.next()); r.Push == nil || r.Push.Subscribe == nil {
		t.Fatalf("subscribed: %+v", r)
	}
	h.do("conversation.escalate", "context:c-42", `{"conversation":"v1","reason":"x","queue":"orders"}`)
	h.do("conversation.post", "context:c-42", `{"conversation":"v1","message":"m1","text":"hello"}`)
	for want := uint64(2); want <= 3; want++ {
		if got := p.pub("context:c-42"); got.Offset != want {
			t.Fatalf("got %d, want %d", got.Offset, want)
		}
	}
}

func TestATokenWithFewerRightsEndsWhatItNoLongerAllows(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("conversation.open", "context:c-42", `{"conversation":"v1","channel":"web","queue":"support"}`)
	grant := []map[string]any{{"channels": []string{"closed:*"}, "can": []string{"subscribe"}}}
	claims := agent("anna", "support", "sales")
	claims["grants"] = grant
	p := h.connected(claims)
	p.subscribe(`{"channel":"context:c-42"}`)
	p.subscribe(`{"channel":"queue:sales"}`)
	p.subscribe(`{"channel":"queue:support"}`)
	p.subscribe(`{"channel":"closed:a"}`)
	if r := parse(t, p.call(`{"refresh":{"token":"`+token(t, agent("anna", "sales"))+`"}}`)); r.Refresh == nil {
		t.Fatalf("refresh: %+v", r)
	}
	ended := map[string]int{}
	for len(ended) < 3 {
		if r := parse(t, p.next()); r.Push != nil && r.Push.Unsubscribe != nil {
			ended[r.Push.Channel] = r.Push.Unsubscribe.Code
		}
	}
	if ended["context:c-42"] != 2000 || ended["queue:support"] != 2000 || ended["closed:a"] != 2000 {
		t.Errorf("ended: %v", ended)
	}
	if got := p.call(`{"subscribe":{"channel":"queue:sales"}}`); !strings.Contains(got, `"error":{"code":105,`) {
		t.Errorf("what it still allows: %s", got)
	}
}

// A rule that looks at what a context holds is one of the conditions: else a
// subscription would outlive it.
func TestRightsThatHangOnAContextAreLookedAtAgain(t *testing.T) {
	h := open(t, sessions.Options{})
	event := func(key string, patch string) *hub.Message {
		c := hub.Change{Key: key}
		if patch != "" {
			c.Patch = json.RawMessage(patch)
		}
		return &hub.Message{Channel: "context:c", Type: hub.MessageEvent, Event: &hub.Event{Changes: []hub.Change{c}}}
	}
	for name, c := range map[string]struct {
		m    *hub.Message
		want string // roles
	}{
		"a new conversation":          {event("conversation/v1", ""), "agent supervisor bot"},
		"another queue":               {event("conversation/v1", `{"queue":"x"}`), "agent supervisor bot"},
		"another owner":               {event("conversation/v1", `{"owner":{"id":"x"}}`), "agent supervisor bot"},
		"an offer of it":              {event("conversation/v1", `{"offer":{"to":{"id":"x"}}}`), "agent supervisor bot"},
		"a word in it":                {event("conversation/v1", `{"last":"x"}`), ""},
		"a check-in":                  {event("check_in", `{"until":"x"}`), "pos"},
		"another name for a customer": {event("alias", ""), "pos agent supervisor bot"},
		"a cart":                      {event("cart/ca1", ""), ""},
	} {
		var got []string
		for _, role := range []hub.Role{hub.RoleGuest, hub.RoleCustomer, hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor, hub.RoleBot, hub.RoleService} {
			if h.server.Access().Doubts(&sessions.Identity{Caller: hub.Caller{Actor: hub.Actor{Role: role}}}, c.m) {
				got = append(got, string(role))
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s puts %v in doubt, want %s", name, got, c.want)
		}
	}
}

func TestATillKeepsAContextWhileTheCustomerIsThere(t *testing.T) {
	var ahead atomic.Int64
	s := newStore(t, enginetest.NewModel(enginetest.ModelOptions{}))
	n := s.node(t, sessions.Options{}, hub.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	customer := n.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"})
	till := n.connected(jwt.MapClaims{"sub": "till-1", "role": "pos", "store": "s1"})
	if got := till.call(`{"subscribe":{"channel":"context:c-42"}}`); !strings.Contains(got, `"error":{"code":103,`) {
		t.Fatalf("before: %s", got)
	}
	customer.call(`{"rpc":{"method":"context.check_in_code","data":{"id":"k1","on":"context:c-42","args":{}}}}`)
	snapshot, err := n.hub.Snapshot(t.Context(), "context:c-42")
	if err != nil {
		t.Fatal(err)
	}
	var c commerce.CheckIn
	if err := json.Unmarshal(snapshot.Entries[commerce.CheckInKey].Doc, &c); err != nil {
		t.Fatal(err)
	}
	if got := till.call(`{"rpc":{"method":"context.check_in","data":{"id":"k2","args":{"code":"` + c.Code + `"}}}}`); strings.Contains(got, "problem") {
		t.Fatalf("check in: %s", got)
	}
	till.subscribe(`{"channel":"context:c-42"}`)
	ahead.Store(int64(16 * time.Minute))
	end := hub.Command{Method: "context.end_check_in", ID: "k3", On: "context:c-42", Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleSystem}}}
	if a := n.hub.Do(t.Context(), end); a.Problem != nil || a.Event == nil {
		t.Fatalf("end: %+v", a)
	}
	n.do("loyalty.adjust", "context:c-42", `{"points":5,"reason":"x"}`)
	for {
		r := parse(t, till.next())
		if r.Push == nil {
			continue
		}
		if r.Push.Pub != nil && strings.Contains(string(r.Push.Pub.Data), "loyalty") {
			t.Errorf("behind the end of its right: %s", r.Push.Pub.Data)
		}
		if r.Push.Unsubscribe != nil {
			if r.Push.Unsubscribe.Code != 2000 {
				t.Errorf("ended with %d, want 2000", r.Push.Unsubscribe.Code)
			}
			return
		}
	}
}
