package sessions_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/flow"
	"github.com/samepage/samepage/sessions"
)

// who are the sockets of a test of blocks: what is blocked, and how its socket ends.
var who = map[string]struct {
	claims jwt.MapClaims
	target string
	code   websocket.StatusCode
}{
	"a user":   {jwt.MapClaims{"sub": "u1", "role": "customer"}, `"user":"u1"`, 3507},
	"a token":  {jwt.MapClaims{"sub": "u2", "jti": "j2"}, `"token":"j2"`, 3500},
	"a device": {jwt.MapClaims{"sub": "u3", "role": "pos", "store": "s1", "device": "d3"}, `"device":"d3"`, 3507},
}

// refusedWith is the code that connecting ends with.
func (h *house) refusedWith(claims jwt.MapClaims) websocket.StatusCode {
	h.t.Helper()
	p := h.dial()
	p.send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token(h.t, claims)))
	code, _ := p.closed()
	return code
}

// returns waits until a caller may connect.
func (h *house) returns(claims jwt.MapClaims) {
	h.t.Helper()
	for range 500 {
		p := h.dial()
		p.send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token(h.t, claims)))
		if r, err := p.read(); err == nil && strings.HasPrefix(r, `{"id":1,"connect":{`) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatal("still kept out")
}

func TestABlockSaidAtOneNodeClosesSocketsAtAll(t *testing.T) {
	for name, c := range who {
		t.Run(name, func(t *testing.T) {
			all := nodes(t, 2, sessions.Options{})
			a, b := all[0], all[1]
			here, there := a.connected(c.claims), b.connected(c.claims)
			bystander := b.connected(jwt.MapClaims{"sub": "u9", "jti": "j9", "device": "d9"})
			a.do("access.block", sessions.Blocks, `{`+c.target+`,"reason":"test"}`)
			for _, p := range []*peer{here, there} {
				if code, _ := p.closed(); code != c.code {
					t.Errorf("closed with %d, want %d", code, c.code)
				}
			}
			for _, n := range all {
				if code := n.refusedWith(c.claims); code != c.code {
					t.Errorf("the way back ends with %d, want %d", code, c.code)
				}
			}
			bystander.call(`{"unsubscribe":{"channel":"a"}}`)

			b.do("access.unblock", sessions.Blocks, `{`+c.target+`}`)
			a.returns(c.claims)
			b.returns(c.claims)
		})
	}
}

func TestABlockHoldsAtANodeThatHeardNothingOfIt(t *testing.T) {
	all := nodes(t, 2, sessions.Options{})
	a, b := all[0], all[1]
	deaf := func(m *hub.Message) bool { return m.Channel == sessions.Blocks }
	b.line.drop.Store(&deaf)
	p := b.connected(who["a user"].claims)
	a.do("access.block", sessions.Blocks, `{"user":"u1"}`)
	if code, _ := p.closed(); code != 3507 {
		t.Errorf("closed with %d, want 3507", code)
	}
}

func TestABlockHoldsAtANodeThatWasCutOff(t *testing.T) {
	all := nodes(t, 2, sessions.Options{})
	a, b := all[0], all[1]
	gone, stays := b.connected(who["a user"].claims), b.connected(jwt.MapClaims{"sub": "u9"})
	b.line.cut.Store(true)
	a.do("access.block", sessions.Blocks, `{"user":"u1"}`)
	for n := range 5 { // so that a gap has to be closed as well
		a.do("access.block", sessions.Blocks, fmt.Sprintf(`{"user":"other-%d"}`, n))
	}
	stays.call(`{"unsubscribe":{"channel":"a"}}`)
	gone.call(`{"unsubscribe":{"channel":"a"}}`) // nobody can know yet
	b.line.cut.Store(false)
	if code, _ := gone.closed(); code != 3507 {
		t.Errorf("closed with %d, want 3507", code)
	}
	stays.call(`{"unsubscribe":{"channel":"a"}}`)
}

func TestABlockHoldsWhenTheThreadOfBlocksIsLost(t *testing.T) {
	h := open(t, sessions.Options{})
	p := h.connected(who["a user"].claims)
	h.store.forge(sessions.Blocks, hub.Position{Epoch: "another", Offset: 7})
	h.do("access.block", sessions.Blocks, `{"user":"u1"}`)
	if code, _ := p.closed(); code != 3507 {
		t.Errorf("closed with %d, want 3507", code)
	}
}

func TestARestartKeepsBlocks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	start := func() (*store, *node) {
		engine, err := bolt.Open(file, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := newStore(t, engine)
		return s, s.node(t, sessions.Options{}, hub.Options{})
	}
	s, n := start()
	n.do("access.block", sessions.Blocks, `{"token":"j2"}`)
	n.stop()
	s.Engine.Close()
	_, n = start()
	if code := n.refusedWith(who["a token"].claims); code != 3500 {
		t.Errorf("closed with %d, want 3500", code)
	}
	n.connected(jwt.MapClaims{"sub": "u2", "jti": "another"})
}

