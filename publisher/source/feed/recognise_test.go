package feed_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/source/feed"
)

// An item is an entry of a feed that a test writes.
type item struct{ guid, link, title, date, text string }

func (i item) xml() string {
	var b strings.Builder
	tag := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "<%s>%s</%s>", name, html.EscapeString(value), strings.Fields(name)[0])
		}
	}
	b.WriteString("<item>")
	tag(`guid isPermaLink="false"`, i.guid)
	tag("link", i.link)
	tag("title", i.title)
	tag("pubDate", i.date)
	tag("description", i.text)
	return b.String() + "</item>"
}

func rss(items ...item) string {
	var b strings.Builder
	b.WriteString(`<rss version="2.0"><channel><title>Site</title><link>https://site.example/</link>`)
	for _, i := range items {
		b.WriteString(i.xml())
	}
	return b.String() + "</channel></rss>"
}

// changing is a feed that a test writes anew.
type changing struct{ body string }

func (c *changing) ServeHTTP(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.body)) }

const (
	monday  = "Mon, 23 Nov 2026 08:10:20 GMT"
	later   = "Mon, 23 Nov 2026 17:30:00 GMT"
	tuesday = "Tue, 24 Nov 2026 08:10:20 GMT"
	date    = "Mon, 23 Nov 2026 00:00:00 GMT"
)

var long = strings.Repeat("Le marché de jeudi est avancé à sept heures, et la régate de dimanche partira du pont. ", 5)

// What is the same entry, and what is another one.
func TestRecognition(t *testing.T) {
	base := item{"https://site.example/?p=12", "https://site.example/2026/marche/", "Le marché ferme", monday, long}
	with := func(change func(*item)) item { i := base; change(&i); return i }
	for name, c := range map[string]struct {
		before, after item
		same          bool
	}{
		"nothing changed":              {base, base, true},
		"edited title":                 {base, with(func(i *item) { i.title = "Le marché couvert ferme samedi" }), true},
		"edited text":                  {base, with(func(i *item) { i.text = "Tout autre chose." }), true},
		"edited date":                  {base, with(func(i *item) { i.date = tuesday }), true},
		"title, text and date":         {base, with(func(i *item) { i.title, i.text, i.date = "Autre", "Autre.", tuesday }), true},
		"guid from http to https":      {with(func(i *item) { i.guid = "http://site.example/?p=12"; i.link = "" }), with(func(i *item) { i.link = ""; i.title = "x"; i.date = ""; i.text = "y" }), true},
		"guid from ?p=ID to permalink": {base, with(func(i *item) { i.guid = i.link }), true},
		"guid made of the text":        {base, with(func(i *item) { i.guid = "sha1:77"; i.text = "Corrigé." }), true},
		"guid gone":                    {base, with(func(i *item) { i.guid = "" }), true},
		"link to https, www, no slash": {with(func(i *item) { i.guid = "a" }), with(func(i *item) {
			i.guid = "b"
			i.link = "http://www.site.example/2026/marche"
			i.title = "x"
			i.date = tuesday
		}), true},
		"link with tracking":   {with(func(i *item) { i.guid = "a" }), with(func(i *item) { i.guid = "b"; i.link += "?utm_source=rss&fbclid=1"; i.title = "x" }), true},
		"link with index.html": {with(func(i *item) { i.guid = "a" }), with(func(i *item) { i.guid = "b"; i.link += "index.html"; i.title = "x" }), true},
		"site moved, guid too": {base, with(func(i *item) { i.guid = "https://new.example/?p=12"; i.link = "https://new.example/2026/marche/" }), true},
		"site moved, title edited": {base, with(func(i *item) {
			i.guid = "n"
			i.link = "https://new.example/2026/marche/"
			i.title = "Edité"
			i.text = "Autre."
		}), true},
		"site moved, date lost":                 {base, with(func(i *item) { i.guid = "n"; i.link = "https://new.example/2026/marche/"; i.date = "" }), true},
		"new permalinks and guids, same moment": {base, with(func(i *item) { i.guid = "n"; i.link = "https://site.example/marche-ferme"; i.text = "Autre." }), true},
		"new address and title, same words":     {base, with(func(i *item) { i.guid = "n"; i.link = "https://site.example/n"; i.title = "Edité" }), true},
		"neither guid nor link, then both":      {with(func(i *item) { i.guid, i.link = "", "" }), base, true},
		"a number for a guid, same page":        {with(func(i *item) { i.guid = "12" }), with(func(i *item) { i.guid = "12"; i.title = "Edité"; i.date = tuesday }), true},
		"title in other letters, other space":   {with(func(i *item) { i.guid, i.link = "", "" }), with(func(i *item) { i.guid, i.link = "", ""; i.title = "LE  MARCHÉ ferme !"; i.text = "x" }), true},

		"another article":                           {base, item{"https://site.example/?p=13", "https://site.example/2026/pont/", "Le pont rouvre", monday, "Le pont."}, false},
		"same title, another day":                   {base, item{"https://site.example/?p=13", "https://site.example/2026/marche-2/", base.title, tuesday, "Encore."}, false},
		"same title and words, another day":         {base, item{"https://site.example/?p=13", "https://site.example/2026/marche-2/", base.title, tuesday, long}, false},
		"weekly agenda, without dates":              {item{"a1", "https://site.example/a1", "Agenda", "", "Semaine 47."}, item{"a2", "https://site.example/a2", "Agenda", "", "Semaine 48."}, false},
		"same title the same day, another hour":     {base, item{"n", "https://site.example/meteo-soir", base.title, later, "Le soir."}, false},
		"same title the same day, days for moments": {with(func(i *item) { i.date = date }), item{"n", "https://site.example/n", base.title, date, "Autre brève."}, false},
		"same path on the same host, other query":   {with(func(i *item) { i.link = "https://site.example/?p=12" }), item{"n", "https://site.example/?p=13", "Autre", monday, "Autre."}, false},
		"same words too short to tell":              {item{"a", "https://site.example/a", "Un", monday, "À suivre."}, item{"b", "https://site.example/b", "Deux", later, "À suivre."}, false},
		"same slug on another host, nothing else":   {base, item{"n", "https://new.example/2026/marche/", "Autre", tuesday, "Autre."}, false},
		"front page for a link":                     {item{"a", "https://site.example/", "Un", monday, "Premier."}, item{"b", "https://site.example/", "Deux", later, "Second."}, false},
		"a number for a guid, after a new database": {item{"12", "https://site.example/vieux", "Vieux", monday, "Vieux."}, item{"12", "https://site.example/neuf", "Neuf", tuesday, "Neuf."}, false},
		"two notes that begin alike":                {item{"a", "https://site.example/a", "", monday, "Bonjour. Un."}, item{"b", "https://site.example/b", "", monday, "Bonjour. Deux."}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := &changing{rss(c.before, item{"other", "https://site.example/other", "Autre article", monday, "Sans rapport."})}
			s, conf := store(t), config(t, h)
			conf.Source.Now = func() time.Time { return noon.Add(-24 * time.Hour) }
			poll(t, s, conf)
			h.body = rss(c.after, item{"other", "https://site.example/other", "Autre article", monday, "Sans rapport."})
			r := poll(t, s, conf)
			if got := len(r.New) == 0; got != c.same || len(r.Held) > 0 {
				t.Errorf("new %d, held %d", len(r.New), len(r.Held))
			}
			// And once it is known under its new marks, it stays known.
			h.body = rss(c.after)
			if r := poll(t, s, conf); len(r.New) > 0 {
				t.Errorf("new at the third look")
			}
		})
	}
}

