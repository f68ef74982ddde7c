package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"

	"crieur/publisher"
	"crieur/publisher/source"
)

// A document is a feed as it was read, its entries in its own order.
type document struct {
	title, language string
	self, hub       string        // WebSub's links, absolute
	wish            time.Duration // between two looks; 0 for none
	entries         []entry
	broken          bool // it broke off, and was read to its last whole entry
	left            bool // entries were left for the next look
}

// An entry is what a feed says of one article.
type entry struct {
	guid, link     string
	title          string // plain text
	named          bool   // the feed gave the title; else it was made of the text
	summary, body  string // HTML
	words          string // of body, on one line
	author         string
	language       string
	tags           []string
	stated         time.Time // when it was published; zero where that is not said, or cannot be read
	statedAs       string    // what stands there
	image          *publisher.Image
	film           bool // it is a film or a recording: its page has no text to read
	weak           bool // the guid is no address and no name that only one entry could have
	recycled, hops bool // another entry of the document has the same guid; the same link
	stock          bool // another entry of the document has the same words: a paywall's, or a frame's
}

func refused(hint, cause string, args ...any) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: "read feed", Hint: hint, Err: fmt.Errorf(cause, args...)}
}

// parse reads a document that came from address.
func parse(data []byte, contentType, address string) (*document, error) {
	text, err := decode(data, contentType)
	if err != nil {
		return nil, refused("publish the feed as UTF-8", "%w", err)
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, refused("", "the address is malformed")
	}
	switch {
	case text == "":
		return nil, refused("open the address in a browser", "it is empty")
	case text[0] == '{':
		return parseJSON(text, base)
	case text[0] != '<':
		return nil, refused("open the address in a browser", "it is neither XML nor JSON")
	}
	s, err := surveyXML(text)
	if err != nil {
		return nil, refused("let the site's generator write the feed anew", "%w", err)
	}
	if s.root == "html" || s.root != "rss" && s.root != "rdf" && s.root != "feed" {
		return nil, notFeed(text, s.root, base)
	}
	if len(s.entries) > mostEntries {
		return nil, refused("let the site list fewer entries in its feed", "it has more than %d entries", mostEntries)
	}
	f, broken, err := parseXML(text, s)
	if err != nil {
		return nil, err
	}
	doc := &document{title: source.PlainText(f.Title), language: f.Language, broken: broken, wish: wish(f)}
	doc.links(f, base)
	for i, item := range f.Items {
		e := entryOf(f, i, item, doc, base)
		if i < len(s.entries) {
			e.language = first(s.entries[i].language, e.language)
			e.guid = first(e.guid, strings.TrimSpace(s.entries[i].about))
			e.title = titleOf(item.Title, s.entries[i].title)
		} else {
			e.title = titleOf(item.Title, "")
		}
		doc.entries = append(doc.entries, e)
	}
	doc.finish()
	return doc, nil
}

// parseXML reads RSS and Atom; what breaks off is read to its last whole entry.
func parseXML(text string, s survey) (f *gofeed.Feed, broken bool, err error) {
	p := gofeed.NewParser()
	p.KeepOriginalFeed = true
	p.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	if f, err = p.ParseString(text); err == nil {
		return f, false, nil
	}
	if whole, ok := mended(text, s.root); ok && len(whole) != len(text) {
		if f, merr := p.ParseString(whole); merr == nil {
			return f, true, nil
		}
	}
	return nil, false, refused("let a feed validator look at it, such as validator.w3.org/feed", "it cannot be read: %w", err)
}

// notFeed says what stands where a feed should, and where the page says its feed is.
func notFeed(text, root string, base *url.URL) error {
	lower := strings.ToLower(text[:min(len(text), 2048)])
	if root != "html" && !strings.Contains(lower, "<!doctype html") && !strings.Contains(lower, "<html") {
		return refused("give the address of an RSS, Atom or JSON feed", "it is XML, and no feed")
	}
	hint := "look for the feed's address in the page's source"
	doc, err := html.Parse(strings.NewReader(text))
	if err == nil {
		if at := advertised(doc, base); at != "" {
			hint = "the page names its feed: " + at
		}
	}
	return refused(hint, "it is a web page, not a feed")
}

