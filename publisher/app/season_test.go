package app_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/app"
)

var update = flag.Bool("update", false, "write golden files")

// seasonal is a small paper: a digest each evening, a letter for what is urgent, one
// channel by day and one by night, through the hours at which clocks are changed.
const seasonal = `mode: sandbox
site: {name: La Gazette, url: "https://gazette.example", language: fr, timezone: Europe/Paris}
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:8080"}
sandbox:
  listen: 127.0.0.1:0
  smtp: 127.0.0.1:0
  subscribers: ["Camille <camille@example.org>", "Noé <noe@example.com>"]
sources:
  site: {feed: "FEED", every: 2h, allow_private: true, full_text: never, websub: false}
lists:
  lecteurs:
newsletters:
  quotidien: {list: lecteurs, from: "La Gazette <redaction@gazette.example>", schedule: "daily 18:00"}
  alertes: {list: lecteurs, from: "La Gazette <alertes@gazette.example>", undo: 10m}
slots:
  jour: {between: 08:00-20:00, min_gap: 45m, max_per_day: 6}
  nuit: {between: 22:00-04:00, min_gap: 20m, max_per_day: 7}
channels:
  toots: {kind: mastodon, server: "https://mastodon.example", slot: jour, delay: 30m}
  ciel: {kind: bluesky, handle: gazette.example, slot: nuit}
routes:
  urgent: {tags: [urgent], newsletters: [alertes], warning: Alerte}
  site: {sources: [site], newsletters: [quotidien], channels: [toots, ciel]}
`

// An entry is an article of the simulated site.
type entry struct {
	name string
	at   time.Time
	tags []string
	// title and text are "" for what the site makes of the name
	title, text string
}

// A season is a site and its readers, some weeks of it.
type season struct {
	t       *testing.T
	zone    *time.Location
	now     atomic.Int64 // unix milliseconds
	looks   atomic.Int64 // at the clock, until the process is cut; 0: it is not
	cut     context.CancelFunc
	entries []entry
	feed    string
	config  string
	state   string
	page    string // of the sandbox
	app     *app.App
	rand    *rand.Rand
	live    bool // the clock is the machine's
	crashes int  // passes that were cut before their end
}

func (s *season) Now() time.Time {
	if s.looks.Load() > 0 && s.looks.Add(-1) == 0 {
		s.cut()
	}
	return s.moment()
}

// moment is what the clock shows.
func (s *season) moment() time.Time {
	if s.live {
		return time.Now()
	}
	return time.UnixMilli(s.now.Load())
}

// publish invents the site's articles between two days, none in the last ones.
func (s *season) publish(from, until time.Time) {
	for day := from; day.Before(until); day = day.AddDate(0, 0, 1) {
		for range s.rand.IntN(10) {
			at := day.Add(time.Duration(s.rand.IntN(24*60*60)) * time.Second)
			s.entries = append(s.entries, entry{at: at})
		}
	}
	slices.SortFunc(s.entries, func(a, b entry) int { return a.at.Compare(b.at) })
	for i := range s.entries {
		s.entries[i].name = fmt.Sprintf("N%03d", i+1)
		if s.rand.IntN(12) == 0 {
			s.entries[i].tags = []string{"urgent"}
		}
	}
}

// ServeHTTP is the site's feed at its moment, with the last 16 articles.
func (s *season) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	now := s.moment()
	var out strings.Builder
	out.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>La Gazette</title><link>https://gazette.example/</link>`)
	sent := 0
	for _, e := range slices.Backward(s.entries) {
		if e.at.After(now) {
			continue
		}
		if sent++; sent > 16 {
			break
		}
		title := e.title
		if title == "" {
			title = "Nouvelle " + e.name
		}
		fmt.Fprintf(&out, `<item><title>%s</title><link>https://gazette.example/%s</link><guid>%s</guid><pubDate>%s</pubDate>`, title, e.name, e.name, e.at.Format(time.RFC1123Z))
		for _, tag := range e.tags {
			fmt.Fprintf(&out, `<category>%s</category>`, tag)
		}
		out.WriteString(`<description>`)
		text := e.text
		if text == "" {
			text = "Dans le marais, ce jour-là, il s’est passé quelque chose que la rédaction raconte ici en une phrase entière."
		}
		_ = xml.EscapeText(&out, []byte("<p>"+text+"</p>"))
		out.WriteString(`</description></item>`)
	}
	out.WriteString(`</channel></rss>`)
	w.Header().Set("Content-Type", "application/rss+xml")
	_, _ = io.WriteString(w, out.String())
}

func newSeason(t *testing.T, seed uint64, from, until time.Time) *season {
	t.Helper()
	s := &season{t: t, zone: from.Location(), state: t.TempDir(), rand: rand.New(rand.NewPCG(seed, seed))}
	s.now.Store(from.UnixMilli())
	s.publish(from, until)
	s.serve(seasonal)
	return s
}

