package feed

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	"github.com/mmcdole/gofeed/rss"
)

// links takes the feed's own WebSub links.
func (d *document) links(f *gofeed.Feed, base *url.URL) {
	note := func(rel, href string) {
		switch at := resolve(base, href); {
		case rel == "hub" && d.hub == "":
			d.hub = at
		case rel == "self" && d.self == "":
			d.self = at
		}
	}
	if original, ok := f.OriginalFeed().(*atom.Feed); ok {
		for _, l := range original.Links {
			note(l.Rel, l.Href)
		}
		return
	}
	for _, prefix := range []string{"atom", "atom10", "atom03"} {
		for _, l := range f.Extensions[prefix]["link"] {
			note(l.Attrs["rel"], l.Attrs["href"])
		}
	}
}

var linkHeader = regexp.MustCompile(`<([^>]*)>((?:\s*;\s*[a-zA-Z*]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)`)
var relParam = regexp.MustCompile(`(?i);\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))`)

// linked gives the hub and the topic that a feed names, in its headers (RFC 8288)
// before its text, as WebSub §4 has it. Both are "" where it does not name both.
func linked(h http.Header, address string, doc *document) (hub, topic string) {
	base, err := url.Parse(address)
	if err != nil {
		return "", ""
	}
	for _, m := range linkHeader.FindAllStringSubmatch(strings.Join(h.Values("Link"), ", "), -1) {
		rel := relParam.FindStringSubmatch(m[2])
		if rel == nil {
			continue
		}
		for _, r := range strings.Fields(strings.ToLower(rel[1] + rel[2])) {
			switch at := resolve(base, m[1]); {
			case r == "hub" && hub == "":
				hub = at
			case r == "self" && topic == "":
				topic = at
			}
		}
	}
	if hub, topic = first(hub, doc.hub), first(topic, doc.self); hub == "" || topic == "" {
		return "", ""
	}
	return hub, topic
}

// wish is what a feed asks for between two looks: ttl in RSS, sy:updatePeriod and
// sy:updateFrequency in RSS 1.0's module.
func wish(f *gofeed.Feed) time.Duration {
	longest := time.Duration(0)
	if minutes, err := strconv.Atoi(strings.TrimSpace(ttl(f))); err == nil && minutes > 0 {
		longest = time.Duration(min(minutes, 7*24*60)) * time.Minute
	}
	periods := map[string]time.Duration{"hourly": time.Hour, "daily": 24 * time.Hour, "weekly": 7 * 24 * time.Hour, "monthly": 30 * 24 * time.Hour, "yearly": 365 * 24 * time.Hour}
	if p := extension(f.Extensions, "sy", "updatePeriod"); p != nil {
		times := 1
		if q := extension(f.Extensions, "sy", "updateFrequency"); q != nil {
			if n, err := strconv.Atoi(strings.TrimSpace(q.Value)); err == nil && n > 0 {
				times = n
			}
		}
		longest = max(longest, periods[strings.ToLower(strings.TrimSpace(p.Value))]/time.Duration(times))
	}
	return longest
}

func ttl(f *gofeed.Feed) string {
	if original, ok := f.OriginalFeed().(*rss.Feed); ok {
		return original.TTL
	}
	return ""
}
