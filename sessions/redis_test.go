package sessions_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
	"github.com/samepage/samepage/sessions"
)

func TestABlockHoldsOnTwoNodesAndOneRedis(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server)
	var all []*node
	for i, address := range []string{server.URL(), proxy.URL()} {
		engine, err := redis.Open(t.Context(), redis.Options{Addresses: []string{address}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { engine.Close() })
		n := start(t, engine, 1000*(i+1), sessions.Options{}, hub.Options{CheckInterval: time.Second})
		n.http = httptest.NewServer(n.server)
		t.Cleanup(n.http.Close)
		all = append(all, n)
	}
	a, b := all[0], all[1]
	here, there, bystander := a.connected(jwt.MapClaims{"sub": "u1"}), b.connected(jwt.MapClaims{"sub": "u1"}), b.connected(jwt.MapClaims{"sub": "u9"})
	said := time.Now()
	a.do("access.block", sessions.Blocks, `{"user":"u1"}`)
	for _, p := range []*peer{here, there} {
		if code, _ := p.closed(); code != 3507 {
			t.Errorf("closed with %d, want 3507", code)
		}
	}
	t.Logf("closed on both nodes after %s", time.Since(said).Round(time.Millisecond))

	away := b.connected(jwt.MapClaims{"sub": "u2"})
	proxy.Deny()
	a.do("access.block", sessions.Blocks, `{"user":"u2"}`)
	a.do("access.unblock", sessions.Blocks, `{"user":"u1"}`)
	for n := range 10 {
		a.do("access.block", sessions.Blocks, fmt.Sprintf(`{"user":"other-%d"}`, n))
	}
	away.call(`{"unsubscribe":{"channel":"a"}}`) // nobody there can know
	proxy.Allow()
	back := time.Now()
	if code, _ := away.closed(); code != 3507 {
		t.Errorf("closed with %d, want 3507", code)
	}
	t.Logf("closed on the node that was cut off %s after it was let back", time.Since(back).Round(time.Millisecond))
	b.returns(jwt.MapClaims{"sub": "u1"})
	if code := b.refusedWith(jwt.MapClaims{"sub": "u2"}); code != 3507 {
		t.Errorf("the way back ends with %d, want 3507", code)
	}
	bystander.call(`{"unsubscribe":{"channel":"a"}}`)
}
