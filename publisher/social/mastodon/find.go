package mastodon

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"crieur/publisher"
)

// skew is by how much the server's clock may be behind ours.
const skew = 2 * time.Minute

// Find looks for p among the account's newest posts, by its text and time; servers
// do not tell the key under which a post was made.
func (n *Network) Find(ctx context.Context, p publisher.Post) (publisher.Receipt, bool, error) {
	a, err := n.account(ctx)
	if err != nil {
		return publisher.Receipt{}, false, err
	}
	query := url.Values{"limit": {"40"}, "exclude_reblogs": {"true"}}
	r := n.request("GET", "/api/v1/accounts/"+escape(a.ID)+"/statuses?"+query.Encode(), "look the post up on mastodon")
	var statuses []status
	if _, err := n.wire.JSON(ctx, r, &statuses); err != nil {
		return publisher.Receipt{}, false, err
	}
	for _, s := range statuses {
		if s.ID != "" && s.says(p) {
			return n.receipt(s), true, nil
		}
	}
	return publisher.Receipt{}, false, nil
}

// says reports whether s is p as its server shows it.
func (s status) says(p publisher.Post) bool {
	parent := ""
	if p.Parent != nil {
		parent = p.Parent.ID
	}
	text := gist(textOf(s.Content))
	return (len(s.Reblog) == 0 || string(s.Reblog) == "null") &&
		s.ReplyTo == parent &&
		!s.CreatedAt.Before(p.Created.Add(-skew)) &&
		(text == gist(p.Text) || text == gist(mention.ReplaceAllString(p.Text, "$1$2"))) &&
		gist(textOf(s.Spoiler)) == gist(p.Warning)
}

// mention matches "@name@server", which many servers show as "@name".
var mention = regexp.MustCompile(`(^|[^\pL\pN_/])(@[\pL\pN_.-]+)@[\pL\pN.-]+[\pL\pN]`)

// textOf gives the text of a status' HTML.
func textOf(fragment string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(fragment))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			b.Write(z.Text())
		}
	}
}

// gist gives what of a text survives every server's way of showing it: letters,
// digits and symbols such as emoji, but no spacing, punctuation or markup.
func gist(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.So) {
			return r
		}
		return -1
	}, text)
}
