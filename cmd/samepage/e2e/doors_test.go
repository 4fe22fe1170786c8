package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// What is wrong is answered with its code, and nobody else notices.
func TestBadInputIsAnsweredAndDisturbsNobody(t *testing.T) {
	p := serve(t, filepath.Join(t.TempDir(), "samepage.db"), shopConfig)
	p.command("catalog.set", "catalog:default", "b-1", `{"items":{"latte":{"name":"Latte","price":{"amount":450,"currency":"USD"}}}}`)
	bystander := p.connect(t, mayaToken)
	bystander.subscribe(maya)

	t.Run("a frame that is no JSON closes with 3501", func(t *testing.T) {
		for _, frame := range []string{"{", "[]", "hello", `{"id":1}`, `{"id":1,"connect":{}}{`, `{"id":1,"connect":{}} {"id":2}x`, "\x00", strings.Repeat("[", 10_000)} {
			s := p.dial(t)
			s.send(frame)
			if code := s.closeCode(); code != 3501 {
				t.Errorf("%.20q: closed with %d", frame, code)
			}
		}
	})
	t.Run("a subscription to nothing closes with 3501", func(t *testing.T) {
		s := p.connect(t, mayaToken)
		s.send(`{"id":7,"subscribe":{"channel":""}}`)
		if code := s.closeCode(); code != 3501 {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("a first command other than connect closes with 3501", func(t *testing.T) {
		s := p.dial(t)
		s.send(`{"id":1,"subscribe":{"channel":"news"}}`)
		if code := s.closeCode(); code != 3501 {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("a binary frame on a text session closes with 3507 or 3501", func(t *testing.T) {
		s := p.connect(t, mayaToken)
		if err := s.conn.Write(context.Background(), websocket.MessageBinary, []byte{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		if code := s.closeCode(); code < 3500 || code > 3999 {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("a frame that is too long closes", func(t *testing.T) {
		s := p.connect(t, mayaToken)
		s.send(`{"id":9,"rpc":{"method":"x","data":"` + strings.Repeat("a", 70<<10) + `"}}`)
		if code := s.closeCode(); code != 1009 {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("a token of another signature closes with 3500", func(t *testing.T) {
		s := p.dial(t)
		s.send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, mayaToken[:len(mayaToken)-4]+"AAAA"))
		if code := s.closeCode(); code != 3500 {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("a token that expired is answered 109", func(t *testing.T) {
		s := p.dial(t)
		reply := s.try("connect", fmt.Sprintf(`{"token":%q}`, token(`{"sub":"c-42","role":"customer","exp":1000000000}`)))
		if field(reply, "error|code") != 109 {
			t.Errorf("answered %s", reply)
		}
	})
	t.Run("protocol errors keep the session", func(t *testing.T) {
		s := p.connect(t, mayaToken)
		for _, c := range []struct {
			command, params string
			code            int
		}{
			{"subscribe", `{"channel":"context:c-7"}`, 103},
			{"subscribe", `{"channel":"board:s1"}`, 103},
			{"subscribe", `{"channel":"queue:support"}`, 103},
			{"subscribe", `{"channel":"nowhere:x"}`, 102},
			{"publish", `{"channel":"context:c-42","data":{}}`, 103},
			{"publish", `{"channel":"news","data":{}}`, 103},
			{"rpc", `{"method":"cart.explode","data":{}}`, 104},
			{"rpc", `{"method":"catalog.set","data":{"id":"r-1","on":"catalog:default","args":{"items":{}}}}`, 103},
			{"presence", `{"channel":"context:c-42"}`, 103},
		} {
			reply := s.try(c.command, c.params)
			if got := field(reply, "error|code"); got != c.code {
				t.Errorf("%s %s: %s, want %d", c.command, c.params, reply, c.code)
			}
		}
		s.subscribe(maya)
		if got := field(s.try("subscribe", `{"channel":"`+maya+`"}`), "error|code"); got != 105 {
			t.Errorf("subscribed twice: %v", got)
		}
	})
	t.Run("commands that cannot be are refused", func(t *testing.T) {
		s := p.connect(t, mayaToken)
		for _, c := range []struct {
			method, on, args, code string
		}{
			{"cart.add_line", maya, `{"sku":"latte","quantity":1,"price":1}`, "invalid"},
			{"cart.add_line", maya, `{"sku":7}`, "invalid"},
			{"cart.add_line", maya, `[]`, "invalid"},
			{"cart.add_line", maya, `{"sku":"unicorn","quantity":1}`, "unknown_sku"},
			{"cart.add_line", "context:c-7", `{"sku":"latte","quantity":1}`, "forbidden"},
		} {
			a := s.command(c.method, c.on, "bad-"+c.method+c.args, c.args)
			if got := a.field("problem|code"); got != c.code {
				t.Errorf("%s on %s %s: %s, want %s", c.method, c.on, c.args, a.body, c.code)
			}
		}
	})
	t.Run("an id that was used for another body is refused", func(t *testing.T) {
		s := p.connect(t, mayaToken)
		s.accepted("cart.add_line", maya, "twice", `{"sku":"latte","quantity":1}`)
		if a := s.command("cart.add_line", maya, "twice", `{"sku":"latte","quantity":2}`); a.field("problem|code") != "command_id_reused" {
			t.Errorf("answered %s", a.body)
		}
		if a := p.call("POST", "/v1/commands/cart.add_line", mayaToken, `{"id":"twice","on":"`+maya+`","args":{"sku":"latte","quantity":3}}`); a.status != 409 || a.field("code") != "command_id_reused" {
			t.Errorf("by HTTP: %d %s", a.status, a.body)
		}
		if a := p.call("POST", "/v1/commands/cart.add_line", mayaToken, `{"id":"twice","on":"`+maya+`","args":{"quantity":1,"sku":"latte"}}`); a.status != 200 || a.field("replayed") != true {
			t.Errorf("the same by HTTP: %d %s", a.status, a.body)
		}
	})
	t.Run("HTTP answers problems with their status", func(t *testing.T) {
		for _, c := range []struct {
			method, path, auth, body string
			status                   int
			code                     string
		}{
			{"GET", "/v1/channels/" + maya, "-", "", 401, "unauthorized"},
			{"GET", "/v1/channels/" + maya, "nonsense", "", 401, "unauthorized"},
			{"GET", "/v1/channels/context:c-7", mayaToken, "", 403, "forbidden"},
			{"GET", "/v1/channels/" + maya + "/events?after=gone:1", "", "", 410, "gone"},
			{"GET", "/v1/channels/" + maya + "/events?after=1", "", "", 422, "invalid"},
			{"POST", "/v1/commands/cart.explode", "", `{"id":"h-1","on":"` + maya + `"}`, 404, "not_found"},
			{"POST", "/v1/commands/catalog.set", mayaToken, `{"id":"h-2","on":"catalog:default","args":{"items":{}}}`, 403, "forbidden"},
			{"POST", "/v1/commands/catalog.set", "", `{"id":"h-3"`, 400, "bad_request"},
			{"POST", "/v1/commands/catalog.set", "", `{"id":"h-4","on":"catalog:default","args":{"items":7}}`, 422, "invalid"},
			{"POST", "/v1/commands/catalog.set", "", `{"id":"h-5","on":"catalog:default","args":{}, "x":"` + strings.Repeat("a", 100<<10) + `"}`, 413, "too_large"},
		} {
			a := p.call(c.method, c.path, c.auth, c.body)
			if a.status != c.status || a.field("code") != c.code {
				t.Errorf("%s %s %.60s: %d %s, want %d %s", c.method, c.path, c.body, a.status, a.body, c.status, c.code)
			}
		}
		if a := p.call("POST", "/api/publish", "-", `{"channel":"news","data":{}}`); a.status != 401 {
			t.Errorf("publish without a key: %d %s", a.status, a.body)
		}
	})

	// The bystander is still there and heard what concerns it, no more.
	bystander.accepted("cart.add_line", maya, "bystander", `{"sku":"latte","quantity":1}`)
	eventually(t, "the bystander hears its own event", func() bool {
		for _, e := range bystander.events(maya) {
			if e.Cause == "bystander" {
				return true
			}
		}
		return false
	})
	if a := p.call("GET", "/readyz", "-", ""); a.status != 200 {
		t.Errorf("readyz: %d %s", a.status, a.body)
	}
}

// A plain channel: published by HTTP, seen by a subscriber, kept in history.
func TestAPlainPublishReachesItsSubscribers(t *testing.T) {
	p := serve(t, filepath.Join(t.TempDir(), "samepage.db"), shopConfig)
	s := p.connect(t, mayaToken)
	s.subscribe("news")
	a := p.call("POST", "/api/publish", "", `{"channel":"news","data":{"text":"fresh"}}`)
	if a.status != 200 || a.field("result|offset") != 1 {
		t.Fatalf("publish: %d %s", a.status, a.body)
	}
	eventually(t, "the publication", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, push := range s.pushes {
			if push.Channel == "news" && push.Pub != nil && push.Pub.Offset == 1 && field(push.Pub.Data, "text") == "fresh" {
				return true
			}
		}
		return false
	})
	var history struct {
		Result struct {
			Publications []json.RawMessage `json:"publications"`
		} `json:"result"`
	}
	a = p.call("POST", "/api/history", "", `{"channel":"news","limit":10}`)
	if err := json.Unmarshal(a.body, &history); err != nil || len(history.Result.Publications) != 1 {
		t.Errorf("history: %s", a.body)
	}
}
