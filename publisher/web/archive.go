package web

import (
	"bytes"
	"net/http"
	"strings"
	"time"
)

// issue shows the neutral copy of an issue, or of one article of a digest: it holds no reader's links, so it can
// be passed on and kept by caches.
func (p *public) issue(w http.ResponseWriter, r *http.Request) {
	page, err := p.Archive.Page(r.Context(), r.PathValue("issue"), r.PathValue("article"))
	if err != nil {
		p.missing(w, r, err)
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
		p.missing(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", pictureType(mediaType))
	head.Set("Cache-Control", "public, max-age=31536000, immutable")
	head.Set("ETag", `"`+hash+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// missing answers for what the archive did not give.
func (p *public) missing(w http.ResponseWriter, r *http.Request, err error) {
	if notFound(err) {
		p.nothing(w, r)
		return
	}
	p.fail(w, r, err)
}

// extensions lists the kinds of pictures that are shown, and how their files end.
var extensions = map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/avif": ".avif"}

// pictureType lets nothing but pictures be shown: an SVG, for one, can hold a script.
func pictureType(mediaType string) string {
	if _, ok := extensions[mediaType]; ok {
		return mediaType
	}
	return "application/octet-stream"
}
