package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// device is a bare socket that speaks the client protocol in JSON.
type device struct {
	t    testing.TB
	conn *websocket.Conn
	ctx  context.Context
}

func (h *house) dial(header http.Header) (*device, error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second)
	h.t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, h.URL+"/connection/websocket", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, err
	}
	h.t.Cleanup(func() { conn.CloseNow() })
	return &device{h.t, conn, ctx}, nil
}

func (d *device) say(line string) {
	d.t.Helper()
	if err := d.conn.Write(d.ctx, websocket.MessageText, []byte(line)); err != nil {
		d.t.Fatal(err)
	}
}

// hear is the next line that is no ping, decoded.
func (d *device) hear() (line string) {
	d.t.Helper()
	for {
		_, frame, err := d.conn.Read(d.ctx)
		if err != nil {
			d.t.Fatal(err)
		}
		if line = strings.TrimSpace(string(frame)); line != "{}" {
			return line
		}
	}
}

// connected is a device whose session has begun.
func (h *house) connected() *device {
	h.t.Helper()
	d, err := h.dial(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	d.say(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token(h.t, nil)))
	if line := d.hear(); !strings.HasPrefix(line, `{"id":1,"connect":{`) {
		h.t.Fatalf("connected with %s", line)
	}
	return d
}

func TestSocketBehindTheDoor(t *testing.T) {
	h := open(t, nil)
	d := h.connected()
	d.say(`{"id":2,"subscribe":{"channel":"news"}}`)
	if line := d.hear(); !strings.HasPrefix(line, `{"id":2,"subscribe":{`) {
		t.Fatalf("subscribed with %s", line)
	}
	// A backend's JSON may be laid out for people; a frame of the protocol breaks lines between replies.
	same(t, h.post("/api/publish", key, "{\"channel\":\"news\",\"data\":{\n  \"price\": 450\n}}").body,
		fmt.Sprintf(`{"result":{"offset":1,"epoch":%q}}`, h.epoch("news")))
	var push struct {
		Push struct {
			Channel string
			Pub     struct {
				Data   struct{ Price int }
				Offset int
			}
		}
	}
	line := d.hear()
	if err := json.Unmarshal([]byte(line), &push); err != nil || push.Push.Pub.Data.Price != 450 || push.Push.Pub.Offset != 1 || strings.Contains(line, "\n") {
		t.Errorf("push %q (%v)", line, err)
	}

	var presence struct {
		Result struct {
			Presence map[string]struct{ User string }
		}
	}
	h.post("/api/presence", key, `{"channel":"news"}`).into(t, 200, &presence)
	if len(presence.Result.Presence) != 1 {
		t.Errorf("presence %+v", presence)
	}
	var info struct {
		Result struct {
			Nodes []struct {
				NumClients int `json:"num_clients"`
				NumSubs    int `json:"num_subs"`
			}
		}
	}
	h.post("/api/info", key, `{}`).into(t, 200, &info)
	if n := info.Result.Nodes; len(n) != 1 || n[0].NumClients != 1 || n[0].NumSubs != 1 {
		t.Errorf("info %+v", info)
	}
	if text := string(h.get("/metrics", nobody).body); !strings.Contains(text, "\nsamepage_sessions 1\n") || !strings.Contains(text, "\nsamepage_subscriptions 1\n") {
		t.Error("the metrics do not count the session")
	}
}

func TestCommandsOverHTTPReachTheSocket(t *testing.T) {
	h := open(t, nil)
	d := h.connected()
	d.say(`{"id":2,"subscribe":{"channel":"context:c-42"}}`)
	d.hear()
	h.post("/v1/commands/note.write", bearer(t, nil), noteBody("id-1", "over http")).into(t, 200, &struct{}{})
	if line := d.hear(); !strings.Contains(line, `"cause":"id-1"`) || !strings.Contains(line, "over http") {
		t.Errorf("push %s", line)
	}
}

func TestServerAPISubscribesAndDisconnects(t *testing.T) {
	h := open(t, nil)
	d := h.connected()
	same(t, h.post("/api/subscribe", key, `{"user":"c-42","channel":"brief:x"}`).body, `{"result":{}}`)
	if line := d.hear(); !strings.Contains(line, `"subscribe":{`) || !strings.Contains(line, `"channel":"brief:x"`) {
		t.Errorf("push %s", line)
	}
	same(t, h.post("/api/channels", key, `{"pattern":"b*:*"}`).body, `{"result":{"channels":{"brief:x":{"num_clients":1}}}}`)
	same(t, h.post("/api/channels", key, `{"pattern":"x*"}`).body, `{"result":{"channels":{}}}`)
	h.post("/api/publish", key, `{"channel":"brief:x","data":"hello"}`)
	if line := d.hear(); !strings.Contains(line, `"data":"hello"`) {
		t.Errorf("push %s", line)
	}
	same(t, h.post("/api/unsubscribe", key, `{"user":"c-42","channel":"brief:x"}`).body, `{"result":{}}`)
	if line := d.hear(); !strings.Contains(line, `"unsubscribe":{`) {
		t.Errorf("push %s", line)
	}
	same(t, h.post("/api/disconnect", key, `{"user":"c-42","disconnect":{"code":4000,"reason":"enough"}}`).body, `{"result":{}}`)
	_, _, err := d.conn.Read(d.ctx)
	if websocket.CloseStatus(err) != 4000 {
		t.Errorf("closed with %v", err)
	}
}

func TestSocketLooksAtOrigins(t *testing.T) {
	h := open(t, nil)
	if _, err := h.dial(http.Header{"Origin": {"https://evil.example"}}); err == nil {
		t.Error("a page of another site is connected")
	}
}

func (h *house) epoch(channel string) string {
	h.t.Helper()
	var got struct{ Epoch string }
	h.get("/v1/channels/"+channel, key).into(h.t, 200, &got)
	return got.Epoch
}
