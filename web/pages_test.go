package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPagesAreServedWithTheirTypes(t *testing.T) {
	h := open(t, nil)
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/app/": "text/html; charset=utf-8", "/pos/": "text/html; charset=utf-8",
		"/desk/": "text/html; charset=utf-8", "/shared/connection.js": "text/javascript; charset=utf-8",
		"/vendor/centrifuge.js": "text/javascript; charset=utf-8", "/app/app.css": "text/css; charset=utf-8",
		"/shared/icon.svg": "image/svg+xml",
	} {
		a := h.get(path, nobody)
		if a.status != 200 || a.header.Get("Content-Type") != kind || len(a.body) == 0 {
			t.Errorf("%s: %d %s", path, a.status, a.header.Get("Content-Type"))
			continue
		}
		if a.header.Get("Cache-Control") != "no-cache" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, a.header)
		}
		etag := a.header.Get("ETag")
		if again := h.get(path, http.Header{"If-None-Match": {etag}}); etag == "" || again.status != 304 || len(again.body) != 0 {
			t.Errorf("%s with its ETag %s: %d", path, etag, again.status)
		}
		if head := h.send("HEAD", path, nobody, ""); head.status != 200 || head.header.Get("ETag") != etag {
			t.Errorf("HEAD %s: %d %v", path, head.status, head.header)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	h := open(t, nil)
	for _, path := range []string{
		"/shared/", "/vendor/", "/app/nothing.js", "/server.go", "/web/server.go", "/app/../server.go", "/app/%2e%2e/server.go",
		"/node_modules/", "/package.json", "/vendor/vendor.mjs", "/vendor/preact.d.ts", "/shared/merge.test.js", "/index.html/",
	} {
		if a := h.get(path, nobody); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	client := h.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if a := h.get("/app", nobody); a.status != 301 || a.header.Get("Location") != "/app/" {
		t.Errorf("/app: %d %v", a.status, a.header)
	}
}

func TestPagesKeepToTheirPolicy(t *testing.T) {
	h := open(t, nil)
	inline := regexp.MustCompile(`(?is)<script[^>]*>\s*[^<\s]|<style|\son[a-z]+\s*=|\sstyle\s*=|javascript:|https?://`)
	for _, path := range []string{"/", "/app/", "/pos/", "/desk/"} {
		a := h.get(path, nobody)
		policy := a.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self' ws: wss:", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q without %q", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if found := inline.FindString(string(a.body)); found != "" {
			t.Errorf("%s has what its policy forbids: %q", path, found)
		}
		for _, link := range regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(string(a.body), -1) {
			if link[1] == "/docs/" {
				continue // made by the description, which is not here
			}
			if b := h.get(resolve(t, path, link[1]), nobody); b.status != 200 {
				t.Errorf("%s links to %s: %d", path, link[1], b.status)
			}
		}
	}
}

func resolve(t *testing.T, base, link string) string {
	t.Helper()
	from, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	to, err := from.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return to.String()
}

// Every module that a page imports is there under the name that it imports.
func TestModulesFindEachOther(t *testing.T) {
	imports := regexp.MustCompile(`(?m)^\s*(?:import|export)\s(?:[^"';]*?from\s*)?"([^"]+)"`)
	for _, dir := range []string{"app", "pos", "desk", "shared"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.js"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".test.js") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range imports.FindAllStringSubmatch(string(source), -1) {
				if !strings.HasPrefix(m[1], ".") {
					t.Errorf("%s imports %q, which no browser resolves", name, m[1])
				} else if _, err := os.Stat(filepath.Join(dir, m[1])); err != nil {
					t.Errorf("%s imports %q: %v", name, m[1], err)
				}
			}
		}
	}
}

func TestVendoredFilesAreWhatTheirListSays(t *testing.T) {
	raw, err := os.ReadFile("vendor/vendor.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Files []struct{ File, Package, Version, License, SHA256 string }
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, f := range list.Files {
		listed[f.File] = true
		body, err := os.ReadFile(filepath.Join("vendor", f.File))
		if err != nil {
			t.Error(err)
			continue
		}
		sum := sha256.Sum256(body)
		if hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("%s is not the one of %s %s", f.File, f.Package, f.Version)
		}
		if f.Package == "" || f.Version == "" || f.License == "" {
			t.Errorf("%s: package, version and license belong in the list", f.File)
		}
	}
	names, err := filepath.Glob("vendor/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !listed[filepath.Base(name)] {
			t.Errorf("%s is not in the list", name)
		}
	}
	if len(names) == 0 {
		t.Error("nothing is vendored")
	}
}
