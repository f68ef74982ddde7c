package publisher

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// An Article is a piece of content: cleaned, sanitised, with a language and a
// hash of its content. Title, Lead and the like are plain text on one line; Body
// is sanitised HTML without the title, the lead and the boilerplate.
type Article struct {
	ID           string // stable through edits: see ArticleID
	Source       string // where it was read: a path, a URL, "-", "feed:NAME"
	Title        string
	Lead         string // the paragraph under the headline; may be empty
	Body         string // sanitised HTML; block elements at the top level
	Language     string // BCP 47, lower-case primary tag: "fr", "en", "ar"
	Dir          string // "ltr" or "rtl"
	CanonicalURL string // the site's own page; may be empty
	OriginalURL  string // the source that was translated or republished; may be empty
	Author       string
	Published    time.Time // zero where not given
	Embargo      time.Time `json:",omitzero"` // nothing of it goes out before; zero: no such moment
	Tags         []string
	Image        *Image   // the lead picture
	Images       []Image  // all pictures in the order they stand in Body, without Image unless it stands there too
	Warning      string   // content warning; "" for none
	Blocks       []Block  // what the article's own footer asked for, in its order
	Wants        *Wants   `json:",omitempty"` // what it says itself about where it goes; nil: nothing
	Notes        []string `json:"-"`          // what was left out while it was read, for its author
	Hash         string   // hex SHA-256 over title, lead, author, body, language, URLs, tags, warning and images
}

// Wants is what an article says itself about its publishing. What the owner says, on the
// command line, counts more.
type Wants struct {
	Newsletters []string // by name; with Channels empty too: wherever it would go
	Channels    []string
	At          time.Time // not before; zero: it does not say
	Slot        string    // that its posts are placed in; "next", or a name
	Skip        bool      // it goes nowhere
}

// An Image stands at a URL or, where the article came from a file, at a local Path.
type Image struct {
	URL     string // absolute http(s) URL, or "" for a local image without one
	Path    string // local file, or ""
	Alt     string
	Caption string
	Credit  string
}

// A Block is one of the parts around an article that an owner can ask for.
type Block string

const (
	BlockShare     Block = "share"
	BlockForward   Block = "forward"
	BlockOriginal  Block = "original"
	BlockSubscribe Block = "subscribe"
	BlockSponsors  Block = "sponsors"
	BlockDonate    Block = "donate"
)

// Blocks lists every block in the order a letter shows them.
func Blocks() []Block {
	return []Block{BlockShare, BlockForward, BlockOriginal, BlockSubscribe, BlockSponsors, BlockDonate}
}

// ArticleID gives the identity under which an article is published once: the id
// its author gave, else its canonical URL, else its title with its date where it
// has one. It does not depend on the text, so that a corrected article is still
// the same article.
func ArticleID(id, canonicalURL, title string, published time.Time) string {
	switch {
	case id != "":
		return hashID("id", id)
	case canonicalURL != "":
		return hashID("url", strings.TrimSuffix(canonicalURL, "/"))
	}
	date := ""
	if !published.IsZero() {
		date = published.Format(time.DateOnly) // as it was written, or of the moment in UTC: no time zone changes it
	}
	return hashID("title", strings.ToLower(strings.Join(strings.Fields(title), " ")), date)
}

// hashID gives 20 hex digits (80 bits) over parts, each told apart from its neighbours.
func hashID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))[:20]
}
