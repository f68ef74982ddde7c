package feed_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"crieur/publisher"
	"crieur/publisher/source/feed"
)

// Whatever a feed's bytes are, they are read in a bounded time to entries that hold
// text, or refused as what has to change.
func FuzzRead(f *testing.F) {
	for _, name := range append(fixtures(f), "page.html") {
		f.Add(file(f, name), "")
	}
	f.Add([]byte(rss(series(1, 3)...)), "text/xml; charset=iso-8859-1")
	f.Add([]byte("\xff\xfe<\x00r\x00s\x00s\x00>\x00"), "application/rss+xml")
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":{},"url":1}]}`), "application/feed+json")
	f.Add([]byte(strings.Repeat("<feed>", 300)), "")
	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		start := time.Now()
		entries, err := feed.ReadAll(data, contentType, "https://feeds.example/feed")
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("it took %v", took)
		}
		if err != nil {
			if publisher.KindOf(err) != publisher.Invalid {
				t.Fatalf("an error of kind %v: %v", publisher.KindOf(err), err)
			}
			return
		}
		for _, e := range entries {
			if strings.ContainsAny(e.Title, "\x00\x1b\n\r") || !utf8.ValidString(e.Title) {
				t.Fatalf("title %q", e.Title)
			}
			if e.Link != "" && !strings.HasPrefix(e.Link, "http") {
				t.Fatalf("link %q", e.Link)
			}
		}
		again, err := feed.ReadAll(bytes.Clone(data), contentType, "https://feeds.example/feed")
		if err != nil || len(again) != len(entries) {
			t.Fatalf("read again: %d entries, %v", len(again), err)
		}
	})
}
