package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/app"
	"crieur/publisher/ledger"
)

const routed = `
mode: sandbox
site: {name: La Gazette, timezone: Europe/Paris}
lists: {lecteurs: {}}
newsletters:
  quotidien:
    list: lecteurs
    from: La Gazette <redaction@gazette.example>
    schedule: daily 18:00
    digest: {min: 2, max: 2}
  alertes:
    list: lecteurs
    from: La Gazette <redaction@gazette.example>
    undo: 10m
sources:
  site: {feed: https://gazette.example/feed}
slots:
  jour: {between: 08:00-20:00, min_gap: 1h, max_per_day: 3}
  nuit: {at: ["02:30"]}
channels:
  toots: {kind: mastodon, server: https://mastodon.example, slot: jour, delay: 30m}
  ciel: {kind: bluesky, handle: gazette.example}
routes:
  urgent: {tags: [urgent], newsletters: [alertes], channels: [ciel], warning: Alerte}
  nuit: {tags: [astronomie], channels: [ciel], slot: nuit}
  site: {sources: [site], newsletters: [quotidien], channels: [toots, ciel], delay: 2h}
  reste: {sources: ["!site"], channels: [toots]}
`

// A desk is an App on a configuration of its own, at a moment of the test's choice.
type desk struct {
	*app.App
	dir string
	now time.Time
}

// clock gives the moment of the test's choice; where that is none, the present.
func (d *desk) clock() time.Time {
	if d.now.IsZero() {
		return time.Now()
	}
	return d.now
}

