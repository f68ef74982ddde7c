package web

import (
	"net/http"
	"strings"
)

// issue shows the neutral copy of an issue: it holds no reader's links, so it can
// be passed on and kept by caches.
func (p *public) issue(w http.ResponseWriter, r *http.Request) {
	page, err := p.Archive.Page(r.Context(), r.PathValue("issue"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write([]byte(page))
}

// media gives a frozen picture. Its name is the hash of its bytes, so it never changes.
func (p *public) media(w http.ResponseWriter, r *http.Request) {
	hash, _, _ := strings.Cut(r.PathValue("file"), ".")
	data, mediaType, err := p.Archive.Media(r.Context(), hash)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if !strings.HasPrefix(mediaType, "image/") || mediaType == "image/svg+xml" {
		mediaType = "application/octet-stream"
	}
	head := w.Header()
	head.Set("Content-Type", mediaType)
	head.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(data)
}
