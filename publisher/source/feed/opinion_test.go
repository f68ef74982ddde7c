package feed_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"crieur/publisher/source/feed"
)

// A second opinion: Debian's feedparser reads the same feeds. Where the two differ,
// and why crieur is right all the same, or does not mind.
var differences = map[string]string{
	"blogger.xml 0 title":      "the feed says that the title is text, so that <em> is what the author wrote",
	"control.xml 0 title":      "control characters are nothing that a title holds",
	"dates.xml 1 date":         "CET is an hour ahead of UTC; feedparser knows the names of American zones only",
	"dates.xml 6 date":         "feedparser reads no French dates",
	"dates.xml 7 date":         "feedparser reads no dates with slashes; day before month, as in all of Europe",
	"feedburner.xml 0 link":    "the article's own address, not the one that counts clicks",
	"jsonfeed.json entries":    "this feedparser reads no JSON",
	"noguid.xml 1 link":        "the feed is served from another host than the site: a link is meant from the site",
	"unterminated.xml entries": "an entry that breaks off is not published",
	"xhtml.atom 1 title":       "the feed says that the title is text, so that <hr> is what the author wrote",
}

func TestSecondOpinion(t *testing.T) {
	names := fixtures(t)
	args := []string{filepath.Join("testdata", "second_opinion.py")}
	for _, n := range names {
		args = append(args, filepath.Join("testdata", "in", n))
	}
	out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", args...).Output()
	if err != nil {
		t.Fatalf("feedparser (Debian: python3-feedparser): %v", err)
	}
	type opinion struct {
		Title, Link, ID string
		Date            int64
	}
	var theirs map[string][]opinion
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	differ := func(where string, ours, theirs any) {
		if ours == theirs {
			return
		}
		met[where] = true
		if differences[where] == "" {
			t.Errorf("%q: crieur reads %q, feedparser %q", where, fmt.Sprint(ours), fmt.Sprint(theirs))
		}
	}
	compared := 0
	for _, name := range names {
		ours, err := feed.ReadAll(file(t, name), "", "http://feeds.example/feed")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		differ(name+" entries", len(ours), len(theirs[name]))
		for i := range min(len(ours), len(theirs[name])) {
			o, p := ours[i], theirs[name][i]
			date := int64(0)
			if !o.Date.IsZero() {
				date = o.Date.Unix()
			}
			at := fmt.Sprintf("%s %d ", name, i)
			differ(at+"title", o.Title, p.Title)
			differ(at+"link", o.Link, p.Link)
			differ(at+"id", o.ID, p.ID)
			differ(at+"date", date, p.Date)
			compared += 4
		}
	}
	for where, why := range differences {
		if !met[where] {
			t.Errorf("%q is listed (%s), and the two agree", where, why)
		}
	}
	if compared < 100 {
		t.Errorf("only %d values were compared", compared)
	}
}
