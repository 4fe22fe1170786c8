package docs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/samepage/samepage/web/describe"
)

//go:embed docs.css
var style []byte

// policy lets the page load its style and icon and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// file is one answer, ready in both forms.
type file struct {
	kind          string
	plain, zipped []byte
	etag          string
}

// Handler serves the page and the documents.
type Handler struct {
	files func() (map[string]*file, error) // made once
}

// New makes the handler. What it serves is rendered when the first request
// comes, in some tenths of a second.
func New(o describe.Options) *Handler {
	return &Handler{files: sync.OnceValues(func() (map[string]*file, error) { return render(o) })}
}

func render(o describe.Options) (map[string]*file, error) {
	d, err := describe.New(o)
	if err != nil {
		return nil, err
	}
	files := map[string]*file{}
	for _, f := range []struct {
		path, kind string
		make       func() ([]byte, error)
	}{
		{"/docs/", "text/html; charset=utf-8", func() ([]byte, error) { return page(d) }},
		{"/docs/docs.css", "text/css; charset=utf-8", func() ([]byte, error) { return style, nil }},
		{"/v1/openapi.json", "application/json", d.OpenAPI},
		{"/v1/asyncapi.json", "application/json", d.AsyncAPI},
	} {
		body, err := f.make()
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", f.path, err)
		}
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		z.Write(body)
		if err := z.Close(); err != nil {
			return nil, fmt.Errorf("make %s: %w", f.path, err)
		}
		sum := sha256.Sum256(body)
		files[f.path] = &file{f.kind, body, zipped.Bytes(), hex.EncodeToString(sum[:12])}
	}
	return files, nil
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	files, err := h.files()
	f := files[r.URL.Path]
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case f != nil:
	case files[r.URL.Path+"/"] != nil:
		http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
		return
	default:
		http.NotFound(w, r)
		return
	}
	header, body, etag := w.Header(), f.plain, f.etag
	if acceptsGzip(r) {
		body, etag = f.zipped, f.etag+"-gzip"
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Content-Type", f.kind)
	header.Set("Etag", `"`+etag+`"`)
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache") // kept, and asked about each time
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Content-Security-Policy", policy)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.TrimSpace(q) != "q=0" && r.Header.Get("Range") == "" {
			return true
		}
	}
	return false
}
