package sessions_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

func TestPingsAreSentAndPongsExpected(t *testing.T) {
	for _, subprotocol := range []string{"centrifuge-json", "centrifuge-protobuf"} {
		t.Run(subprotocol, func(t *testing.T) {
			h := open(t, sessions.Options{PingInterval: 60 * time.Millisecond, PongTimeout: 50 * time.Millisecond, AnonymousAllowed: true})
			p := h.dialAs(subprotocol)
			r := p.call(`{"connect":{}}`)
			if !strings.Contains(r, `"ping":1,"pong":true`) {
				t.Fatalf("connect: %s", r)
			}
			for range 4 {
				wantReply(t, p.next(), `{}`)
				p.send(`{}`)
			}
			wantReply(t, p.next(), `{}`)
			if code, _ := p.closed(); code != 3012 {
				t.Fatalf("closed with %d, want 3012", code)
			}
		})
	}
}

func TestOnePongForOnePing(t *testing.T) {
	h := open(t, sessions.Options{PingInterval: 200 * time.Millisecond, AnonymousAllowed: true})
	p := h.connected(nil)
	wantReply(t, p.next(), `{}`)
	p.send("{}\n{}")
	if code, _ := p.closed(); code != 3501 {
		t.Fatalf("closed with %d, want 3501", code)
	}
}

func TestToolsMayBePingedByFrames(t *testing.T) {
	h := open(t, sessions.Options{PingInterval: 20 * time.Millisecond, PongTimeout: time.Second, AnonymousAllowed: true})
	pinged := make(chan struct{}, 100)
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(h.http.URL, "http")+"?cf_ws_frame_ping_pong=true",
		&websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool { pinged <- struct{}{}; return true }})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	p := &peer{t: t, conn: conn}
	p.call(`{"connect":{}}`)
	go conn.Read(t.Context())
	<-pinged
	<-pinged
}

func TestASocketThatDoesNotConnectIsClosed(t *testing.T) {
	h := open(t, sessions.Options{ConnectTimeout: 50 * time.Millisecond, AnonymousAllowed: true})
	silent, refused, good := h.dial(), h.dial(), h.connected(nil)
	refused.send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "u1", "exp": 1})))
	for name, p := range map[string]*peer{"silent": silent, "refused": refused} {
		if code, _ := p.closed(); code != 3502 {
			t.Fatalf("%s: closed with %d, want 3502", name, code)
		}
	}
	good.call(`{"unsubscribe":{"channel":"a"}}`)
}