// In one document, the same entry twice is one; entries that share a guid or a
// link, and nothing else, are several.
func TestWithinOneDocument(t *testing.T) {
	for name, c := range map[string]struct {
		items []item
		want  int
	}{
		"twice":                      {[]item{{"a", "https://site.example/a", "Un", monday, "T."}, {"a", "https://site.example/a", "Un", monday, "T."}}, 1},
		"under its old title too":    {[]item{{"a", "https://site.example/a", "Un", monday, "T."}, {"a", "https://site.example/a", "Un, corrigé", monday, "T."}}, 1},
		"one guid for all":           {[]item{{"x", "https://site.example/a", "Un", monday, "T."}, {"x", "https://site.example/b", "Deux", later, "U."}}, 2},
		"one guid and link for all":  {[]item{{"x", "https://site.example/live", "Un", monday, "T."}, {"x", "https://site.example/live", "Deux", later, "U."}, {"x", "https://site.example/live", "Trois", tuesday, "V."}}, 3},
		"one text for all":           {[]item{{"a", "https://site.example/a", "Un", monday, long}, {"b", "https://site.example/b", "Deux", later, long}, {"c", "https://site.example/c", "Trois", later, long}}, 3},
		"one text, in two sections":  {[]item{{"a", "https://site.example/ville/a", "Un", monday, long}, {"b", "https://site.example/vie/a", "Un", later, long}}, 1},
		"one link, guids of its own": {[]item{{"a", "https://site.example/live", "Un", monday, "T."}, {"b", "https://site.example/live", "Deux", later, "U."}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config(t, text(rss(c.items...)))
			conf.Backfill = 100
			s := store(t)
			r := poll(t, s, conf)
			ids := map[string]bool{}
			for _, e := range r.New {
				ids[e.Article.ID] = true
			}
			if len(r.New) != c.want || len(ids) != c.want {
				t.Errorf("%d new with %d article ids, want %d", len(r.New), len(ids), c.want)
			}
			if r := poll(t, s, conf); len(r.New) != 0 {
				t.Errorf("%d new at the second look", len(r.New))
			}
		})
	}
}

func series(from, to int) []item {
	var out []item
	for i := to; i >= from; i-- {
		out = append(out, item{fmt.Sprintf("g%d", i), fmt.Sprintf("https://site.example/%d", i), fmt.Sprintf("Article %d", i),
			noon.Add(time.Duration(i) * time.Minute).Format(time.RFC1123Z), fmt.Sprintf("Le texte de l’article %d.", i)})
	}
	return out
}

