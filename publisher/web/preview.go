package web

import (
	"bytes"
	"context"
	"html/template"
	"io/fs"
	"net/http"
	"sync"

	"crieur/publisher"
	"crieur/publisher/locale"
)

// A Preview is every rendering of one article, side by side.
type Preview struct {
	Title, Source string
	Language      string // of the page's own words
	SiteName      string
	Mode          string
	Mails         []PreviewMail
	Posts         []PreviewPost
	Warnings      []string
	Problem       string // why there is nothing to show; then the rest is empty
	Hint          string
}

// A PreviewMail is a newsletter's mail as a made-up reader gets it.
type PreviewMail struct {
	Channel, From, Subject, Preheader string
	HTML, Text                        string
	Size                              int // of HTML, in bytes
}

// A PreviewPost is one channel's post, or thread.
type PreviewPost struct {
	Channel, Network, Handle string
	Parts                    []publisher.Part
	Cost                     string
}

// PreviewConfig is what showing a preview needs.
type PreviewConfig struct {
	Catalogue *locale.Catalogue
	Templates fs.FS // holds web/preview.html.tmpl and web/preview.css
	Accent    string
	// Media gives a picture that a rendering names by its hash.
	Media func(ctx context.Context, hash string) (data []byte, mediaType string, err error)
}

// A PreviewServer shows a preview and has open pages reload when it changes. Safe
// for concurrent use.
type PreviewServer struct {
	draw *previewer
	c    PreviewConfig

	mu      sync.Mutex
	current Preview
	changed chan struct{} // closed at the next Show
}

var _ http.Handler = (*PreviewServer)(nil)

// NewPreview gives a server that shows nothing yet.
func NewPreview(c PreviewConfig) (*PreviewServer, error) {
	d, err := newPreviewer(c)
	if err != nil {
		return nil, err
	}
	return &PreviewServer{draw: d, c: c, changed: make(chan struct{})}, nil
}

// Show puts a preview in the place of the one before; open pages reload.
func (s *PreviewServer) Show(p Preview) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = p
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *PreviewServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "no-store")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /changes", s.changes)
	mux.HandleFunc("GET /media/{file}", func(w http.ResponseWriter, r *http.Request) {
		(&public{Config: Config{Archive: previewArchive{s.c}}}).media(w, r)
	})
	mux.ServeHTTP(w, r)
}

func (s *PreviewServer) page(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	p := s.current
	s.mu.Unlock()
	// The one script of the page reloads it; a mail in its frame can run none.
	var out bytes.Buffer
	if err := s.draw.page(&out, p, true); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: http: https:; "+
		"script-src 'sha256-"+reloadHash+"'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'")
	_, _ = w.Write(out.Bytes())
}

// changes is a stream of server-sent events (WHATWG HTML §9.2): one whenever the
// preview changed.
func (s *PreviewServer) changes(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	changed := s.changed
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	if control.Flush() != nil {
		return
	}
	select {
	case <-r.Context().Done():
	case <-changed:
		_, _ = w.Write([]byte("data: changed\n\n"))
		_ = control.Flush()
	}
}

// previewArchive gives a preview's pictures under the addresses of public ones.
type previewArchive struct{ c PreviewConfig }

var _ Archive = previewArchive{}

func (previewArchive) Page(context.Context, string) (string, error) {
	return "", &publisher.Error{Kind: publisher.NotFound}
}

func (a previewArchive) Media(ctx context.Context, hash string) ([]byte, string, error) {
	return a.c.Media(ctx, hash)
}

// previewView is what preview.html.tmpl draws.
type previewView struct {
	Preview
	L      *locale.Localizer
	CSS    template.CSS
	Live   bool // served, and so reloaded on change
	Reload template.JS
}
