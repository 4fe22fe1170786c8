package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/sessions"
	"github.com/samepage/samepage/web"
)

const (
	secret = "a secret that only the tests know"
	apiKey = "the key of the backend"
)

type (
	boltOptions = bolt.Options
	hubOptions  = hub.Options
	webOptions  = struct {
		web.Options
		limits sessions.Options // of sessions and callers
	}
)

// noteArgs are of the one command that the tests' shop knows.
type noteArgs struct {
	Note    string `json:"note"`
	Text    string `json:"text"`
	Private bool   `json:"private,omitempty"`
}

func (a noteArgs) Check(f hub.Faults) {
	if a.Note == "" {
		f.Add("/note", "required")
	}
}

// notes is a shop with notes on a customer's context, some of them not for customers.
var notes = hub.Model{
	Methods: []hub.Method{
		hub.NewMethod("note.write", hub.KindContext, hub.ModeOptional,
			[]hub.Role{hub.RoleCustomer, hub.RoleAgent, hub.RoleService},
			func(tx *hub.Tx, a noteArgs) *hub.Problem {
				switch a.Text {
				case "occupied":
					return hub.Problemf("note_taken", "somebody else writes there").With(map[string]any{"by": "Ada"})
				case "panic":
					panic("a model that is wrong")
				}
				tx.Put("note/"+a.Note, map[string]any{"text": a.Text, "private": a.Private})
				tx.Emit("note.written", nil)
				return nil
			}),
	},
	Sights: []hub.EntrySight{{
		Channel: hub.KindContext, Entry: "note",
		Labels: func(doc json.RawMessage) []string {
			var note struct{ Private bool }
			if json.Unmarshal(doc, &note) == nil && note.Private {
				return []string{"private"}
			}
			return nil
		},
		Roles: map[hub.Role]hub.Sight{
			hub.RoleService: {}, hub.RoleAgent: {},
			hub.RoleCustomer: {If: func(_ hub.Audience, labels []string) bool { return len(labels) == 0 }},
		},
	}},
}

// house is everything below the front door, and the door.
type house struct {
	*httptest.Server
	t      testing.TB
	hub    *hub.Hub
	engine hub.Engine
	door   *web.Server
	socket *sessions.Server
	member *presence.Memory
	tokens *sessions.Tokens
}

// open builds a house on a store of its own; change may alter what is built.
func open(t testing.TB, change func(*boltOptions, *hubOptions, *webOptions)) *house {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	storeOptions := boltOptions{}
	hubOpts := hubOptions{Logger: log, Namespaces: hub.Namespaces{
		WithoutNamespace: hub.ChannelOptions{
			HistorySize: 10, HistoryTTL: hub.Duration(time.Minute), Presence: true,
			AllowSubscribeForClient: true, AllowHistoryForClient: true,
		},
		Namespaces: []hub.Namespace{{Name: "brief"}, {Name: "open", ChannelOptions: hub.ChannelOptions{AllowSubscribeForClient: true}}},
	}}
	metrics := web.NewMetrics(nil)
	hubOpts.OnCommand = metrics.Command
	var h *house
	hubOpts.OnControl = func(data []byte) { h.socket.OnControl(data) }
	tokens, err := sessions.NewTokens(sessions.TokenOptions{HMACSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	h = &house{t: t, member: presence.NewMemory(), tokens: tokens}
	webOpts := webOptions{Options: web.Options{Tokens: tokens, Members: h.member, APIKey: apiKey, Logger: log, Metrics: metrics}}
	if change != nil {
		change(&storeOptions, &hubOpts, &webOpts)
	}
	if h.engine, err = bolt.Open(filepath.Join(t.TempDir(), "test.db"), storeOptions); err != nil {
		t.Fatal(err)
	}
	h.hub = hub.New(h.engine, hubOpts, notes, talks, sessions.Model())
	webOpts.limits.Logger, webOpts.limits.Version = log, "1.2.3"
	h.socket = sessions.NewServer(h.hub, h.member, tokens, webOpts.limits)
	webOpts.Hub, webOpts.Sessions, webOpts.Access = h.hub, h.socket, sessions.NewAccess(h.hub)
	if h.door, err = web.New(webOpts.Options); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- h.hub.Run(ctx) }()
	go func() { ended <- h.socket.Run(ctx) }()
	h.Server = httptest.NewServer(h.door)
	t.Cleanup(func() {
		h.door.Shutdown(context.Background())
		h.Server.Close()
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
		}
		if err := h.engine.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return h
}

// token is one for a customer c-42 unless claims say otherwise.
func token(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	all := jwt.MapClaims{"sub": "c-42", "role": "customer"}
	maps.Copy(all, claims)
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func bearer(t testing.TB, claims jwt.MapClaims) http.Header {
	t.Helper()
	return http.Header{"Authorization": {"Bearer " + token(t, claims)}}
}

var (
	key    = http.Header{"X-Api-Key": {apiKey}}
	nobody = http.Header{}
)

// answer is what came back, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (h *house) send(method, path string, header http.Header, body string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := h.Client().Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	return answerOf(h.t, resp)
}

func answerOf(t testing.TB, resp *http.Response) answer {
	t.Helper()
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, got}
}

func (h *house) get(path string, header http.Header) answer {
	h.t.Helper()
	return h.send("GET", path, header, "")
}

func (h *house) post(path string, header http.Header, body string) answer {
	h.t.Helper()
	return h.send("POST", path, header, body)
}

// write is a note by the backend; it returns the position.
func (h *house) write(id, text string, private bool) hub.Position {
	h.t.Helper()
	args, err := json.Marshal(noteArgs{Note: "n1", Text: text, Private: private})
	if err != nil {
		h.t.Fatal(err)
	}
	a := h.hub.Do(h.t.Context(), hub.Command{
		Method: "note.write", ID: id, On: "context:c-42", Args: args,
		Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "api", Via: "api"}},
	})
	if a.Problem != nil {
		h.t.Fatal(a.Problem)
	}
	return a.Position
}

// into decodes an answer that must have this status.
func (a answer) into(t testing.TB, status int, v any) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

// problem is an answer that refuses.
type problem struct {
	Type, Title, Detail, Code, Message string
	Status                             int
	Details                            json.RawMessage
}

func (a answer) problem(t testing.TB, status int, code string) problem {
	t.Helper()
	var p problem
	a.into(t, status, &p)
	if p.Code != code || p.Status != status || p.Title == "" || p.Detail == "" || p.Message != p.Detail || !strings.HasSuffix(p.Type, code) {
		t.Errorf("problem %s, want code %s and all members of RFC 9457", a.body, code)
	}
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("a problem of type %q", kind)
	}
	return p
}

// same compares JSON texts by what they mean.
func same(t testing.TB, got []byte, want string) {
	t.Helper()
	if g, w := plain(t, got), plain(t, []byte(want)); !bytes.Equal(g, w) {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func plain(t testing.TB, b []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (h *house) access(of *hub.Hub) *sessions.Access { return sessions.NewAccess(of) }
