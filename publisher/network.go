package publisher

import (
	"context"
	"time"
)

// A Network publishes to one account. One call makes at most one post. It does not
// render, shorten, retry, sleep, log or read config files. Safe for concurrent use.
type Network interface {
	Traits() Traits // what the network takes; no I/O
	// Post makes p public. After an error, KindOf says what may be done next;
	// Unknown: p may be public all the same.
	Post(ctx context.Context, p Post) (Receipt, error)
}

// A Finder can look a post up among the account's own. It settles an Unknown outcome.
type Finder interface {
	// Find reports whether p is public. Asked sooner than Traits.Settle after the
	// attempt, only a yes can be trusted.
	Find(ctx context.Context, p Post) (r Receipt, found bool, err error)
}

// A Prober learns what the account's server takes before anything is rendered:
// Mastodon instances differ. Traits called afterwards gives the learned values. A
// failure leaves the network's defaults in force.
type Prober interface {
	Probe(ctx context.Context) error
}

// A Verifier checks the account without posting and gives its public name.
type Verifier interface {
	Verify(ctx context.Context) (account string, err error)
}

// A Remover can delete a post that it made. Deleting what is gone is no error.
type Remover interface {
	Remove(ctx context.Context, r Receipt) error
}

// An Editor can change the words of a post that it made: its text, language and
// warning, and what its card says. Its pictures, its place in a thread and its date
// stay. The same edit again changes nothing. The receipt given back takes the old
// one's place. NotFound: the post is gone.
type Editor interface {
	Edit(ctx context.Context, r Receipt, p Post) (Receipt, error)
}

// Traits is what a network takes, as data.
type Traits struct {
	Network    string           // "mastodon"
	Text       int              // longest text, as counted by Len
	Len        func(string) int // the network's own way of counting
	Bytes      int              // longest text in UTF-8 bytes as well; 0: no such limit
	URL        int              // what one URL counts; 0: its own length
	Media      int              // pictures per post; 0: none
	MediaBytes int64            // largest picture
	MediaTypes []string
	AltText    int              // longest alternative text in characters
	Card       bool             // links are shown by a Card that the client makes
	Thread     bool             // a post can answer one's own post
	Keyed      time.Duration    // how long a second Post with the same Key surely posts nothing; 0: not at all
	Settle     time.Duration    // how long after an attempt Find's "no" can be trusted
	Price      func(Post) int64 // cost in micro-dollars; nil: free
}

// A Post is ready to go: final text, within the network's Traits.
type Post struct {
	Key      string // the same for every try of the same delivery
	Text     string
	Language string
	Warning  string // content warning
	Card     *PostCard
	Media    []Media
	Created  time.Time // when the delivery was planned; the same for every try
	Parent   *Receipt  // the post before it in its thread
	Root     *Receipt  // the thread's first post
}

// A PostCard is a Card with its picture's bytes.
type PostCard struct {
	URL, Title, Description string
	Thumb                   *Media
}

// Media is a picture with its bytes.
type Media struct {
	Type          string
	Alt           string
	Data          []byte
	Width, Height int
}
