package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"

	"crieur/publisher"
	"crieur/publisher/source"
)

// An entry is recognised by its marks. Two entries that share one are the same,
// save for the last, which counts only where one of the two has neither a guid nor
// a link. They are tried in this order:
//
//	g  the guid, whatever its scheme; one that is a bare number only with the
//	   title, the path or the day beside it
//	l  the page's address: without scheme, www, tracking, and the slash at its end
//	x  title and moment, where the moment is more than a day
//	p  path and title: the site moved to another host
//	d  path and day: likewise, and the title was edited
//	c  the words and the day: address and title both changed
//	t  title and day
//
// A title alone is none: every week has its agenda.
const markOrder = "glxpdct"

// least is how many characters a text has before it is taken for one of a kind.
const least = 200

func marksOf(e entry) []string {
	var marks []string
	add := func(kind byte, parts ...string) {
		sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
		marks = append(marks, string(kind)+":"+hex.EncodeToString(sum[:12]))
	}
	title, day, where := folded(e.title), dayOf(e.stated), pathOf(e.link)
	if e.guid != "" && !e.recycled {
		if !e.weak {
			add('g', plainGUID(e.guid))
		} else {
			for _, beside := range []string{title, where, day} {
				if beside != "" {
					add('g', e.guid, beside)
				}
			}
		}
	}
	if where != "" && !e.hops {
		add('l', address(e.link))
	}
	if !e.named {
		title = "" // it was made of the text
	}
	if h, m, s := e.stated.Clock(); title != "" && day != "" && h+m+s > 0 {
		add('x', title, e.stated.Format(time.RFC3339))
	}
	if where != "" && !e.hops {
		if title != "" {
			add('p', where, title)
		}
		if day != "" {
			add('d', where, day)
		}
	}
	if words := folded(e.words); len(words) >= least && !e.stock {
		if day == "" {
			add('c', words, title)
		} else {
			add('c', words, day)
		}
	}
	if title != "" {
		add('t', title, day)
	}
	return marks
}

// bare reports marks of an entry that has neither a guid nor a link.
func bare(marks []string) bool {
	for _, m := range marks {
		if m[0] == 'g' || m[0] == 'l' {
			return false
		}
	}
	return true
}

// A register finds entries by their marks.
type register[T any] struct {
	by   map[string]T
	bare map[string]bool // for marks of kind t: whether an entry that has it is bare
}

func newRegister[T any]() *register[T] {
	return &register[T]{map[string]T{}, map[string]bool{}}
}

func (r *register[T]) put(marks []string, one T) {
	lone := bare(marks)
	for _, m := range marks {
		if _, taken := r.by[m]; !taken || lone {
			r.by[m] = one
		}
		r.bare[m] = r.bare[m] || lone
	}
}

func (r *register[T]) find(marks []string) (one T, ok bool) {
	lone := bare(marks)
	for i := range len(markOrder) {
		for _, m := range marks {
			if m[0] != markOrder[i] || m[0] == 't' && !lone && !r.bare[m] {
				continue
			}
			if one, ok = r.by[m]; ok {
				return one, true
			}
		}
	}
	return one, false
}

// identity names an entry by all that it says of itself, so that whoever sees it
// first gives it the same name.
func identity(e entry) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{e.guid, e.link, e.title, e.statedAs}, "\x00")))
	return hex.EncodeToString(sum[:])[:20]
}

// digest is of what a reader would see changed: words, not their markup, which
// generators change by themselves.
func digest(e entry) string {
	image := ""
	if e.image != nil {
		image = address(e.image.URL)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{e.title, source.PlainText(e.summary), e.words, image}, "\x00")))
	return hex.EncodeToString(sum[:])[:20]
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// plainGUID leaves out of a guid what changes when a site moves to https.
func plainGUID(guid string) string {
	u, err := url.Parse(strings.TrimSpace(guid))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return guid
	}
	return address(guid) + "#" + u.Fragment
}

// address gives an http(s) address without what leads to the same page: scheme,
// www, port of the scheme, tracking, the slash and index file at the end.
func address(link string) string {
	u, err := url.Parse(source.WithoutTracking(link))
	if err != nil || u.Host == "" {
		return strings.TrimSpace(link)
	}
	host := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(u.Hostname()), "www."), ".")
	if p := u.Port(); p != "" && p != "80" && p != "443" {
		host += ":" + p
	}
	return host + trimmed(u)
}

func trimmed(u *url.URL) string {
	p := u.EscapedPath()
	if base := path.Base(p); strings.HasPrefix(base, "index.") || strings.HasPrefix(base, "default.") {
		p = strings.TrimSuffix(p, base)
	}
	p = strings.TrimRight(p, "/")
	if u.RawQuery != "" {
		p += "?" + u.Query().Encode()
	}
	return p
}

// pathOf gives the part of a page's address that a site takes along when it moves;
// "" for a front page, which is no article's.
func pathOf(link string) string {
	u, err := url.Parse(source.WithoutTracking(link))
	if err != nil {
		return ""
	}
	return trimmed(u)
}

// folded makes words comparable: lower case, letters and digits only.
func folded(s string) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToLower(s) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			space = true
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// record makes what is stored of an entry.
func record(e entry, c Config) publisher.FeedEntry {
	return publisher.FeedEntry{Feed: c.Name, ID: identity(e), Title: e.title, Link: e.link, Stated: e.stated, Seen: c.Source.Now(),
		Keys: marksOf(e), Digest: digest(e)}
}