// stage sets up a site without articles, at a moment.
func stage(t *testing.T, config string, now time.Time) *season {
	t.Helper()
	s := &season{t: t, zone: now.Location(), state: t.TempDir(), rand: rand.New(rand.NewPCG(1, 1))}
	s.now.Store(now.UnixMilli())
	s.serve(config)
	return s
}

// serve starts the site's server, the sandbox and crieur.
func (s *season) serve(config string) {
	t := s.t
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.feed = server.URL + "/feed"
	s.config = filepath.Join(t.TempDir(), "config.yaml")
	s.write(config)
	s.box()
	s.open()
	t.Cleanup(func() { s.app.Close() })
}

func (s *season) write(config string) {
	s.t.Helper()
	if err := os.WriteFile(s.config, []byte(strings.ReplaceAll(config, "FEED", s.feed)), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *season) load() *app.App {
	s.t.Helper()
	a, err := app.Open(app.Options{Config: s.config, State: s.state, Now: s.Now, Jitter: func() float64 { return 0 },
		Env: func(string) (string, bool) { return "", false }, Log: s.log()})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// log keeps what the app says for a test that fails.
func (s *season) log() *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return nil
}

// box runs the sandbox as crieur sandbox does, beside all that is started and cut.
func (s *season) box() {
	s.t.Helper()
	a := s.load()
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- a.Sandbox(ctx, app.SandboxOptions{Ready: func(i app.SandboxInfo) { ready <- strings.TrimSuffix(i.Page, "/") }})
	}()
	select {
	case s.page = <-ready:
	case err := <-done:
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		a.Close()
	})
}

// open starts crieur on the state as it is.
func (s *season) open() {
	s.t.Helper()
	if s.app != nil {
		if err := s.app.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	s.app = s.load()
}

// run does all that comes due until a moment, at its moment. Some times a day it may
// cut the process somewhere, and start it again.
func (s *season) run(until time.Time, cuts bool) {
	s.t.Helper()
	for {
		now := time.UnixMilli(s.now.Load())
		if cuts && s.rand.IntN(8) == 0 {
			s.crash()
		}
		r, err := s.app.Once(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if len(r.Failed) > 0 {
			s.t.Fatalf("%s: %s", now.In(s.zone), strings.Join(r.Failed, "\n"))
		}
		if r.Next == nil || !r.Next.Before(until) {
			return
		}
		s.now.Store(r.Next.UnixMilli())
	}
}

// crash lets a pass begin, ends it somewhere, and starts crieur anew.
func (s *season) crash() { s.cutAfter(1 + s.rand.Int64N(60)) }

// cutAfter ends a pass at a look at the clock, and starts crieur anew.
func (s *season) cutAfter(looks int64) {
	s.t.Helper()
	ctx, cut := context.WithCancel(s.t.Context())
	defer cut()
	s.cut = cut
	s.looks.Store(looks)
	if _, err := s.app.Once(ctx); err != nil {
		s.crashes++
	}
	s.looks.Store(0)
	s.open()
}

// A sending is what the sandbox saw.
type sending struct {
	at       time.Time
	channel  string
	articles []string
	readers  []string
	warning  string
}

var named = regexp.MustCompile(`\bN\d{3}\b`)

func (s *season) get(path string, into any) []byte {
	s.t.Helper()
	response, err := http.Get(s.page + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", path, response.Status, err)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			s.t.Fatal(err)
		}
	}
	return data
}

// sendings gives what arrived, by moment and channel. Mails of one letter are one.
func (s *season) sendings() []sending {
	s.t.Helper()
	var mails []struct {
		From, To, Subject, Raw string
		At                     time.Time
		Duplicate              bool
	}
	var posts []struct {
		Network, Text, Warning string
		At                     time.Time
	}
	s.get("/sandbox/mails.json", &mails)
	s.get("/sandbox/posts.json", &posts)
	letters := map[string]*sending{}
	var all []sending
	for _, m := range mails {
		if m.Duplicate {
			s.t.Errorf("%s got the same mail twice: %s", m.To, m.Subject)
		}
		raw := s.get(m.Raw, nil)
		_, text, _ := strings.Cut(string(raw), "Content-Type: text/plain")
		text, _, _ = strings.Cut(text, "Content-Type: text/html")
		plain, _ := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text)))
		one := sending{at: m.At, channel: "quotidien"}
		if strings.HasPrefix(m.From, "alertes@") {
			one.channel = "alertes"
		}
		one.articles = unique(named.FindAllString(string(plain), -1))
		key := m.At.Format(time.RFC3339) + one.channel + strings.Join(one.articles, " ")
		if letters[key] == nil {
			letters[key] = &one
		}
		letters[key].readers = append(letters[key].readers, m.To)
	}
	for _, l := range letters {
		all = append(all, *l)
	}
	for _, p := range posts {
		channel := map[string]string{"mastodon": "toots", "bluesky": "ciel"}[p.Network]
		all = append(all, sending{at: p.At, channel: channel, articles: unique(named.FindAllString(p.Text, -1)), warning: p.Warning})
	}
	slices.SortFunc(all, func(a, b sending) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		if c := strings.Compare(a.channel, b.channel); c != 0 {
			return c
		}
		return slices.Compare(a.articles, b.articles)
	})
	return all
}

