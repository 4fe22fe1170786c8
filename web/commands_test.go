package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/sessions"
	"github.com/samepage/samepage/web"
)

func noteBody(id, text string) string {
	return fmt.Sprintf(`{"id":%q,"on":"context:c-42","args":{"note":"n1","text":%q}}`, id, text)
}

func TestCommandAnswersWithItsEvent(t *testing.T) {
	h := open(t, nil)
	a := h.post("/v1/commands/note.write", bearer(t, nil), noteBody("id-1", "hello"))
	var got struct {
		Epoch    string
		Offset   uint64
		Replayed bool
		Event    struct {
			Type, Cause string
			By          struct{ Role, ID string }
			Changes     []struct {
				Key string
				V   uint64
			}
		}
	}
	a.into(t, 200, &got)
	if got.Epoch == "" || got.Offset != 1 || got.Replayed || got.Event.Type != "note.written" || got.Event.Cause != "id-1" ||
		got.Event.By.ID != "c-42" || len(got.Event.Changes) != 1 || got.Event.Changes[0].Key != "note/n1" || got.Event.Changes[0].V != 1 {
		t.Errorf("answer %s", a.body)
	}
	h.post("/v1/commands/note.write", bearer(t, nil), noteBody("id-1", "hello")).into(t, 200, &got)
	if !got.Replayed || got.Offset != 1 {
		t.Errorf("the same command again: replayed %v at %d", got.Replayed, got.Offset)
	}
}

func TestCommandRefusals(t *testing.T) {
	h := open(t, nil)
	h.write("known", "hello", false)
	mine := bearer(t, nil)
	for name, c := range map[string]struct {
		method string
		header http.Header
		body   string
		status int
		code   string
	}{
		"no token":                   {"note.write", nobody, noteBody("a", "x"), 401, "unauthorized"},
		"a token of another key":     {"note.write", http.Header{"Authorization": {"Bearer " + token(t, nil) + "x"}}, noteBody("a", "x"), 401, "unauthorized"},
		"no token but a word":        {"note.write", http.Header{"Authorization": {"Bearer"}}, noteBody("a", "x"), 401, "unauthorized"},
		"a wrong API key":            {"note.write", http.Header{"X-Api-Key": {"guessed"}}, noteBody("a", "x"), 401, "unauthorized"},
		"no JSON":                    {"note.write", mine, `{"id":`, 400, "bad_request"},
		"no body":                    {"note.write", mine, ``, 400, "bad_request"},
		"two values":                 {"note.write", mine, noteBody("a", "x") + "{}", 400, "bad_request"},
		"an unknown method":          {"note.burn", mine, noteBody("a", "x"), 404, "not_found"},
		"a foreign channel":          {"note.write", bearer(t, jwt.MapClaims{"sub": "c-1"}), noteBody("a", "x"), 403, "forbidden"},
		"a role that may not":        {"note.write", bearer(t, jwt.MapClaims{"role": "pos", "store": "s1"}), noteBody("a", "x"), 403, "forbidden"},
		"no id":                      {"note.write", mine, noteBody("", "x"), 422, "invalid"},
		"an unknown argument":        {"note.write", mine, `{"id":"a","on":"context:c-42","args":{"note":"n1","colour":"red"}}`, 422, "invalid"},
		"an argument of wrong type":  {"note.write", mine, `{"id":"a","on":"context:c-42","args":{"note":7}}`, 422, "invalid"},
		"a missing argument":         {"note.write", mine, `{"id":"a","on":"context:c-42","args":{}}`, 422, "invalid"},
		"an old version":             {"note.write", mine, `{"id":"old","on":"context:c-42","args":{"note":"n1","text":"x"},"if_version":{"note/n1":7}}`, 409, "conflict"},
		"an id with another body":    {"note.write", key, noteBody("known", "another"), 409, "command_id_reused"},
		"a refusal of the business":  {"note.write", mine, noteBody("o", "occupied"), 409, "note_taken"},
		"a body that is too large":   {"note.write", mine, noteBody("a", strings.Repeat("x", web.MaxCommandBody)), 413, "too_large"},
		"a document that is too big": {"note.write", mine, strings.Repeat(" ", 100) + noteBody("a", strings.Repeat("\\u00e9", 10)) + strings.Repeat(" ", web.MaxCommandBody), 413, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			body := strings.Replace(c.body, `"id":"a"`, fmt.Sprintf(`"id":%q`, name), 1) // a refusal may be remembered
			h.post("/v1/commands/"+c.method, c.header, body).problem(t, c.status, c.code)
		})
	}
	h.t = t
	p := h.post("/v1/commands/note.write", mine, noteBody("b", "occupied")).problem(t, 409, "note_taken")
	same(t, p.Details, `{"by":"Ada"}`)
	p = h.post("/v1/commands/note.write", mine, `{"id":"c","on":"context:c-42","args":{"note":7}}`).problem(t, 422, "invalid")
	same(t, p.Details, `{"/note":"must be a string"}`)
	p = h.post("/v1/commands/note.write", mine, `{"id":7,"on":"context:c-42","if_version":{"note/n1":-1},"colour":"red"}`).problem(t, 400, "bad_request")
	same(t, p.Details, `{"/id":"must be a string","/if_version/note~1n1":"must be a whole number of at least 0","/colour":"unknown field"}`)
}

