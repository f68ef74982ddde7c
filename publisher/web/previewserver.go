package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"crieur/publisher"
)

// A PreviewServer shows a preview and has open pages reload when it changes. Safe
// for concurrent use.
type PreviewServer struct {
	draw  *previewer
	mux   *http.ServeMux
	ended <-chan struct{}

	mu      sync.Mutex
	files   map[string]file
	version string
	changed chan struct{} // closed at the next Show
}

var _ http.Handler = (*PreviewServer)(nil)

// NewPreview gives a server that has nothing to show before the first Show. Pages
// that wait for a change are let go when ctx ends.
func NewPreview(ctx context.Context, c PreviewConfig) (*PreviewServer, error) {
	d, err := newPreviewer(c)
	if err != nil {
		return nil, err
	}
	s := &PreviewServer{draw: d, mux: http.NewServeMux(), ended: ctx.Done(), changed: make(chan struct{})}
	s.mux.HandleFunc("GET /{$}", s.index)
	s.mux.HandleFunc("GET /{file...}", s.file)
	s.mux.HandleFunc("GET /changes", s.changes)
	s.mux.HandleFunc("GET /favicon.ico", noIcon)
	return s, nil
}

// Show puts a preview in the place of the one before. Open pages reload, unless it
// is the same. A preview that cannot be laid out is replaced by one that says why.
func (s *PreviewServer) Show(p Preview) {
	version := versionOf(p)
	files, err := s.pages(p, version)
	if err != nil {
		p = Preview{Title: p.Title, Source: p.Source, Language: p.Language, SiteName: p.SiteName, Mode: p.Mode,
			Problem: err.Error(), Hint: publisher.HintOf(err)}
		version = versionOf(p)
		if files, err = s.pages(p, version); err != nil {
			files = map[string]file{"index.html": {"index.html", textType, []byte(err.Error() + "\n")}}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files, s.version = files, version
	close(s.changed)
	s.changed = make(chan struct{})
}

// pages gives all that is served of a preview, by name.
func (s *PreviewServer) pages(p Preview, version string) (map[string]file, error) {
	page, files, err := s.draw.layOut(p)
	if err != nil {
		return nil, err
	}
	page.Version = version
	index, err := s.draw.draw(page)
	if err != nil {
		return nil, err
	}
	named := map[string]file{}
	for _, f := range append(files, index) {
		named[f.name] = f
	}
	return named, nil
}

// versionOf names a preview by its content.
func versionOf(p Preview) string {
	h := sha256.New()
	// Strings, numbers and bytes can always be written.
	_ = json.NewEncoder(h).Encode(p)
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func (s *PreviewServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "no-store")
	if !ownHost(r.Host) {
		http.Error(w, "open the preview by its address: it does not answer for other names", http.StatusMisdirectedRequest)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// ownHost reports whether a request names an address, or this machine. A name that
// somebody else's page was given, and that now leads here, must not read what is
// not public yet (DNS rebinding).
func ownHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.Trim(host, "[]")
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host) != nil
}

func (s *PreviewServer) index(w http.ResponseWriter, _ *http.Request) {
	// The one script of the page reloads it.
	s.write(w, "index.html", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-src 'self'; "+
		"script-src '"+scriptHash(reload)+"'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

// file gives what stands beside the page. A mail is held here as in its frame: no
// script, no form, no place to go.
func (s *PreviewServer) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "index.html" {
		s.index(w, r)
		return
	}
	s.write(w, name, "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; font-src data: http: https:; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
}

func (s *PreviewServer) write(w http.ResponseWriter, name, policy string) {
	s.mu.Lock()
	f, ok := s.files[name]
	s.mu.Unlock()
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	if !ok {
		http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
		return
	}
	head.Set("Content-Type", f.mediaType)
	_, _ = w.Write(f.data)
}

// changes is a stream of server-sent events (WHATWG HTML §9.2): one as soon as
// another preview is shown than the one that the page has seen.
func (s *PreviewServer) changes(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	// A page may wait for hours. Where there is no deadline, none need be lifted.
	_ = control.SetWriteDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	if control.Flush() != nil {
		return
	}
	seen := strings.TrimSpace(r.FormValue("seen"))
	for {
		s.mu.Lock()
		version, changed := s.version, s.changed
		s.mu.Unlock()
		if version != seen {
			_, _ = w.Write([]byte("data: changed\n\n"))
			_ = control.Flush()
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.ended:
			return
		case <-changed:
		}
	}
}