func unique(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (s *season) table(all []sending) string {
	var out strings.Builder
	for _, one := range all {
		fmt.Fprintf(&out, "%s  %-9s  %s", one.at.In(s.zone).Format("Mon 2006-01-02 15:04:05 -07:00"), one.channel, strings.Join(one.articles, " "))
		if len(one.readers) > 0 {
			fmt.Fprintf(&out, "  to %d", len(one.readers))
		}
		if one.warning != "" {
			fmt.Fprintf(&out, "  (%s)", one.warning)
		}
		out.WriteString("\n")
	}
	return out.String()
}

// check holds what was sent against what the configuration promises.
func (s *season) check(all []sending, from, until time.Time) {
	t := s.t
	t.Helper()
	seen := map[string]map[string]int{"quotidien": {}, "toots": {}, "ciel": {}, "alertes": {}}
	perDay := map[string]int{}
	last := map[string]time.Time{}
	digests := map[string]bool{}
	for _, one := range all {
		wall := one.at.In(s.zone)
		where := wall.Format(time.RFC3339) + " " + one.channel
		for _, name := range one.articles {
			seen[one.channel][name]++
		}
		if len(one.readers) > 0 && len(one.readers) != 2 {
			t.Errorf("%s: %d readers got it", where, len(one.readers))
		}
		switch one.channel {
		case "quotidien":
			digests[wall.Format(time.DateOnly)] = true
			if wall.Format("15:04") != "18:00" {
				t.Errorf("%s: not at 18:00", where)
			}
		case "toots", "ciel":
			gap, most := 45*time.Minute, 6
			if one.channel == "ciel" {
				gap, most = 20*time.Minute, 7
			}
			if h := wall.Hour(); one.channel == "toots" && (h < 8 || h >= 20) || one.channel == "ciel" && h >= 4 && h < 22 {
				t.Errorf("%s: out of its hours", where)
			}
			if before := last[one.channel]; !before.IsZero() && one.at.Sub(before) < gap {
				t.Errorf("%s: %s after the one before", where, one.at.Sub(before))
			}
			last[one.channel] = one.at
			key := one.channel + wall.Format(time.DateOnly)
			if perDay[key]++; perDay[key] > most {
				t.Errorf("%s: %d on one day", where, perDay[key])
			}
		}
	}
	for _, e := range s.entries {
		for channel, times := range seen {
			want := 1
			if channel == "alertes" && e.tags == nil {
				want = 0
			}
			if times[e.name] != want {
				t.Errorf("%s: %s went out %d times, want %d", channel, e.name, times[e.name], want)
			}
		}
	}
	for day := from.AddDate(0, 0, 1); day.Before(until); day = day.AddDate(0, 0, 1) {
		came := slices.ContainsFunc(s.entries, func(e entry) bool {
			evening := time.Date(day.Year(), day.Month(), day.Day(), 16, 0, 0, 0, s.zone)
			return e.at.Before(evening) && e.at.After(evening.AddDate(0, 0, -1).Add(2*time.Hour))
		})
		if came && !digests[day.Format(time.DateOnly)] {
			t.Errorf("no digest on %s", day.Format(time.DateOnly))
		}
	}
}

// Two months, one around each change of the clock: every digest at 18:00, every post in
// its slot, nothing twice, nothing missing; and the same where the process is cut
// somewhere each day.
func TestSeasons(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]time.Time{
		"october": time.Date(2026, 10, 5, 0, 0, 0, 0, paris), // the clock is put back on the 25th
		"march":   time.Date(2027, 3, 5, 0, 0, 0, 0, paris),  // and forward on the 28th
	} {
		for _, cuts := range []bool{false, true} {
			if raced && cuts != (name == "march") {
				continue // the race detector makes a tenfold of the time
			}
			t.Run(fmt.Sprintf("%s, cut %v", name, cuts), func(t *testing.T) {
				t.Parallel()
				until := from.AddDate(0, 1, 0)
				s := newSeason(t, uint64(from.Year()), from, until)
				s.run(until.AddDate(0, 0, 4), cuts)
				if cuts && s.crashes < 30 {
					t.Errorf("only %d passes were cut", s.crashes)
				}
				all := s.sendings()
				s.check(all, from, until)
				golden := filepath.Join("testdata", "season-"+name+".golden")
				got := s.table(all)
				if *update && !cuts {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}
