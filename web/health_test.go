package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/web"
)

// eventually waits for something that happens beside the test; it fails only
// if it never does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func TestHealthAndReadiness(t *testing.T) {
	h := open(t, nil)
	if a := h.get("/healthz", nobody); a.status != 200 || string(a.body) != "ok\n" {
		t.Errorf("healthz: %d %s", a.status, a.body)
	}
	eventually(t, "ready", func() bool { return h.get("/readyz", nobody).status == 200 })
	same(t, h.get("/readyz", nobody).body, `{"ready":true}`)
}

func TestNotReadySaysWhy(t *testing.T) {
	h := open(t, nil)
	never := hub.New(h.engine, hub.Options{}) // never runs
	door, err := web.New(web.Options{Hub: never, Sessions: h.socket, Access: h.access(never), Tokens: h.tokens, Members: h.member})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"reason":"the hub has not started yet"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMetricsSpeakOfTheProgramAlone(t *testing.T) {
	h := open(t, nil)
	h.post("/v1/commands/note.write", bearer(t, nil), noteBody("a", "x"))
	h.post("/v1/commands/note.write", bearer(t, nil), noteBody("b", "occupied"))
	h.post("/v1/commands/some-word-of-a-caller", bearer(t, nil), noteBody("c", "x"))
	h.get("/v1/channels/some-channel", bearer(t, nil))
	h.get("/app/", nobody)
	h.get("/some-path", nobody)
	h.post("/api/publish", key, `{"channel":"nobody:x","data":1}`)
	h.post("/api/some-method", key, `{}`)
	a := h.get("/metrics", nobody)
	text := string(a.body)
	for _, line := range []string{
		`samepage_commands_total{code="ok",method="note.write"} 1`,
		`samepage_commands_total{code="note_taken",method="note.write"} 1`,
		`samepage_command_duration_seconds_count{method="note.write"} 2`,
		`samepage_http_request_duration_seconds_count{method="POST",route="/v1/commands/:method",status="200"} 1`,
		`samepage_http_request_duration_seconds_count{method="POST",route="/v1/commands/:method",status="404"} 1`,
		`samepage_http_request_duration_seconds_count{method="GET",route="/v1/channels/:channel",status="200"} 1`,
		`samepage_http_request_duration_seconds_count{method="GET",route="pages",status="200"} 1`,
		`samepage_http_request_duration_seconds_count{method="any",route="none",status="404"} 1`,
		`samepage_api_calls_total{code="102",method="publish"} 1`,
		`samepage_sessions 0`, `samepage_subscriptions 0`, `samepage_streams 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, word := range []string{"some-", "c-42", "nobody:x"} {
		if strings.Contains(text, word) {
			t.Errorf("metrics speak of %q", word)
		}
	}
}

func TestDemoIsMounted(t *testing.T) {
	demo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("demo " + r.URL.Path)) })
	h := open(t, func(_ *boltOptions, _ *hubOptions, o *webOptions) { o.Demo = demo })
	if a := h.get("/demo/session", nobody); string(a.body) != "demo /demo/session" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := open(t, nil).get("/demo/session", nobody); a.status != 404 {
		t.Errorf("without a demo: %d", a.status)
	}
}

func TestDoorNeedsItsRooms(t *testing.T) {
	if _, err := web.New(web.Options{}); err == nil {
		t.Error("a door to nowhere")
	}
	h := open(t, nil)
	_, err := web.New(web.Options{Hub: h.hub, Sessions: h.socket, Access: h.access(h.hub), Tokens: h.tokens, Members: h.member, AllowedOrigins: []string{"["}})
	if err == nil {
		t.Errorf("an origin that is no pattern: %v", err)
	}
}
