package sessions_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

func TestServerSideSubscriptionsComeWithTheConnection(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("loyalty.adjust", "context:c-42", `{"points":5,"reason":"x"}`)
	claims := jwt.MapClaims{"sub": "c-42", "role": "customer", "channels": []string{"chat:a", "context:c-42"}}
	connect := func(rest string) (*peer, reply) {
		p := h.dial()
		return p, parse(t, p.call(fmt.Sprintf(`{"connect":{"token":%q%s}}`, token(t, claims), rest)))
	}
	p, r := connect("")
	if r.Connect == nil || len(r.Connect.Subs) != 2 || !r.Connect.Subs["chat:a"].Recoverable {
		t.Fatalf("connect: %+v", r.Connect)
	}
	if s := r.Connect.Subs["context:c-42"]; s.Data == nil || len(s.Data.Entries) == 0 || s.Offset != 1 {
		t.Fatalf("context: %+v", s)
	}
	p.next() // its own join
	publish := func(n int) {
		for range n {
			if _, err := h.hub.Publish(t.Context(), "chat:a", hub.Publication{Data: []byte(`{}`)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(1)
	if got := p.pub("chat:a"); got.Offset != 1 {
		t.Fatalf("live: %+v", got)
	}
	p.conn.CloseNow()
	publish(2)
	_, r = connect(fmt.Sprintf(`,"subs":{"chat:a":{"recover":true,"offset":1,"epoch":%q},"feed:b":{},"closed:c":{}}`, r.Connect.Subs["chat:a"].Epoch))
	if s := r.Connect.Subs["chat:a"]; !s.Recovered || offsets(s.Publications) != "2 3" {
		t.Fatalf("recovered: %+v", s)
	}
	if len(r.Connect.Subs) != 3 || r.Connect.Subs["feed:b"] == nil {
		t.Fatalf("of what the client asked for it got %v", r.Connect.Subs)
	}

	claims["channels"] = []string{"context:c-43"}
	q := h.dial()
	wantReply(t, q.call(fmt.Sprintf(`{"connect":{"token":%q}}`, token(t, claims))), `{"id":1,"error":{"code":103,"message":"permission denied"}}`)
}

func TestBackendsManageSessions(t *testing.T) {
	h := open(t, sessions.Options{ExpiryGrace: 50 * time.Millisecond}, channels)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	other := h.connected(jwt.MapClaims{"sub": "u2"})
	other.subscribe(`{"channel":"feed:a"}`)

	p := h.connected(jwt.MapClaims{"sub": "u1"})
	must(h.server.Subscribe(ctx, sessions.SubscribeRequest{User: "u1", Channel: "closed:a", Data: []byte(`{"entries":{}}`)}))
	if r := parse(t, p.next()); r.Push == nil || r.Push.Subscribe == nil || r.Push.Channel != "closed:a" || r.Push.Subscribe.Data == nil {
		t.Fatalf("subscribe: %+v", r)
	}
	if _, err := h.hub.Publish(ctx, "closed:a", hub.Publication{Data: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	if got := p.pub("closed:a"); string(got.Data) != "1" {
		t.Fatalf("publication: %s", got.Data)
	}
	must(h.server.Unsubscribe(ctx, sessions.UnsubscribeRequest{User: "u1", Channel: "closed:a"}))
	if r := parse(t, p.next()); r.Push == nil || r.Push.Unsubscribe == nil || r.Push.Unsubscribe.Code != 2000 {
		t.Fatalf("unsubscribe: %+v", r)
	}
	must(h.server.Disconnect(ctx, sessions.DisconnectRequest{User: "u1"}))
	if code, _ := p.closed(); code != 3503 {
		t.Fatalf("closed with %d, want 3503", code)
	}
	p = h.connected(jwt.MapClaims{"sub": "u1"})
	must(h.server.Disconnect(ctx, sessions.DisconnectRequest{User: "u1", Code: 3014, Reason: "state invalidated"}))
	if code, reason := p.closed(); code != 3014 || reason != "state invalidated" {
		t.Fatalf("closed with %d %s", code, reason)
	}
	p = h.connected(jwt.MapClaims{"sub": "u1"})
	must(h.server.Refresh(ctx, sessions.RefreshRequest{User: "u1", Expired: true}))
	if code, _ := p.closed(); code != 3005 {
		t.Fatalf("closed with %d, want 3005", code)
	}
	p = h.connected(jwt.MapClaims{"sub": "u1"})
	must(h.server.Refresh(ctx, sessions.RefreshRequest{User: "u1", ExpireAt: time.Now().Add(2 * time.Second).Unix()}))
	if code, _ := p.closed(); code != 3005 {
		t.Fatalf("closed with %d, want 3005", code)
	}
	if err := h.server.Subscribe(ctx, sessions.SubscribeRequest{User: "u1", Channel: "nope:a"}); err == nil {
		t.Fatal("an unknown channel was taken")
	}
	other.call(`{"unsubscribe":{"channel":"feed:a"}}`)
}

// When the hub loses a channel's thread, nobody is left believing to be up to
// date: clients are told, and get what they missed when they come back.
func TestALostThreadEndsSubscriptions(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	p := h.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"})
	s := p.subscribe(`{"channel":"context:c-42"}`)
	side := h.dial()
	side.call(fmt.Sprintf(`{"connect":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "c-42", "role": "customer", "channels": []string{"context:c-42"}})))
	h.store.forge("context:c-42", hub.Position{Epoch: "another", Offset: 9})
	if r := parse(t, p.next()); r.Push == nil || r.Push.Unsubscribe == nil || r.Push.Unsubscribe.Code != 2500 {
		t.Fatalf("told: %+v", r)
	}
	if code, _ := side.closed(); code != 3010 {
		t.Fatalf("server-side: closed with %d, want 3010", code)
	}
	h.do("loyalty.adjust", "context:c-42", `{"points":5,"reason":"x"}`)
	again := p.subscribe(fmt.Sprintf(`{"channel":"context:c-42","recover":true,"epoch":%q,"offset":%d}`, s.Epoch, s.Offset))
	if !again.Recovered || offsets(again.Publications) != "1" {
		t.Fatalf("again: %+v", again)
	}
	h.do("loyalty.adjust", "context:c-42", `{"points":5,"reason":"x"}`)
	if got := p.pub("context:c-42"); got.Offset != 2 {
		t.Fatalf("live: %+v", got)
	}
}
