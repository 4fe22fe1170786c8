package web_test

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
)

// talks lets a backend put a conversation into a queue.
var talks = hub.Model{
	Methods: []hub.Method{
		hub.NewMethod("talk.put", hub.KindContext, hub.ModeCommutes, []hub.Role{hub.RoleService},
			func(tx *hub.Tx, a struct {
				Queue string `json:"queue"`
			}) *hub.Problem {
				tx.Put("conversation/v1", a)
				tx.Emit("talk.put", nil)
				return nil
			}),
	},
	Sights: []hub.EntrySight{{Channel: hub.KindContext, Entry: "conversation", Roles: map[hub.Role]hub.Sight{hub.RoleAgent: {}, hub.RoleService: {}}}},
}

func TestAStreamEndsWithTheRightToIt(t *testing.T) {
	h := open(t, nil)
	put := func(id, queue string) {
		if a := h.post("/v1/commands/talk.put", key, `{"id":"`+id+`","on":"context:c-42","args":{"queue":"`+queue+`"}}`); a.status != 200 {
			t.Fatalf("put: %d %s", a.status, a.body)
		}
	}
	agent := bearer(t, jwt.MapClaims{"sub": "anna", "role": "agent", "queues": []string{"support"}})
	path := "/v1/channels/context:c-42"
	put("t1", "support")
	r := h.stream(path+"/events", agent)
	r.next() // the snapshot
	h.write("w1", "hello", false)
	put("t2", "sales")
	h.write("w2", "secret", true)
	var got []string
	for {
		e, ok := r.next()
		if !ok {
			break
		}
		got = append(got, e.data)
	}
	if all := strings.Join(got, " "); len(got) != 2 || !strings.Contains(all, "hello") || strings.Contains(all, "secret") {
		t.Errorf("given %q, want the note and the end of the right", got)
	}
	for _, path := range []string{path, path + "/events"} {
		h.get(path, agent).problem(t, 403, hub.CodeForbidden)
	}
	put("t3", "support")
	if a := h.get(path, agent); a.status != 200 {
		t.Errorf("the right is back, and yet %d", a.status)
	}
}
