package web_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever is sent, it is answered with JSON and never with a fault of ours.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		"", "{}", "[]", "null", "7", `{"`, `{"channel":"news","data":{}}`, `{"channel":"news","limit":-1,"since":{"offset":1}}`,
		`{"channels":["news","context:c-42"],"b64data":"/w=="}`, `{"commands":[{"publish":{}},{"history":null},null]}`,
		`{"id":"a","on":"context:c-42","args":{"note":"n1","text":"x"},"if_version":{"note/n1":0}}`,
		`{"commands":[{"method":"note.write","id":"a","on":"context:c-42","args":{"note":"n1"}},[],{"method":1}]}`,
		`{"method":"publish","params":{"channel":"news","data":1}}` + "\n" + `{"id":-1}`,
	} {
		f.Add(uint8(len(body)), []byte(body))
	}
	paths := []string{
		"/v1/commands/note.write", "/v1/commands", "/api", "/api/batch", "/api/publish", "/api/broadcast", "/api/history",
		"/api/presence", "/api/presence_stats", "/api/channels", "/api/subscribe", "/api/unsubscribe", "/api/disconnect", "/api/refresh",
	}
	h := open(f, nil)
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		if strings.Contains(string(body), "panic") {
			t.Skip("the one word that makes the tests' model panic")
		}
		path := paths[int(which)%len(paths)]
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", path, strings.NewReader(string(body)))
		r.Header.Set("X-Api-Key", apiKey)
		h.door.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
		if path != "/api" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %q: %q is no JSON", path, body, w.Body)
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	h := open(b, nil)
	body := `{"channel":"open:x","data":{"text":"` + strings.Repeat("x", 160) + `"}}`
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/api/publish", strings.NewReader(body))
		r.Header.Set("X-Api-Key", apiKey)
		if h.door.ServeHTTP(w, r); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