func titles(entries []publisher.FeedEntry) (out []string) {
	for _, e := range entries {
		out = append(out, e.Title)
	}
	return out
}

func TestFirstLookAndFloods(t *testing.T) {
	for name, c := range map[string]struct {
		backfill, maxNew int
		looks            [][]item
		fresh, held      []string // of the last look
		reason           string
	}{
		"nothing old":                         {0, 0, [][]item{series(1, 5)}, nil, nil, ""},
		"the newest two":                      {2, 0, [][]item{series(1, 5)}, []string{"Article 4", "Article 5"}, nil, ""},
		"empty at first":                      {0, 0, [][]item{nil, series(1, 5)}, []string{"Article 1", "Article 2", "Article 3", "Article 4", "Article 5"}, nil, ""},
		"three new":                           {0, 0, [][]item{series(1, 5), series(3, 8)}, []string{"Article 6", "Article 7", "Article 8"}, nil, ""},
		"more than max_new":                   {0, 2, [][]item{series(1, 5), series(3, 8)}, nil, []string{"Article 8", "Article 7", "Article 6"}, "3 new entries at once"},
		"another feed":                        {0, 0, [][]item{series(1, 5), series(21, 26)}, nil, []string{"Article 26", "Article 25", "Article 24", "Article 23", "Article 22", "Article 21"}, "it may be another feed"},
		"away, and back":                      {0, 0, [][]item{series(1, 5), nil, series(1, 5)}, nil, nil, ""},
		"away, and back with news":            {0, 0, [][]item{series(1, 5), nil, series(3, 6)}, []string{"Article 6"}, nil, ""},
		"the archive appears":                 {0, 0, [][]item{series(1, 2), append(series(1, 2), item{"old", "https://site.example/old", "Vieux", "Mon, 02 Nov 2026 08:00:00 GMT", "Vieux."})}, nil, []string{"Vieux"}, "dated 2026-11-02, before the first look"},
		"a small feed that turns over":        {0, 0, [][]item{series(1, 3), series(4, 6)}, []string{"Article 4", "Article 5", "Article 6"}, nil, ""},
		"a draft that was begun a day before": {0, 0, [][]item{series(1, 2), append(series(1, 2), item{"d", "https://site.example/d", "Brouillon", tuesday, "Commencé hier."})}, []string{"Brouillon"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := &changing{}
			s, conf := store(t), config(t, h)
			conf.Source.Now = func() time.Time { return noon.Add(time.Hour) }
			conf.Backfill, conf.MaxNew = c.backfill, c.maxNew
			var r feed.Report
			for _, l := range c.looks {
				h.body = rss(l...)
				r = poll(t, s, conf)
			}
			if diff := cmp.Diff(c.fresh, titles(r.New)); diff != "" {
				t.Errorf("new (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.held, titles(r.Held)); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
			for _, e := range r.Held {
				if !strings.Contains(e.Reason, c.reason) || e.Article.Body == "" {
					t.Errorf("held because %q, body %q", e.Reason, e.Article.Body)
				}
			}
		})
	}
}

// What was taken and then changed is told by policy; what was not is brought up to date.
func TestUpdates(t *testing.T) {
	for name, c := range map[string]struct {
		policy        string
		taken         bool
		updated, open int
	}{
		"ask":            {feed.UpdatesAsk, true, 1, 0},
		"correct":        {feed.UpdatesCorrect, true, 1, 0},
		"ignore":         {feed.UpdatesIgnore, true, 0, 0},
		"not taken yet":  {feed.UpdatesAsk, false, 0, 1},
		"by default ask": {"", true, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := &changing{rss(series(1, 1)...)}
			s, conf := store(t), config(t, h)
			conf.Backfill, conf.Updates = 1, c.policy
			first := poll(t, s, conf).New[0]
			if c.taken {
				if _, err := s.MoveFeedEntries(t.Context(), "site", []string{first.ID}, publisher.EntryTaken, publisher.EntryNew); err != nil {
					t.Fatal(err)
				}
			}
			edited := series(1, 1)[0]
			edited.title, edited.link = "Article 1, corrigé", "https://site.example/corrige"
			h.body = rss(edited)
			r := poll(t, s, conf)
			if len(r.New) != 0 || len(r.Updated) != c.updated {
				t.Fatalf("new %d, updated %d", len(r.New), len(r.Updated))
			}
			for _, e := range r.Updated {
				if e.Article.ID != first.Article.ID || e.Article.Title != edited.title || e.Article.Hash == first.Article.Hash {
					t.Errorf("updated to %+v", e.Article)
				}
			}
			open, err := s.FeedEntries(t.Context(), "site", publisher.EntryNew)
			if err != nil || len(open) != c.open || c.open == 1 && (open[0].Article.Title != edited.title || open[0].Article.ID != first.Article.ID) {
				t.Errorf("open %+v, %v", open, err)
			}
			// The same document again, in other markup: nothing.
			h.body = strings.Replace(h.body, "</title>", " </title>", -1)
			if r := poll(t, s, conf); len(r.New)+len(r.Updated) > 0 {
				t.Errorf("told twice: %+v", r)
			}
		})
	}
}