func TestAFloodOfRequestsIsLimitedForWhoSendsIt(t *testing.T) {
	h := open(t, func(_ *boltOptions, _ *hubOptions, o *webOptions) {
		o.limits = sessions.Options{CommandRate: 0.001, CommandBurst: 3}
	})
	mine := bearer(t, nil)
	for i := range 3 {
		if a := h.post("/v1/commands/note.write", mine, noteBody(fmt.Sprint(i), "x")); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	a := h.post("/v1/commands/note.write", mine, noteBody("more", "x"))
	a.problem(t, 429, "rate_limited")
	if a.header.Get("Retry-After") == "" {
		t.Error("a 429 without Retry-After")
	}
	h.get("/v1/channels/context:c-42", mine).problem(t, 429, "rate_limited")
	h.get("/v1/channels/context:c-42/events", mine).problem(t, 429, "rate_limited")
	same(t, h.post("/v1/commands", mine, `{"commands":[{"method":"note.write"}]}`).body,
		`{"answers":[{"problem":{"code":"rate_limited","message":"too many requests; wait and try again"}}]}`)
	if a := h.get("/v1/channels/context:c-43", bearer(t, jwt.MapClaims{"sub": "c-43"})); a.status != 200 {
		t.Errorf("somebody else: %d %s", a.status, a.body)
	}
	for i := range 5 {
		if a := h.post("/v1/commands/note.write", key, noteBody(fmt.Sprint("backend", i), "x")); a.status != 200 {
			t.Errorf("a backend: %d %s", a.status, a.body)
		}
	}
}

func TestExpiredTokenSaysSo(t *testing.T) {
	h := open(t, nil)
	old := bearer(t, jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()})
	a := h.post("/v1/commands/note.write", old, noteBody("a", "x"))
	if p := a.problem(t, 401, "unauthorized"); p.Message != "the token has expired" {
		t.Errorf("message %q", p.Message)
	}
	if a.header.Get("WWW-Authenticate") == "" {
		t.Error("a 401 without WWW-Authenticate")
	}
}

func TestAPIKeyIsAService(t *testing.T) {
	h := open(t, nil)
	for _, header := range []http.Header{key, {"Authorization": {"apikey " + apiKey}}} {
		var got struct {
			Event struct{ By struct{ Role, Via string } }
		}
		h.post("/v1/commands/note.write", header, noteBody("id-1", "hello")).into(t, 200, &got)
		if got.Event.By.Role != "service" || got.Event.By.Via != "api" {
			t.Errorf("by %+v", got.Event.By)
		}
	}
}

func TestWithoutAConfiguredKeyNoKeyOpens(t *testing.T) {
	h := open(t, func(_ *boltOptions, _ *hubOptions, o *webOptions) { o.APIKey = "" })
	h.post("/v1/commands/note.write", http.Header{"X-Api-Key": {"x"}}, noteBody("a", "x")).problem(t, 401, "unauthorized")
	h.post("/api/publish", http.Header{"X-Api-Key": {"x"}}, `{}`).problem(t, 403, "forbidden")
	h.post("/api/publish", nobody, `{}`).problem(t, 403, "forbidden")
}

func TestPanicIsOneRequests500(t *testing.T) {
	h := open(t, nil)
	p := h.post("/v1/commands/note.write", bearer(t, nil), noteBody("a", "panic")).problem(t, 500, "internal")
	if strings.Contains(p.Message, "model") {
		t.Errorf("the caller is told %q", p.Message)
	}
	if a := h.get("/healthz", nobody); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestBatchAnswersInOrder(t *testing.T) {
	h := open(t, nil)
	a := h.post("/v1/commands", bearer(t, nil), `{"commands":[
		{"method":"note.write","id":"a","on":"context:c-42","args":{"note":"n1","text":"one"}},
		{"method":"note.burn","id":"b","on":"context:c-42"},
		{"method":"note.write","id":"c","on":"context:c-1","args":{"note":"n1","text":"x"}},
		{"id":"d"}, 7,
		{"method":"note.write","id":"e","on":"context:c-42","args":{"note":"n1","text":"two"}},
		{"method":"note.write","id":"f","on":"context:c-42","args":{"note":"`+strings.Repeat("x", web.MaxCommandBody)+`"}}]}`)
	var got struct {
		Answers []struct {
			Offset  uint64
			Problem *struct{ Code string }
		}
	}
	a.into(t, 200, &got)
	var outcome []string
	for _, one := range got.Answers {
		if one.Problem != nil {
			outcome = append(outcome, one.Problem.Code)
		} else {
			outcome = append(outcome, fmt.Sprint(one.Offset))
		}
	}
	if want := "1 not_found forbidden invalid bad_request 2 too_large"; strings.Join(outcome, " ") != want {
		t.Errorf("answers %v, want %s", outcome, want)
	}
}

func TestBatchRefusals(t *testing.T) {
	h := open(t, nil)
	many := func(n int) string {
		b, err := json.Marshal(map[string]any{"commands": make([]struct{}, n)})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, c := range map[string]struct {
		header http.Header
		body   string
		status int
		code   string
	}{
		"no token":          {nobody, many(1), 401, "unauthorized"},
		"no JSON":           {key, `{"commands":[}`, 400, "bad_request"},
		"no commands":       {key, `{}`, 422, "invalid"},
		"not a list":        {key, `{"commands":{}}`, 422, "invalid"},
		"something else":    {key, `{"commands":[{}],"parallel":true}`, 422, "invalid"},
		"too many commands": {key, many(web.MaxBatchCommands + 1), 413, "too_large"},
		"too many bytes":    {key, strings.Repeat(" ", web.MaxBatchBody+1), 413, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.post("/v1/commands", c.header, c.body).problem(t, c.status, c.code)
		})
	}
}

func TestRoutesThatAreNone(t *testing.T) {
	h := open(t, nil)
	for path, status := range map[string]int{"/v1/nothing": 404, "/v2": 404, "/v1/commands/note.write": 405} {
		a := h.get(path, key)
		if a.status != status {
			t.Errorf("GET %s: %d, want %d", path, a.status, status)
		}
		if a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("GET %s answers %s", path, a.body)
		}
	}
}
