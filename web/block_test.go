package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestWhoIsBlockedIsAnsweredNothing(t *testing.T) {
	for name, c := range map[string]struct {
		claims       jwt.MapClaims
		target, code string
		status       int
	}{
		"a user":   {jwt.MapClaims{"sub": "c-42"}, `"user":"c-42"`, "forbidden", 403},
		"a token":  {jwt.MapClaims{"jti": "j1"}, `"token":"j1"`, "unauthorized", 401},
		"a device": {jwt.MapClaims{"device": "d1"}, `"device":"d1"`, "forbidden", 403},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			blocked, other := bearer(t, c.claims), bearer(t, jwt.MapClaims{"sub": "c-43", "context": "c-42", "jti": "j2", "device": "d2"})
			h.write("w1", "hello", false)
			stream, stays := h.stream("/v1/channels/context:c-42/events", blocked), h.stream("/v1/channels/context:c-42/events", other)
			stream.next()
			stays.next()

			block := `{"id":"b1","on":"blocks:default","args":{` + c.target + `}}`
			if a := h.post("/v1/commands/access.block", other, block); a.status != 403 {
				t.Fatalf("a customer blocks: %d %s", a.status, a.body)
			}
			if a := h.post("/v1/commands/access.block", key, block); a.status != 200 {
				t.Fatalf("block: %d %s", a.status, a.body)
			}
			if e, ok := stream.next(); ok {
				t.Errorf("the stream goes on with %+v", e)
			}
			for path, send := range map[string]func(string, http.Header) answer{
				"/v1/channels/context:c-42":        h.get,
				"/v1/channels/context:c-42/events": h.get,
				"/v1/commands/note.write": func(path string, header http.Header) answer {
					return h.post(path, header, `{"id":"w2","on":"context:c-42","args":{"note":"n2","text":"x"}}`)
				},
			} {
				send(path, blocked).problem(t, c.status, c.code)
			}
			h.write("w3", "again", false)
			if e, ok := stays.next(); !ok || e.data == "" {
				t.Errorf("somebody else's stream: %+v %v", e, ok)
			}

			if a := h.post("/v1/commands/access.unblock", key, `{"id":"b2","on":"blocks:default","args":{`+c.target+`}}`); a.status != 200 {
				t.Fatalf("unblock: %d %s", a.status, a.body)
			}
			for n := 0; h.get("/v1/channels/context:c-42", blocked).status != 200; n++ {
				if time.Sleep(10 * time.Millisecond); n > 500 {
					t.Fatal("still kept out")
				}
			}
		})
	}
}