func TestASessionEndsWithItsTokenUnlessItIsRefreshed(t *testing.T) {
	h := open(t, sessions.Options{ExpiryGrace: 100 * time.Millisecond})
	soon := time.Now().Add(1500 * time.Millisecond).Unix() // a whole second: in 0.5 to 1.5 s
	p := h.dial()
	r := parse(t, p.call(fmt.Sprintf(`{"connect":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "u1", "exp": soon}))))
	if r.Connect == nil || !r.Connect.Expires || r.Connect.TTL < 1 || r.Connect.TTL > 2 {
		t.Fatalf("connect: %+v", r.Connect)
	}
	q := h.dial()
	q.call(fmt.Sprintf(`{"connect":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "u1", "exp": soon})))
	fresh := parse(t, q.call(fmt.Sprintf(`{"refresh":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "u1"}))))
	if fresh.Refresh == nil || !fresh.Refresh.Expires || fresh.Refresh.TTL < 3000 {
		t.Fatalf("refresh: %+v", fresh)
	}
	if code, _ := p.closed(); code != 3005 {
		t.Fatalf("closed with %d, want 3005", code)
	}
	if time.Now().Unix() < soon {
		t.Fatal("closed before its time")
	}
	q.call(`{"unsubscribe":{"channel":"a"}}`)
}

func TestASubscriptionEndsWithItsTokenUnlessItIsRefreshed(t *testing.T) {
	h := open(t, sessions.Options{ExpiryGrace: 100 * time.Millisecond}, channels)
	soon := time.Now().Add(1500 * time.Millisecond).Unix()
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	ticket := func(channel string, exp int64) string {
		return token(t, jwt.MapClaims{"sub": "u1", "channel": channel, "exp": exp, "info": map[string]any{"a": 1}})
	}
	for _, ch := range []string{"closed:a", "closed:b"} {
		if s := p.subscribe(fmt.Sprintf(`{"channel":%q,"token":%q}`, ch, ticket(ch, soon))); !s.Expires || s.TTL < 1 {
			t.Fatalf("subscribed: %+v", s)
		}
	}
	r := parse(t, p.call(fmt.Sprintf(`{"sub_refresh":{"channel":"closed:b","token":%q}}`, ticket("closed:b", soon+3600))))
	if r.SubRefresh == nil || !r.SubRefresh.Expires || r.SubRefresh.TTL < 3000 {
		t.Fatalf("sub_refresh: %+v", r)
	}
	if u := parse(t, p.next()); u.Push == nil || u.Push.Channel != "closed:a" || u.Push.Unsubscribe == nil || u.Push.Unsubscribe.Code != 2501 {
		t.Fatalf("end: %+v", u)
	}
	p.call(fmt.Sprintf(`{"subscribe":{"channel":"closed:a","token":%q}}`, ticket("closed:a", soon+3600)))
}

func TestASlowDeviceIsCutOffAndItsNeighboursAreNot(t *testing.T) {
	h := open(t, sessions.Options{MaxOutbox: 512 << 10, CloseTimeout: 10 * time.Second}, channels)
	quick, slow := h.connected(jwt.MapClaims{"sub": "u1"}), h.connected(jwt.MapClaims{"sub": "u2"})
	for _, p := range []*peer{quick, slow} {
		p.subscribe(`{"channel":"feed:a"}`)
	}
	payload := []byte(`"` + strings.Repeat("x", 60_000) + `"`)
	var sent int
	for cut := false; !cut; sent++ {
		if sent == 2000 {
			t.Fatal("never cut off")
		}
		if _, err := h.hub.Publish(t.Context(), "feed:a", hub.Publication{Data: payload}); err != nil {
			t.Fatal(err)
		}
		if got := quick.pub("feed:a"); got.Offset != uint64(sent+1) {
			t.Fatalf("the quick one got offset %d, want %d", got.Offset, sent+1)
		}
		cut = sessions.Closing(h.server) > 0
	}
	if code, _ := slow.closed(); code != 3008 {
		t.Fatalf("closed with %d, want 3008", code)
	}
	quick.call(`{"unsubscribe":{"channel":"feed:a"}}`)
}

func TestASlowDeviceThatNeverReadsIsDropped(t *testing.T) {
	codes := make(chan uint32, 1)
	h := open(t, sessions.Options{MaxOutbox: 64 << 10, CloseTimeout: 50 * time.Millisecond, OnClose: func(c uint32) { codes <- c }}, channels)
	slow := h.connected(jwt.MapClaims{"sub": "u2"})
	slow.subscribe(`{"channel":"feed:a"}`)
	payload := []byte(`"` + strings.Repeat("x", 60_000) + `"`)
	for range 2000 {
		if _, err := h.hub.Publish(t.Context(), "feed:a", hub.Publication{Data: payload}); err != nil {
			t.Fatal(err)
		}
		select {
		case c := <-codes:
			if c != 3008 {
				t.Fatalf("closed with %d", c)
			}
			return
		default:
		}
	}
	if c := <-codes; c != 3008 {
		t.Fatalf("closed with %d", c)
	}
}

func TestDrainingClosesEverySession(t *testing.T) {
	h := open(t, sessions.Options{AnonymousAllowed: true})
	peers := make([]*peer, 5)
	for i := range peers {
		peers[i] = h.connected(nil)
	}
	got := make(chan websocket.StatusCode, len(peers))
	for _, p := range peers {
		go func() {
			code, _ := p.closed()
			got <- code
		}()
	}
	if err := h.server.Drain(t.Context(), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for range peers {
		if code := <-got; code != 3001 {
			t.Fatalf("closed with %d, want 3001", code)
		}
	}
	if _, res, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(h.http.URL, "http"), nil); err == nil || res == nil || res.StatusCode != 503 {
		t.Fatalf("a new socket was taken: %v", err)
	}
	if st := h.server.Stats(); st.Sockets != 0 || st.Clients != 0 || st.Users != 0 || st.Subscriptions != 0 {
		t.Fatalf("left behind: %+v", st)
	}
}

// A command that waits for the store holds up its own channel, nothing else.
func TestASlowCommandHoldsUpNothingElse(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("catalog.set", "catalog:default", latte)
	release := h.stall("context:c-42")
	p := h.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"})
	p.send(`{"id":10,"rpc":{"method":"cart.add_line","data":{"id":"k1","on":"context:c-42","args":{"sku":"latte","quantity":1}}}}`)
	p.send(`{"id":11,"subscribe":{"channel":"context:c-42"}}`)
	p.call(`{"subscribe":{"channel":"chat:a"}}`)
	p.next() // the join
	release()
	if r := parse(t, p.next()); r.ID != 10 || r.RPC == nil || r.RPC.Data.Problem != nil {
		t.Fatalf("first: %+v", r)
	}
	if r := parse(t, p.next()); r.ID != 11 || r.Subscribe == nil || r.Subscribe.Offset != 1 {
		t.Fatalf("second: %+v", r)
	}
}

func TestALeftSocketLeavesNothingBehind(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	for range 20 {
		p := h.connected(jwt.MapClaims{"sub": "u1"})
		p.subscribe(`{"channel":"chat:a"}`)
		p.send(`{"id":9,"subscribe":{"channel":"feed:a"}}`)
		p.conn.CloseNow()
	}
	for range 500 {
		if st := h.server.Stats(); st.Sockets == 0 && st.Clients == 0 && st.Users == 0 && st.Channels == 0 && st.Subscriptions == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("left behind: %+v", h.server.Stats())
}

// An idle socket with a subscription is to cost little: this prints how much
// and fails only far beyond what it should be.
func TestAnIdleSocketCostsLittle(t *testing.T) {
	h := open(t, sessions.Options{AnonymousAllowed: true}, hub.Namespaces{WithoutNamespace: hub.ChannelOptions{
		AllowSubscribeForClient: true, AllowSubscribeForAnonymous: true, ForceRecovery: true, HistorySize: 10, HistoryTTL: hub.Duration(time.Minute)}})
	const sockets = 300
	measure := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	dial := func(i int) net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(h.http.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		var b bytes.Buffer
		b.WriteString("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		for _, m := range []string{`{"id":1,"connect":{}}`, fmt.Sprintf(`{"id":2,"subscribe":{"channel":"a%d"}}`, i)} {
			b.Write([]byte{0x81, 0x80 | byte(len(m)), 0, 0, 0, 0})
			b.WriteString(m)
		}
		if _, err := c.Write(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := measure()
	for i := range sockets {
		dial(i)
	}
	for h.server.Stats().Subscriptions < sockets {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	each := (measure() - before) / sockets
	t.Logf("%d bytes of heap and stack for each idle socket, the test's end included", each)
	if each > 32<<10 {
		t.Fatalf("%d bytes for each idle socket", each)
	}
}
