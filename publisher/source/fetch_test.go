package source_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/source"
)

// local lets tests read from their own servers.
var local = source.Config{AllowPrivate: true, Timeout: 5 * time.Second}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func page(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

func TestReadPage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "in", "page.html"))
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, page("text/html; charset=utf-8", string(data)))
	a, err := source.Read(t.Context(), s.URL+"/tram?utm_medium=x", nil, local)
	if err != nil {
		t.Fatal(err)
	}
	a.Source, a.Image.URL = "", strings.TrimPrefix(a.Image.URL, s.URL) // the port differs from run to run
	a.Hash = ""
	golden(t, "page.url", a)
}

func TestReadPageForms(t *testing.T) {
	const text = "<p>Un premier paragraphe, où l'on vérifie l'accent. Il y en a deux.</p><p>Un second, à côté.</p>"
	for name, c := range map[string]struct {
		kind, body string
		want       func(base string, a publisher.Article) any
		is         any
	}{
		"charset in the header": {"text/html; charset=iso-8859-1", "<title>\xc9t\xe9</title>" + latin1(text), func(_ string, a publisher.Article) any { return a.Title }, "Été"},
		"charset in the page":   {"text/html", `<meta charset="windows-1252"><title>` + "\xc9t\xe9</title>" + latin1(text), func(_ string, a publisher.Article) any { return a.Title }, "Été"},
		"its own address":       {"text/html", "<title>T</title>" + text, func(base string, a publisher.Article) any { return a.CanonicalURL == base+"/a" }, true},
		"canonical, relative":   {"text/html", `<link rel="canonical" href="/b"><title>T</title>` + text, func(base string, a publisher.Article) any { return a.CanonicalURL == base+"/b" }, true},
		"canonical, nonsense":   {"text/html", `<link rel="canonical" href="javascript:alert(1)"><title>T</title>` + text, func(base string, a publisher.Article) any { return a.CanonicalURL == base+"/a" }, true},
		"language of an alternate link": {"text/html", `<link rel="canonical" href="https://e.example/b"><link rel="alternate" hreflang="en" href="https://e.example/en/b"><link rel="alternate" hreflang="br" href="https://e.example/b"><title>T</title>` + text,
			func(_ string, a publisher.Article) any { return a.Language }, "br"},
		"language of og:locale": {"text/html", `<meta property="og:locale" content="oc_FR"><title>T</title>` + text, func(_ string, a publisher.Article) any { return a.Language }, "oc"},
		"language recognised":   {"text/html", "<title>Titre</title>" + text, func(_ string, a publisher.Article) any { return a.Language }, "fr"},
		"markdown":              {"text/markdown; charset=utf-8", "# T\n\nA *text*. It goes on. ![i](i.png)\n", func(base string, a publisher.Article) any { return strings.ReplaceAll(a.Body, base, "") }, `<p>A <em>text</em>. It goes on. <img src="/i.png" alt="i"/></p>`},
		"plain text":            {"text/plain; charset=utf-8", "T\n\nA text. It goes on.\n", func(_ string, a publisher.Article) any { return a.Body }, "<p>A text. It goes on.</p>"},
		"no content type":       {"", "<!doctype html><title>T</title><p>A text. It goes on.</p>", func(_ string, a publisher.Article) any { return a.Title }, "T"},
		"json-ld, broken":       {"text/html", `<script type="application/ld+json">{"@type":"Article","headline":</script><title>T</title>` + text, func(_ string, a publisher.Article) any { return a.Title }, "T"},
		"json-ld, deep":         {"text/html", `<script type="application/ld+json">` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `</script><title>T</title>` + text, func(_ string, a publisher.Article) any { return a.Title }, "T"},
		"json-ld, date and authors": {"text/html", `<script type="application/ld+json">[{"@type":["Thing","BlogPosting"],"headline":"L&#39;H","author":"Ann","datePublished":"2026-03-01","keywords":"a, b"}]</script><title>T</title>` + text, func(_ string, a publisher.Article) any {
			return []any{a.Title, a.Author, a.Published.Format(time.DateOnly), a.Tags}
		}, []any{"L'H", "Ann", "2026-03-01", []string{"a", "b"}}},
		"a date in a time element": {"text/html", `<title>T</title><time datetime="2026-03-02T10:00:00Z">lundi</time>` + text, func(_ string, a publisher.Article) any { return a.Published.Format(time.DateOnly) }, "2026-03-02"},
		"og:image, relative": {"text/html", `<meta property="og:image" content="/i.jpg"><meta property="og:image:alt" content="L’alt"><title>T</title>` + text, func(base string, a publisher.Article) any {
			return strings.Replace(a.Image.URL, base, "", 1) + " " + a.Image.Alt
		}, "/i.jpg L’alt"},
		"a description of its own": {"text/html", `<meta name="description" content="Une phrase que le texte ne dit pas"><title>T</title>` + text, func(_ string, a publisher.Article) any { return a.Lead }, "Une phrase que le texte ne dit pas"},
		"a description that repeats": {"text/html", `<meta name="description" content="Un premier paragraphe, où l'on vérifie…"><title>T</title>` + text,
			func(_ string, a publisher.Article) any { return []any{a.Lead, strings.Count(a.Body, "<p>")} }, []any{"", 2}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, page(c.kind, c.body))
			a, err := source.Read(t.Context(), s.URL+"/a", nil, local)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.is, c.want(s.URL, a)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func latin1(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r))
	}
	return b.String()
}