func advertised(n *html.Node, base *url.URL) string {
	if n.Type == html.ElementNode && n.Data == "link" {
		var rel, kind, href string
		for _, a := range n.Attr {
			switch a.Key {
			case "rel":
				rel = strings.ToLower(a.Val)
			case "type":
				kind = strings.ToLower(a.Val)
			case "href":
				href = a.Val
			}
		}
		if strings.Contains(rel, "alternate") && (strings.Contains(kind, "rss") || strings.Contains(kind, "atom") || kind == "application/feed+json") {
			return source.Redact(resolve(base, href))
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if at := advertised(c, base); at != "" {
			return at
		}
	}
	return ""
}

// parseJSON reads a JSON Feed (jsonfeed.org/version/1.1).
func parseJSON(text string, base *url.URL) (*document, error) {
	var head struct {
		Version string `json:"version"`
		Hubs    []struct {
			URL string `json:"url"`
		} `json:"hubs"`
	}
	// gofeed's parser takes any object.
	if err := json.Unmarshal([]byte(text), &head); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, refused("let the site's generator write the feed anew", "the JSON cannot be read: %w", err)
		}
	}
	if !strings.Contains(head.Version, "jsonfeed.org/version/") {
		return nil, refused("give the address of an RSS, Atom or JSON feed", "it is JSON, and no feed")
	}
	p := gofeed.NewParser()
	p.KeepOriginalFeed = true
	f, err := p.ParseString(text)
	if err != nil {
		return nil, refused("let the site's generator write the feed anew", "it cannot be read: %w", err)
	}
	if len(f.Items) > mostEntries {
		return nil, refused("let the site list fewer entries in its feed", "it has more than %d entries", mostEntries)
	}
	doc := &document{title: oneLine(f.Title), language: f.Language, self: resolve(base, f.FeedLink)}
	if len(head.Hubs) > 0 {
		doc.hub = resolve(base, head.Hubs[0].URL)
	}
	for i, item := range f.Items {
		e := entryOf(f, i, item, doc, base)
		e.title = oneLine(item.Title)
		doc.entries = append(doc.entries, e)
	}
	doc.finish()
	return doc, nil
}

// finish looks at the entries side by side.
func (d *document) finish() {
	guids, links, words := map[string]*sharing{}, map[string]*sharing{}, map[string]*sharing{}
	for i := range d.entries {
		e := &d.entries[i]
		e.words = source.PlainText(e.body)
		if e.named = e.title != ""; !e.named {
			e.title = opening(e.words)
		}
		if e.title == "" {
			e.title = e.link
		}
		share(guids, e.guid, e.link, e.title)
		share(links, source.WithoutTracking(e.link), e.guid, e.title)
		share(words, e.words, source.WithoutTracking(e.link), e.title)
	}
	for i := range d.entries {
		e := &d.entries[i]
		e.recycled = guids[e.guid].several()
		e.hops = links[source.WithoutTracking(e.link)].several()
		e.stock = words[e.words].several()
		e.weak = plainNumber.MatchString(e.guid)
	}
}

// A sharing is what the entries that have one guid, or one link, have besides.
type sharing struct{ others, titles, both map[string]bool }

func share(all map[string]*sharing, key, other, title string) {
	s := all[key]
	if s == nil {
		s = &sharing{map[string]bool{}, map[string]bool{}, map[string]bool{}}
		all[key] = s
	}
	s.others[other], s.titles[title], s.both[other+"\x00"+title] = true, true, true
}

// several reports different entries; the same one may stand twice, under its old
// title and its new one.
func (s *sharing) several() bool {
	return len(s.both) > 2 || len(s.others) > 1 && len(s.titles) > 1
}

// plainNumber is a guid that another entry may come to have: numbers start again
// at 1 with a site's next database.
var plainNumber = regexp.MustCompile(`^[0-9]{1,9}$`)

// opening gives the beginning of a text as a title: its first sentence, or as many
// words as fit.
func opening(text string) string {
	const most = 80
	if i := strings.IndexAny(text, ".!?…"); i > 0 && i < most && (i+1 == len(text) || text[i] == '.' && text[i+1] == ' ') {
		return text[:i]
	}
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	cut := string(r[:most])
	if i := strings.LastIndexByte(cut, ' '); i > most/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:–—-") + "…"
}

var markup = regexp.MustCompile(`<(/?[a-zA-Z][^<>]*|!--)>?|&(#[0-9]+|#x[0-9a-fA-F]+|[a-zA-Z]{2,31});`)

// titleOf makes plain text of a title. RSS does not say whether one is HTML, and
// many are; an Atom title that says it is text is left alone.
func titleOf(title, kind string) string {
	if kind != "text" && markup.MatchString(title) {
		return source.PlainText(title)
	}
	return oneLine(title)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func first(s ...string) string {
	for _, s := range s {
		if s != "" {
			return s
		}
	}
	return ""
}

// resolve makes a reference absolute; "" for what is no http(s) address.
func resolve(base *url.URL, ref string) string {
	ref = strings.TrimSpace(ref)
	if ref == "" {
		return ""
	}
	u, err := url.Parse(ref)
	if err != nil {
		return ""
	}
	u = base.ResolveReference(u)
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}
