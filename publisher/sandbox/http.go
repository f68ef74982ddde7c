package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const maxBody = 32 << 20 // bytes of a request

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	s.page.routes(mux)
	s.controls(mux)
	newMastodon(s).routes(mux)
	newBluesky(s).routes(mux)
	newX(s).routes(mux)
	return s.guard(http.NewCrossOriginProtection().Handler(mux))
}

// guard refuses requests for hosts that are not this machine, so that no page on the
// web reads the sandbox by pointing a name of its own at 127.0.0.1.
func (s *Server) guard(next http.Handler) http.Handler {
	public := ""
	if u, err := url.Parse(s.info.PublicURL); err == nil {
		public = u.Hostname()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		if net.ParseIP(host) == nil && host != "localhost" && !strings.HasSuffix(host, ".localhost") && host != public {
			http.Error(w, "this sandbox does not answer for "+strconv.Quote(host), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// controls are the addresses by which tests and people look at and steer the sandbox.
func (s *Server) controls(mux *http.ServeMux) {
	mux.HandleFunc("GET /sandbox/health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, health{s.info.Instance, true})
	})
	mux.HandleFunc("GET /sandbox/mails.json", s.listMails)
	mux.HandleFunc("GET /sandbox/mails/{name}", s.rawMail)
	mux.HandleFunc("GET /sandbox/posts.json", func(w http.ResponseWriter, r *http.Request) {
		posts := s.arrivals.allPosts(r.URL.Query().Get("network"))
		if posts == nil {
			posts = []*Post{}
		}
		writeJSON(w, http.StatusOK, posts)
	})
	mux.HandleFunc("GET /sandbox/media/{network}/{id}", s.rawMedia)
	mux.HandleFunc("GET /sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.faults.state())
	})
	mux.HandleFunc("POST /sandbox/faults", s.changeFaults)
	mux.HandleFunc("DELETE /sandbox/arrivals", func(w http.ResponseWriter, _ *http.Request) { s.emptied(w) })
	mux.HandleFunc("POST /sandbox/empty", func(w http.ResponseWriter, r *http.Request) {
		if err := s.arrivals.empty(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

func (s *Server) emptied(w http.ResponseWriter) {
	if err := s.arrivals.empty(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// mailRow is a line of mails.json: one for each recipient of each mail.
type mailRow struct {
	ID        int64     `json:"id"`
	To        string    `json:"to"`
	From      string    `json:"from"`
	MessageID string    `json:"message_id"`
	Subject   string    `json:"subject"`
	At        time.Time `json:"at"`
	Size      int64     `json:"size"`
	Duplicate bool      `json:"duplicate"` // a mail with this Message-ID came before
	Raw       string    `json:"raw"`       // path of its source
}

// listMails writes row by row: the index may hold many thousands.
func (s *Server) listMails(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(w, 1<<16)
	defer out.Flush()
	separator := "["
	for _, m := range s.arrivals.allMails() {
		if m.ID <= after {
			continue
		}
		for _, to := range m.To {
			row, err := json.Marshal(mailRow{m.ID, to, m.From, m.MessageID, m.Subject, m.At, m.Raw.Size, m.Duplicate != 0,
				fmt.Sprintf("/sandbox/mails/%d.eml", m.ID)})
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(out, "%s\n%s", separator, row); err != nil {
				return
			}
			separator = ","
		}
	}
	if separator == "[" {
		out.WriteString("[")
	}
	out.WriteString("\n]\n")
}

func (s *Server) rawMail(w http.ResponseWriter, r *http.Request) {
	number, _ := strings.CutSuffix(r.PathValue("name"), ".eml")
	id, _ := strconv.ParseInt(number, 10, 64)
	m, ok := s.arrivals.mail(id)
	if !ok {
		http.NotFound(w, r)
		return
	}
	raw, err := s.arrivals.journal.Read(m.Raw)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	// As text, so that no browser ever runs a mail's source.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(raw)
}

func (s *Server) rawMedia(w http.ResponseWriter, r *http.Request) {
	m, ok := s.arrivals.picture(r.PathValue("network"), r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	raw, err := s.arrivals.journal.Read(m.Raw)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", m.Type)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Write(raw)
}

// changeFaults takes {"faults": ["x=503", …]} and puts them in force instead of
// those before.
func (s *Server) changeFaults(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Faults []string `json:"faults"`
	}
	if err := readJSON(r, &in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	list := make([]Fault, len(in.Faults))
	for i, text := range in.Faults {
		f, err := ParseFault(text)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		list[i] = f
	}
	s.faults.set(list)
	writeJSON(w, http.StatusOK, s.faults.state())
}

// reachedBy wraps a network's handler with the faults of a stage. refusal answers with
// a status in the network's own words.
func (s *Server) reachedBy(network string, stage Stage, refusal func(http.ResponseWriter, int), h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Read whole first: a fault must strike a request that has wholly arrived, and
		// net/http notices that a client left only after its body was read.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			refusal(w, http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		f, ok := s.faults.strike(network, stage, "")
		if !ok {
			h(w, r)
			return
		}
		switch f.Effect {
		case EffectStatus:
			refusal(w, f.Code)
		case EffectGarbage:
			h(&deaf{header: http.Header{}}, r)
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<!doctype html><title>Just a moment</title><p>This is no JSON.")
		case EffectHangupBefore:
			panic(http.ErrAbortHandler)
		case EffectHangupAfter:
			h(&deaf{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case EffectTimeoutAfter:
			h(&deaf{header: http.Header{}}, r)
			fallthrough
		case EffectTimeout:
			select {
			case <-r.Context().Done():
			case <-s.stopped.Done():
			case <-time.After(10 * time.Minute):
			}
			panic(http.ErrAbortHandler)
		}
	}
}

// deaf takes an answer that nobody will hear.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) WriteHeader(int)             {}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(v)
}

// readJSON reads one JSON value of type application/json; unknown fields are refused.
func readJSON(r *http.Request, v any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return fmt.Errorf("content type %q, want application/json", r.Header.Get("Content-Type"))
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// A window counts what a client spends in a fixed span of time.
type window struct {
	limit int
	span  time.Duration

	mu    sync.Mutex
	used  int
	reset time.Time
}

// spend takes n from what is left; ok is false where it is not there.
func (w *window) spend(n int, now time.Time) (remaining int, reset time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !now.Before(w.reset) {
		w.used, w.reset = 0, now.Add(w.span)
	}
	if w.used+n > w.limit {
		return w.limit - w.used, w.reset, false
	}
	w.used += n
	return w.limit - w.used, w.reset, true
}

// nextID gives a number that grows with time and is never given twice: the
// milliseconds since 1970 shifted left by 16, or one more than last.
func nextID(last int64, now time.Time) int64 { return max(now.UnixMilli()<<16, last+1) }
