package publisher

import "time"

// A Feed is what is known of a source's feed between two looks at it.
type Feed struct {
	Name     string
	Asked    string // its address in the configuration
	URL      string // where it stands: Asked, or where redirects led that are meant for good
	ETag     string
	Modified string // Last-Modified as the server wrote it
	Digest   string // of the document seen last: what has not changed is not read again
	Title    string
	First    time.Time // the first look that found a feed; zero: none did
	Polled   time.Time // the last look, whatever came of it
	Next     time.Time // not before
	Failures int       // looks in a row that failed
	Problem  string    // of the last look; "" for none
	Entries  int       // in the document seen last
	Gone     bool      // the server said that it is gone for good
	Hub      string    // WebSub's hub and topic, as the feed names them; "" for none
	Topic    string
	Wish     time.Duration // between two looks, as the feed itself asks; 0: it does not
	Version  int64         // of this record: what was read with another one is not stored over it
}

// An EntryState says what becomes of a feed's entry.
type EntryState uint8

const (
	EntrySeen    EntryState = iota // known, and nothing is to be done: it was there at the first look, or was passed over
	EntryNew                       // waits to be taken
	EntryHeld                      // waits for a person to say what it is
	EntryTaken                     // its article was planned
	EntryUpdated                   // was taken, and has changed since
)

var entryStateNames = [...]string{"seen", "new", "held", "taken", "updated"}

func (s EntryState) String() string {
	if int(s) < len(entryStateNames) {
		return entryStateNames[s]
	}
	return "unknown"
}

// A FeedEntry is one entry of a feed, as it is recognised again.
type FeedEntry struct {
	Feed   string
	ID     string // made of the entry's own marks: whoever sees it first gives it the same one
	State  EntryState
	Title  string
	Link   string
	Stated time.Time // its date as the feed says; zero where it says none
	Seen   time.Time // when it was first seen
	Keys   []string  // the marks it is recognised by, of all its versions
	Digest string    // of its words
	Reason string    // why it is held, or what its article lacks
	// ArticleID stays what it was first, whatever the entry's address becomes.
	ArticleID string
	// Article is there while the entry is new, held or updated.
	Article Article
}

// A FeedSubscription is a WebSub subscription for a feed (W3C Recommendation of
// 23 January 2018).
type FeedSubscription struct {
	Feed  string
	Hub   string
	Topic string
	// Callback is where the hub was told to call.
	Callback string
	Secret   string // signs the deliveries; never shown
	Mode     string // what was asked of the hub last: "subscribe" or "unsubscribe"; "" for nothing
	Asked    time.Time
	Until    time.Time // the lease's end; zero while the hub has not verified
	Problem  string
	Version  int64
}
