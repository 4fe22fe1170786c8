package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
)

//go:embed index.html app pos desk shared vendor
var files embed.FS

// contentSecurityPolicy lets the pages load and call what is theirs and
// nothing else: no inline script, no other site. Sockets may go anywhere,
// because 'self' does not cover ws: in every browser.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self' ws: wss:; manifest-src 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"

// contentTypes are the files that are pages; others lie beside them and are not served.
var contentTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".webmanifest": "application/manifest+json",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".ico":         "image/x-icon",
	".woff2":       "font/woff2",
	".txt":         "text/plain; charset=utf-8",
}

// pages are the files of the touchpoints, read once. A directory answers with
// its index.html; nothing is listed.
type pages struct {
	byPath map[string]*page // "/app/", "/app/app.js"
}

type page struct {
	body []byte
	kind string
	etag string
}

func newPages(tree fs.FS) (*pages, error) {
	p := &pages{byPath: map[string]*page{}}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isPage(name) {
			return err
		}
		body, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		f := &page{body: body, kind: contentTypes[path.Ext(name)], etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
		p.byPath["/"+strings.TrimSuffix(name, "index.html")] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	return p, nil
}

func isPage(name string) bool {
	return contentTypes[path.Ext(name)] != "" && !strings.HasSuffix(name, ".test.js")
}

// patterns are the routes that pages answer, in Echo's form: one for each
// file at the top, and one for each directory there with all that is in it.
func (p *pages) patterns() []string {
	var all []string
	for name := range p.byPath {
		dir, _, nested := strings.Cut(name[1:], "/")
		if nested {
			all = append(all, "/"+dir, "/"+dir+"/*")
		} else {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (p *pages) serve(w http.ResponseWriter, r *http.Request) error {
	f := p.byPath[r.URL.Path]
	if f == nil {
		if p.byPath[r.URL.Path+"/"] != nil {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
			return nil
		}
		return hub.Problemf(hub.CodeNotFound, "there is nothing at %s", r.URL.Path)
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Etag", f.etag)
	h.Set("Cache-Control", "no-cache") // kept, and asked about each time
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
	return nil
}