func TestRefusedPages(t *testing.T) {
	const text = "<title>T</title><p>A text. It goes on.</p>"
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "60"); w.WriteHeader(code) }
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		conf   func(*source.Config)
		kind   publisher.Kind
		says   string
		code   int
	}{
		"not found":        {status(404), nil, publisher.NotFound, "404 Not Found", 404},
		"gone":             {status(410), nil, publisher.NotFound, "410 Gone", 410},
		"log in first":     {status(401), nil, publisher.Invalid, "401 Unauthorized", 401},
		"forbidden":        {status(403), nil, publisher.Invalid, "403 Forbidden", 403},
		"too many":         {status(429), nil, publisher.Busy, "429 Too Many", 429},
		"server error":     {status(503), nil, publisher.Busy, "503 Service Unavailable", 503},
		"not modified":     {status(304), nil, publisher.Invalid, "304 Not Modified", 304},
		"pdf":              {page("application/pdf", "%PDF-1.7"), nil, publisher.Invalid, "is application/pdf", 0},
		"picture":          {page("image/png", "\x89PNG"), nil, publisher.Invalid, "is image/png", 0},
		"json":             {page("application/json", "{}"), nil, publisher.Invalid, "is application/json", 0},
		"empty":            {page("text/html", " \n"), nil, publisher.Invalid, "page is empty", 0},
		"no text":          {page("text/html", "<title>T</title>"), nil, publisher.Invalid, "no text", 0},
		"binary as html":   {page("text/html", strings.Repeat("\x00\x01", 500)), nil, publisher.Invalid, "binary", 0},
		"redirect, itself": {redirect("/a"), nil, publisher.Invalid, "redirects in a circle", 0},
		"redirect, file":   {redirect("file:///etc/passwd"), nil, publisher.Invalid, "not http or https", 0},
		"redirect, script": {redirect("javascript:alert(1)"), nil, publisher.Invalid, "not http or https", 0},
		"redirect, login":  {redirect("http://u:hunter2@127.0.0.1/"), nil, publisher.Invalid, "not http or https", 0},
		"large, announced": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", "99999999")
			_, _ = io.WriteString(w, text)
		}, nil, publisher.Invalid, "larger than 10 MiB", 0},
		"large, unannounced": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes.Repeat([]byte("x"), 32<<10)); err != nil {
					return
				}
			}
		}, func(c *source.Config) { c.MaxBytes = 1 << 20 }, publisher.Invalid, "larger than 1 MiB", 0},
		"slow to answer": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			func(c *source.Config) { c.Timeout = 50 * time.Millisecond }, publisher.Busy, "no whole answer within 50ms", 0},
		"slow to end": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, text)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, func(c *source.Config) { c.Timeout = 50 * time.Millisecond }, publisher.Busy, "no whole answer within 50ms", 0},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, publisher.Busy, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.answer)
			conf := local
			if c.conf != nil {
				c.conf(&conf)
			}
			_, err := source.Read(t.Context(), s.URL+"/a?token=hunter2", nil, conf)
			wantError(t, err, c.kind, "/a", c.says)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret in an error: %v", err)
			}
			var e *publisher.Error
			if errors.As(err, &e) && e.Code != c.code {
				t.Errorf("code = %d, want %d", e.Code, c.code)
			}
			if c.kind == publisher.Busy && c.code != 0 && publisher.AfterOf(err).IsZero() {
				t.Error("Retry-After is lost")
			}
		})
	}
}

func TestRefusedAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		url  string
		says string
	}{
		"no host":             {"http:///a", "malformed"},
		"login":               {"https://u:hunter2@e.example/", "malformed"},
		"control characters":  {"http://e.example/\x00", "malformed"},
		"loopback":            {"http://127.0.0.1:9/", "not a public one"},
		"loopback, short":     {"http://127.1:9/", ""},
		"loopback, in six":    {"http://[::1]:9/", "not a public one"},
		"loopback, mapped":    {"http://[::ffff:127.0.0.1]:9/", "not a public one"},
		"localhost":           {"http://localhost:9/", "not a public one"},
		"unspecified":         {"http://0.0.0.0:9/", "not a public one"},
		"private, ten":        {"http://10.0.0.1:9/", "not a public one"},
		"private, 172":        {"http://172.31.255.255:9/", "not a public one"},
		"private, 192":        {"http://192.168.1.1:9/", "not a public one"},
		"carrier's":           {"http://100.100.100.200:9/", "not a public one"},
		"link-local":          {"http://169.254.169.254:9/latest/meta-data/", "not a public one"},
		"azure's":             {"http://168.63.129.16:9/", "not a public one"},
		"unique local":        {"http://[fd00:ec2::254]:9/", "not a public one"},
		"link-local, in six":  {"http://[fe80::1]:9/", "not a public one"},
		"translated":          {"http://[64:ff9b::7f00:1]:9/", "not a public one"},
		"six to four":         {"http://[2002:7f00:1::]:9/", "not a public one"},
		"multicast":           {"http://224.0.0.1:9/", "not a public one"},
		"broadcast":           {"http://255.255.255.255:9/", "not a public one"},
		"documentation":       {"http://192.0.2.1:9/", "not a public one"},
		"an encoded loopback": {"http://2130706433:9/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := source.Read(t.Context(), c.url, nil, source.Config{Timeout: 2 * time.Second})
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want %q in it", err, c.says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret in an error: %v", err)
			}
		})
	}
}

