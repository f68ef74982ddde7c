package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
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
	"crieur/publisher/ledger"
	"crieur/publisher/source"
	"crieur/publisher/source/feed"
)

var update = flag.Bool("update", false, "write the golden files anew")

// noon is the moment at which the stories of these tests begin.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func store(t testing.TB) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), ledger.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// config watches a feed at feeds.example, where h answers, as it does under every
// other name.
func config(t testing.TB, h http.Handler) feed.Config {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return feed.Config{Name: "site", URL: "http://feeds.example/feed", FullText: feed.FullTextNever, Jitter: func() float64 { return 0 },
		Source: source.Config{AllowPrivate: true, Dialer: dial, Timeout: 5 * time.Second, Now: func() time.Time { return noon }}}
}

func text(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

func poll(t testing.TB, s feed.Store, c feed.Config) feed.Report {
	t.Helper()
	r, err := feed.Poll(t.Context(), s, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "in", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// fixtures lists the feeds in testdata/in that hold entries.
func fixtures(t testing.TB) (names []string) {
	t.Helper()
	all, err := os.ReadDir(filepath.Join("testdata", "in"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.Name() != "page.html" {
			names = append(names, f.Name())
		}
	}
	return names
}

// took polls a fixture as a feed of which everything counts as new.
func took(t testing.TB, name string) feed.Report {
	t.Helper()
	c := config(t, text(string(file(t, name))))
	c.Backfill = 1000
	return poll(t, store(t), c)
}

// A goldenEntry is an entry as testdata/golden shows it.
type goldenEntry struct {
	Title, Lead, Body, Author, Language, URL string
	Published                                string
	Tags                                     []string
	Image                                    *publisher.Image
}

func TestGolden(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			r := took(t, name)
			got := struct {
				Title, Hub, Topic string
				Wish              string
				Warnings          []string
				Entries           []goldenEntry
			}{r.Feed.Title, r.Feed.Hub, r.Feed.Topic, r.Feed.Wish.String(), r.Warnings, nil}
			for _, e := range r.New {
				a := e.Article
				g := goldenEntry{a.Title, a.Lead, a.Body, a.Author, a.Language, a.CanonicalURL, "", a.Tags, a.Image}
				if !a.Published.IsZero() {
					g.Published = a.Published.Format(time.RFC3339)
				}
				got.Entries = append(got.Entries, g)
				if a.Source != "feed:site" || a.ID == "" || a.Hash == "" {
					t.Errorf("%s: source %q, id %q, hash %q", a.Title, a.Source, a.ID, a.Hash)
				}
			}
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false)
			if err := enc.Encode(got); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "golden", name+".json")
			if *update {
				if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNotAFeed(t *testing.T) {
	for name, c := range map[string]struct{ body, problem, hint string }{
		"a page":           {string(file(t, "page.html")), "it is a web page, not a feed", "the page names its feed: http://feeds.example/vrai/feed"},
		"an XHTML page":    {`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>`, "it is a web page, not a feed", "look for"},
		"nothing":          {" \n", "it is empty", "browser"},
		"text":             {"Bonjour", "it is neither XML nor JSON", "browser"},
		"a picture":        {"\x89PNG\r\n\x1a\n\x00\x00", "it is neither XML nor JSON", "browser"},
		"a sitemap":        {`<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>`, "it is XML, and no feed", "RSS"},
		"JSON":             {`{"posts":[]}`, "it is JSON, and no feed", "RSS"},
		"broken JSON":      {`{"version":"https://jsonfeed.org/version/1.1","items":[`, "cannot be read", "generator"},
		"broken off early": {`<rss version="2.0"><channel><title>T`, "cannot be read", "validator"},
		"UTF-32":           {"\x00\x00\xfe\xff\x00\x00\x00<", "UTF-32 is not supported", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			s := store(t)
			r, err := feed.Poll(t.Context(), s, config(t, text(c.body)))
			if publisher.KindOf(err) != publisher.Invalid || !strings.Contains(err.Error(), c.problem) || !strings.Contains(publisher.HintOf(err), c.hint) {
				t.Fatalf("got %v (hint %q), want %q (hint %q)", err, publisher.HintOf(err), c.problem, c.hint)
			}
			f, serr := s.Feed(t.Context(), "site")
			if serr != nil {
				t.Fatal(serr)
			}
			if f.Problem != err.Error() || f.Failures != 1 || !f.Next.Equal(noon.Add(feed.DefaultEvery)) || !f.First.IsZero() {
				t.Errorf("stored %+v", f)
			}
			if r.Feed.Problem == "" {
				t.Error("the report lacks the problem")
			}
		})
	}
}
