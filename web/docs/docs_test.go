package docs_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/view"
	"github.com/samepage/samepage/web/describe"
	"github.com/samepage/samepage/web/docs"
)

var once = sync.OnceValue(render)

func handler(t testing.TB) *docs.Handler {
	t.Helper()
	return once()
}

func render() *docs.Handler {
	h := docs.New(describe.Options{
		Models:   []hub.Model{commerce.Model(commerce.Config{}), care.Model(care.Config{}), view.Model()},
		Version:  "1.2.3",
		Settings: []describe.Setting{{Key: "http_server.port", Variable: "SAMEPAGE_HTTP_SERVER_PORT", Default: "8000", Help: "the port"}},
	})
	get(h, "/docs/", nil) // renders
	return h
}

func get(h http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestThePageKeepsToItsPolicy(t *testing.T) {
	w := get(handler(t), "/docs/", nil)
	body, p := w.Body.String(), w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") || strings.Contains(p, "script") {
		t.Errorf("%d, policy %q", w.Code, p)
	}
	if found := regexp.MustCompile(`(?is)<script|<style|\son[a-z]+\s*=|\sstyle\s*=|javascript:`).FindString(body); found != "" {
		t.Errorf("the page has %q", found)
	}
	if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "<no value>") || strings.Contains(body, "%!") {
		t.Error("something could not be rendered")
	}
}

func TestEveryLinkOfThePageLeadsSomewhere(t *testing.T) {
	body := get(handler(t), "/docs/", nil).Body.String()
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if ids[m[1]] {
			t.Errorf("two things are called %s", m[1])
		}
		ids[m[1]] = true
	}
	links := regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(body, -1)
	for _, m := range links {
		if !ids[m[1]] {
			t.Errorf("nothing is at #%s", m[1])
		}
	}
	if len(links) < 150 {
		t.Errorf("only %d links", len(links))
	}
	for _, id := range []string{"cart.add_line", "conversation.claim", "context-order", "desk-load", "event-stock.shortfall", "problem-price_changed", "code-3008", "settings"} {
		if !ids[id] {
			t.Errorf("there is no #%s", id)
		}
	}
}

func TestAnswersAreKeptAndCompressed(t *testing.T) {
	h := handler(t)
	for _, path := range []string{"/docs/", "/docs/docs.css", "/v1/openapi.json", "/v1/asyncapi.json"} {
		plain := get(h, path, nil)
		zipped := get(h, path, http.Header{"Accept-Encoding": {"br, gzip"}})
		if plain.Code != 200 || zipped.Code != 200 || plain.Header().Get("Content-Encoding") != "" || zipped.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %d %v, %d %v", path, plain.Code, plain.Header(), zipped.Code, zipped.Header())
		}
		if zipped.Body.Len() >= plain.Body.Len() || zipped.Header().Get("ETag") == plain.Header().Get("ETag") {
			t.Errorf("%s: %d bytes as %s, compressed %d as %s", path, plain.Body.Len(), plain.Header().Get("ETag"), zipped.Body.Len(), zipped.Header().Get("ETag"))
		}
		if again := get(h, path, http.Header{"If-None-Match": {plain.Header().Get("ETag")}}); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s again: %d", path, again.Code)
		}
	}
	if w := get(h, "/docs", nil); w.Code != 301 || w.Header().Get("Location") != "/docs/" {
		t.Errorf("/docs: %d %v", w.Code, w.Header())
	}
	if w := get(h, "/docs/nothing", nil); w.Code != 404 {
		t.Errorf("/docs/nothing: %d", w.Code)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		render()
	}
}