// A name is judged by what it resolves to when it is dialled, on every redirect
// anew: neither an answer that changes nor a page that sends on gets through.
func TestGuardJudgesConnections(t *testing.T) {
	hits := 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		hits++
		_, _ = io.WriteString(w, "<title>T</title><p>secret</p>")
	})
	// The dialler stands for a resolver under a stranger's control.
	rebinding := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, s.Listener.Addr().String())
	}
	_, err := source.Read(t.Context(), "http://public.example/a", nil, source.Config{Dialer: rebinding})
	wantError(t, err, publisher.Invalid, "/a", "not a public one")
	if hint := publisher.HintOf(err); !strings.Contains(hint, "article.allow_private") {
		t.Errorf("hint = %q, want the key that allows it", hint)
	}
	if hits != 0 {
		t.Errorf("%d requests reached a private address", hits)
	}
	a, err := source.Read(t.Context(), "http://public.example/a", nil, source.Config{Dialer: rebinding, AllowPrivate: true})
	if err != nil || hits != 1 || a.CanonicalURL != "http://public.example/a" {
		t.Errorf("allowed: %v, %d hits, %q", err, hits, a.CanonicalURL)
	}
}

func TestDialerErrorsComeThrough(t *testing.T) {
	own := &publisher.Error{Kind: publisher.Invalid, Op: "connect", Err: errors.New("not today"), Hint: "tomorrow"}
	_, err := source.Read(t.Context(), "http://public.example/a", nil, source.Config{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, own }})
	wantError(t, err, publisher.Invalid, "http://public.example/a", "not today")
	if publisher.HintOf(err) != "tomorrow" || !errors.Is(err, own) {
		t.Errorf("hint = %q, error = %v", publisher.HintOf(err), err)
	}
}

func TestCertificateIsChecked(t *testing.T) {
	s := httptest.NewTLSServer(page("text/html", "<title>T</title><p>x</p>"))
	defer s.Close()
	_, err := source.Read(t.Context(), s.URL, nil, local)
	wantError(t, err, publisher.Invalid, "", "certificate is not trusted")
	plain := serve(t, page("text/html", "x"))
	_, err = source.Read(t.Context(), "https"+strings.TrimPrefix(plain.URL, "http"), nil, local)
	wantError(t, err, publisher.Invalid, "", "does not speak TLS")
}

func TestFetchImage(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg") // servers are wrong about this
		if r.URL.Path == "/page" {
			_, _ = io.WriteString(w, "<html><script>alert(1)</script>")
			return
		}
		_, _ = w.Write(b.Bytes())
	})
	data, kind, err := source.FetchImage(t.Context(), s.URL+"/i", local, 1<<20)
	if err != nil || kind != "image/png" || !bytes.Equal(data, b.Bytes()) {
		t.Errorf("got %d bytes of %q, %v", len(data), kind, err)
	}
	_, _, err = source.FetchImage(t.Context(), s.URL+"/page", local, 1<<20)
	wantError(t, err, publisher.Invalid, "/page", "not a picture")
	_, _, err = source.FetchImage(t.Context(), s.URL+"/i", local, 10)
	wantError(t, err, publisher.Invalid, "/i", "larger than 10 bytes")
	_, _, err = source.FetchImage(t.Context(), s.URL+"/i", source.Config{}, 1<<20)
	wantError(t, err, publisher.Invalid, "/i", "not a public one")
	_, _, err = source.FetchImage(t.Context(), "file:///etc/passwd", local, 1<<20)
	wantError(t, err, publisher.Invalid, "", "kind of address")
}

// The clouds' metadata services are reached by nothing, whatever else is allowed and
// however the way there leads.
func TestGuardKeepsCredentials(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254:9/latest/meta-data/", http.StatusFound)
	})
	for name, address := range map[string]string{
		"AWS":            "http://169.254.169.254:9/",
		"AWS, as IPv6":   "http://[fd00:ec2::254]:9/",
		"mapped to IPv6": "http://[::ffff:169.254.169.254]:9/",
		"Azure":          "http://168.63.129.16:9/",
		"Alibaba":        "http://100.100.100.200:9/",
		"by a redirect":  s.URL,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := source.Read(t.Context(), address, nil, local)
			wantError(t, err, publisher.Invalid, "", "credentials")
			if hint := publisher.HintOf(err); strings.Contains(hint, "allow_private") {
				t.Errorf("hint = %q, and that does not help", hint)
			}
		})
	}
}