func open(t *testing.T, config string, now time.Time) *desk {
	t.Helper()
	d := &desk{dir: t.TempDir(), now: now}
	path := filepath.Join(d.dir, "config.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(app.Options{Config: path, Env: func(string) (string, bool) { return "", false }, Now: d.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	d.App = a
	return d
}

// store opens the desk's ledger beside the App.
func (d *desk) store(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{Dir: filepath.Join(d.dir, ".crieur", "sandbox"), Now: d.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	m, err := time.ParseInLocation("2006-01-02 15:04", s, paris)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// plan puts a post's lot into the ledger.
func plan(t *testing.T, l *ledger.Ledger, article, channel string, created, release time.Time) {
	t.Helper()
	issue := publisher.Issue{ID: publisher.IssueID("", article), ArticleID: article, Title: "Title of " + article, Created: created}
	rendering := publisher.Rendering{IssueID: issue.ID, Channel: channel, Created: created, Parts: []publisher.Part{{Text: "text"}}}
	if _, _, err := l.SaveIssue(t.Context(), issue, []publisher.Rendering{rendering}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Materialise(t.Context(), publisher.Lot{IssueID: issue.ID, Channel: channel, Network: "mastodon", Parts: 1, Created: created, Release: release}); err != nil {
		t.Fatal(err)
	}
}

func written(placed []app.Placed) string {
	var lines []string
	for _, p := range placed {
		when := "at once"
		if p.Release != nil {
			when = p.Release.Format("Mon 02 Jan 15:04")
		}
		line := fmt.Sprintf("%s by %s: %s", p.Name, p.Route, when)
		for _, more := range []string{p.Slot, p.Warning, p.Schedule} {
			if more != "" {
				line += ", " + more
			}
		}
		if p.Planned {
			line += ", planned"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestRoute(t *testing.T) {
	monday := at(t, "2026-11-23 09:00")
	for name, c := range map[string]struct {
		article publisher.Article
		source  string
		before  func(*testing.T, *ledger.Ledger)
		want    string
	}{
		"by hand": {publisher.Article{}, "", nil, "toots by reste: Mon 23 Nov 09:30, jour"},
		"from the site": {publisher.Article{}, "feed:site", nil,
			"quotidien by site: Mon 23 Nov 18:00, daily 18:00\ntoots by site: Mon 23 Nov 11:00, jour\nciel by site: Mon 23 Nov 11:00"},
		"the first route's options win": {publisher.Article{Tags: []string{"Urgent"}}, "site", nil,
			"alertes by urgent: Mon 23 Nov 09:10\nciel by urgent: at once, Alerte\nquotidien by site: Mon 23 Nov 18:00, daily 18:00\ntoots by site: Mon 23 Nov 11:00, jour"},
		"a slot of the route": {publisher.Article{Tags: []string{"astronomie"}}, "site", nil,
			"ciel by nuit: Tue 24 Nov 02:30, nuit\nquotidien by site: Mon 23 Nov 18:00, daily 18:00\ntoots by site: Mon 23 Nov 11:00, jour"},
		"published long ago": {publisher.Article{Published: monday.Add(-24 * time.Hour)}, "site", nil,
			"quotidien by site: Mon 23 Nov 18:00, daily 18:00\ntoots by site: at once, jour\nciel by site: at once"},
		"dated in the future": {publisher.Article{Published: at(t, "2026-11-24 19:00")}, "site", nil,
			"quotidien by site: Wed 25 Nov 18:00, daily 18:00\ntoots by site: Wed 25 Nov 08:00, jour\nciel by site: Tue 24 Nov 21:00"},
		"embargo": {publisher.Article{Embargo: at(t, "2026-11-24 07:00")}, "site", nil,
			"quotidien by site: Tue 24 Nov 18:00, daily 18:00\ntoots by site: Tue 24 Nov 08:00, jour\nciel by site: Tue 24 Nov 07:00"},
		"an embargo longer than the undo": {publisher.Article{Tags: []string{"urgent"}, Embargo: at(t, "2026-11-23 09:30")}, "", nil,
			"alertes by urgent: Mon 23 Nov 09:30\nciel by urgent: Mon 23 Nov 09:30, Alerte\ntoots by reste: Mon 23 Nov 09:30, jour"},
		"the slot has others": {publisher.Article{}, "", func(t *testing.T, l *ledger.Ledger) {
			plan(t, l, "sent", "toots", at(t, "2026-11-23 08:50"), time.Time{}) // at once
			plan(t, l, "later", "toots", monday, at(t, "2026-11-23 10:20"))
			plan(t, l, "elsewhere", "ciel", monday, at(t, "2026-11-23 12:00"))
		}, "toots by reste: Mon 23 Nov 11:20, jour"},
		"the day is full": {publisher.Article{}, "", func(t *testing.T, l *ledger.Ledger) {
			plan(t, l, "one", "toots", at(t, "2026-11-23 01:00"), time.Time{})
			plan(t, l, "two", "toots", monday, at(t, "2026-11-23 13:00"))
			plan(t, l, "three", "toots", monday, at(t, "2026-11-23 14:00"))
		}, "toots by reste: Tue 24 Nov 08:00, jour"},
		"planned before": {publisher.Article{ID: "same"}, "", func(t *testing.T, l *ledger.Ledger) {
			plan(t, l, "same", "toots", at(t, "2026-11-22 09:00"), at(t, "2026-11-25 10:00"))
		}, "toots by reste: Wed 25 Nov 10:00, jour, planned"},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, routed, monday)
			if c.article.ID == "" {
				c.article.ID = "a"
			}
			if c.before != nil {
				c.before(t, d.store(t))
			}
			placed, err := d.Route(t.Context(), c.article, c.source)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, written(placed)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRouteWithoutRoutes(t *testing.T) {
	d := open(t, "mode: sandbox\n", at(t, "2026-11-23 09:00"))
	placed, err := d.Route(t.Context(), publisher.Article{ID: "a"}, "site")
	if err != nil || len(placed) != 0 {
		t.Errorf("%v, error %v", placed, err)
	}
}

func TestComing(t *testing.T) {
	d := open(t, routed, at(t, "2026-10-24 17:00")) // the clock is put back in the night
	l := d.store(t)
	plan(t, l, "overdue", "toots", d.now.Add(-time.Hour), d.now.Add(-time.Minute))
	plan(t, l, "soon", "toots", d.now, at(t, "2026-10-25 10:00"))
	plan(t, l, "later", "toots", d.now, at(t, "2026-11-25 10:00"))
	pooled := func(id string, hour int) {
		t.Helper()
		if err := l.SaveArticle(t.Context(), publisher.Article{ID: id, Title: "Title of " + id, Source: "feed:site", Published: d.now.Add(time.Duration(hour) * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.AddToPool(t.Context(), "quotidien", id, d.now); err != nil {
			t.Fatal(err)
		}
	}
	shown := func(within time.Duration) string {
		t.Helper()
		coming, err := d.Coming(t.Context(), within)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, c := range coming {
			lines = append(lines, fmt.Sprintf("%s %s %s: %s +%d", c.At.Format("02 Jan 15:04 MST"), c.Channel, c.Schedule, strings.Join(c.Titles, ", "), c.Waiting))
		}
		return strings.Join(lines, "\n")
	}
	pooled("a", -3)
	want := `24 Oct 17:00 CEST toots : Title of overdue +0
24 Oct 18:00 CEST quotidien daily 18:00:  +1
25 Oct 10:00 CET toots : Title of soon +0
25 Oct 18:00 CET quotidien daily 18:00:  +0`
	if diff := cmp.Diff(want, shown(48*time.Hour)); diff != "" {
		t.Errorf("too few (-want +got):\n%s", diff)
	}
	pooled("b", -2)
	pooled("c", -1)
	want = strings.Replace(want, "daily 18:00:  +1", "daily 18:00: Title of c, Title of b +1", 1)
	if diff := cmp.Diff(want, shown(48*time.Hour)); diff != "" {
		t.Errorf("more than one issue takes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("24 Oct 17:00 CEST toots : Title of overdue +0", shown(30*time.Minute)); diff != "" {
		t.Errorf("within half an hour (-want +got):\n%s", diff)
	}
}