func TestABlockedTokenIsNoRefreshAndNoSubscription(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	h.do("access.block", sessions.Blocks, `{"token":"old"}`)
	for h.server.Blocked(t.Context(), &sessions.Identity{TokenID: "old"}) == nil {
		time.Sleep(time.Millisecond)
	}
	ticket := func(jti string) string {
		return token(t, jwt.MapClaims{"sub": "u1", "channel": "closed:a", "jti": jti})
	}
	p := h.connected(jwt.MapClaims{"sub": "u1", "jti": "new"})
	if got := p.call(`{"subscribe":{"channel":"closed:a","token":"` + ticket("old") + `"}}`); !strings.Contains(got, `"error":{"code":103,`) {
		t.Errorf("a subscription with a blocked token: %s", got)
	}
	p.subscribe(`{"channel":"closed:a","token":"` + ticket("sub") + `"}`)
	h.do("access.block", sessions.Blocks, `{"token":"sub"}`)
	if r := parse(t, p.next()); r.Push == nil || r.Push.Unsubscribe == nil || r.Push.Unsubscribe.Code != 2000 {
		t.Errorf("the subscription that stood on it: %+v", r)
	}
	p.call(`{"refresh":{"token":"` + token(t, jwt.MapClaims{"sub": "u1", "jti": "newer"}) + `"}}`)
	p.send(`{"id":99,"refresh":{"token":"` + token(t, jwt.MapClaims{"sub": "u1", "jti": "old"}) + `"}}`)
	if code, _ := p.closed(); code != 3500 {
		t.Errorf("a refresh with a blocked token: closed with %d, want 3500", code)
	}
}

func TestABlockedSocketDoesNotStayBecauseItDoesNotRead(t *testing.T) {
	h := open(t, sessions.Options{CloseTimeout: time.Hour}, channels)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	h.do("access.block", sessions.Blocks, `{"user":"u1"}`)
	for h.server.Stats().Sockets > 0 { // the peer never answers the goodbye
		time.Sleep(10 * time.Millisecond)
	}
	p.conn.CloseNow()
}

func TestBlocksAreForServicesAlone(t *testing.T) {
	h := open(t, sessions.Options{})
	h.do("access.block", sessions.Blocks, `{"user":"u6"}`)
	for _, role := range []hub.Role{hub.RoleGuest, hub.RoleCustomer, hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor, hub.RoleBot} {
		p := h.connected(jwt.MapClaims{"sub": "me", "role": role, "store": "s1", "queues": []string{"support"}})
		for what, request := range map[string]string{
			"subscribes": `{"subscribe":{"channel":"blocks:default"}}`,
			"reads":      `{"history":{"channel":"blocks:default","limit":10}}`,
			"blocks":     `{"rpc":{"method":"access.block","data":{"id":"b1","on":"blocks:default","args":{"user":"x"}}}}`,
			"unblocks":   `{"rpc":{"method":"access.unblock","data":{"id":"b2","on":"blocks:default","args":{"user":"u6"}}}}`,
			"lapses":     `{"rpc":{"method":"access.lapse","data":{"id":"b3","on":"blocks:default","args":{"key":"user/u6"}}}}`,
		} {
			if got := p.call(request); !strings.Contains(got, `"error":{"code":103,`) {
				t.Errorf("%s %s: %s", role, what, got)
			}
		}
	}
	service := h.connected(jwt.MapClaims{"sub": "backend", "role": "service"})
	if s := service.subscribe(`{"channel":"blocks:default"}`); s.Data == nil || len(s.Data.Entries) != 1 {
		t.Errorf("a service sees %+v", s.Data)
	}
}

