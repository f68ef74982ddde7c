package x

import (
	"context"
	"html"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"crieur/publisher"
)

// skew is by how much X's clock may be behind ours.
const skew = 2 * time.Minute

// seen is a post as a timeline shows it.
type seen struct {
	made
	text  string
	at    time.Time
	links []link
}

// A link is an address that X has put in the place of another, or of a picture.
type link struct {
	short, long string
	media       bool
}

// Find looks for p among the account's newest posts, by its text and time.
func (n *Network) Find(ctx context.Context, p publisher.Post) (publisher.Receipt, bool, error) {
	since := p.Created.Add(-skew)
	posts, err := n.posts.recent(ctx, since)
	if err != nil {
		return publisher.Receipt{}, false, err
	}
	for _, s := range posts {
		if s.id != "" && !s.at.Before(since.Truncate(time.Second)) && plain(s.original()) == plain(p.Text) {
			return n.receipt(s.made), true, nil
		}
	}
	return publisher.Receipt{}, false, nil
}

// original gives the text as it was posted: with its own links, and without the
// address that X appends for pictures.
func (s seen) original() string {
	text := s.text
	for _, l := range s.links {
		if l.media {
			l.long = ""
		}
		text = strings.ReplaceAll(text, l.short, l.long)
	}
	return html.UnescapeString(text)
}

var scheme = regexp.MustCompile(`(?i)\bhttps?://`)

// plain gives what of a text survives its way through X: it composes characters,
// trims space, and completes addresses that were written without a scheme.
func plain(text string) string {
	text = scheme.ReplaceAllString(norm.NFC.String(text), "")
	return strings.Join(strings.Fields(text), " ")
}