func TestBlocksAreSaidOrRefused(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	methods, sights := hub.NewMethods(sessions.Model()), hub.NewSights(sessions.Model())
	state := hub.State{Position: hub.Position{Epoch: "e"}}
	do := func(method string, role hub.Role, on hub.Channel, args string) hub.Decision {
		cmd := hub.Command{Method: method, ID: "x", On: on, Args: json.RawMessage(args), Caller: hub.Caller{Actor: hub.Actor{Role: role, ID: "api"}}}
		return hub.Decide(methods, sights, cmd, now, state, nil)
	}
	for name, c := range map[string]struct{ on, args, code string }{
		"nobody":               {"", `{"reason":"x"}`, hub.CodeInvalid},
		"two at once":          {"", `{"user":"u","token":"j"}`, hub.CodeInvalid},
		"a name too long":      {"", `{"user":"` + strings.Repeat("u", 256) + `"}`, hub.CodeInvalid},
		"a reason too long":    {"", `{"user":"u","reason":"` + strings.Repeat("x", 501) + `"}`, hub.CodeInvalid},
		"until a time gone by": {"", `{"user":"u","until":"2026-11-23T08:59:59Z"}`, hub.CodeInvalid},
		"another list":         {"blocks:mine", `{"user":"u"}`, hub.CodeNotFound},
	} {
		on := sessions.Blocks
		if c.on != "" {
			on = hub.Channel(c.on)
		}
		if d := do("access.block", hub.RoleService, on, c.args); d.Problem == nil || d.Problem.Code != c.code {
			t.Errorf("%s: %v, want %s", name, d.Problem, c.code)
		}
	}
	step := func(method string, role hub.Role, args, event, left string, timers int) {
		t.Helper()
		d := do(method, role, sessions.Blocks, args)
		if d.Problem != nil {
			t.Fatalf("%s %s: %v", method, args, d.Problem)
		}
		got := ""
		if d.Commit.Event != nil {
			got = d.Commit.Event.Type
		}
		var keys []string
		for key := range d.State.Entries {
			keys = append(keys, key)
		}
		if got != event || strings.Join(keys, " ") != left || len(d.Commit.Timers) != timers {
			t.Fatalf("%s %s: %q leaves %v with %d timers, want %q, %s, %d", method, args, got, keys, len(d.Commit.Timers), event, left, timers)
		}
		state = d.State
	}
	step("access.unblock", hub.RoleService, `{"user":"u"}`, "", "", 0)
	step("access.block", hub.RoleService, `{"user":"u","until":"2026-11-23T09:01:00Z"}`, "access.blocked", "user/u", 1)
	step("access.lapse", hub.RoleSystem, `{"key":"user/u"}`, "", "user/u", 0) // too early
	now = now.Add(time.Minute)
	step("access.lapse", hub.RoleSystem, `{"key":"user/u"}`, "access.lapsed", "", 0)
	step("access.block", hub.RoleService, `{"user":"u"}`, "access.blocked", "user/u", 1)
	step("access.lapse", hub.RoleSystem, `{"key":"user/u"}`, "", "user/u", 0) // for good now
	step("access.unblock", hub.RoleService, `{"user":"u"}`, "access.unblocked", "", 1)

	state.Entries = map[string]hub.Entry{}
	for n := range sessions.MaxBlocks {
		state.Entries[fmt.Sprint("user/", n)] = hub.Entry{Version: 1, Doc: json.RawMessage(`{}`)}
	}
	if d := do("access.block", hub.RoleService, sessions.Blocks, `{"user":"one more"}`); d.Problem == nil || d.Problem.Code != hub.CodeTooLarge {
		t.Errorf("one block too many: %v", d.Problem)
	}
	if d := do("access.block", hub.RoleService, sessions.Blocks, `{"user":"7","reason":"again"}`); d.Problem != nil {
		t.Errorf("a block that stands is changed: %v", d.Problem)
	}
}

func TestABlockEndsWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, enginetest.NewModel(enginetest.ModelOptions{}))
		n := s.bare(t, sessions.Options{}, hub.Options{})
		timers := flow.NewTimers(s.Engine, n.hub.Do, flow.Options{})
		go timers.Run(t.Context())
		id := &sessions.Identity{Caller: hub.Caller{Actor: hub.Actor{ID: "u1"}}}
		until := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
		n.do("access.block", sessions.Blocks, `{"user":"u1","until":"`+until+`"}`)
		time.Sleep(59 * time.Second)
		if n.server.Blocked(t.Context(), id) == nil {
			t.Error("not blocked before its time is over")
		}
		time.Sleep(time.Second)
		if p := n.server.Blocked(t.Context(), id); p != nil { // whether or not the timer has run
			t.Errorf("blocked after its time: %v", p)
		}
		time.Sleep(time.Second)
		if snapshot, err := n.hub.Snapshot(t.Context(), sessions.Blocks); err != nil || len(snapshot.Entries) != 0 {
			t.Errorf("the block stays in the store: %v %v", snapshot.Entries, err)
		}
		n.stop()
	})
}

func TestWhatLastsEndsWithABlock(t *testing.T) {
	h := open(t, sessions.Options{})
	id := &sessions.Identity{Caller: hub.Caller{Actor: hub.Actor{ID: "u1"}}}
	ctx, stop := h.server.While(t.Context(), id)
	defer stop()
	h.do("access.block", sessions.Blocks, `{"user":"u1"}`)
	<-ctx.Done()
	again, stopAgain := h.server.While(t.Context(), id)
	defer stopAgain()
	<-again.Done()
}
