package publisher

import "time"

// An Issue is one dated mailing of a newsletter or, where Newsletter is empty,
// the posts of one article: whatever goes out together and is accounted for
// together.
type Issue struct {
	ID         string // see IssueID
	Newsletter string // name; "" for an article's posts
	ArticleID  string
	Articles   []string // of a digest: the IDs of its articles, in order; else empty
	Title      string
	Hash       string // the article's Hash when the issue was made
	Created    time.Time
}

// DigestID gives what stands for an article's ID in the identity of a digest: the
// moment of its schedule or, where that is zero, its articles in their order.
func DigestID(at time.Time, articleIDs []string) string {
	if !at.IsZero() {
		return "digest:" + at.UTC().Format(time.RFC3339)
	}
	return "digest:" + hashID(append([]string{"digest"}, articleIDs...)...)
}

// IssueID gives the identity of the issue in which a newsletter carries an
// article, or a digest; newsletter "" stands for the article's posts.
func IssueID(newsletter, articleID string) string { return hashID("issue", newsletter, articleID) }

// A Rendering is the final text for one channel and language, frozen before
// anything is sent. Preview, approval, archive and dispatch read it; nothing is
// rendered after it but the closed list of merge fields.
type Rendering struct {
	IssueID   string
	Channel   string // a newsletter's or a social channel's name
	Language  string
	Subject   string // mail: one line
	Preheader string // mail
	HTML      string // mail: with merge markers
	Text      string // mail: with merge markers
	Nonce     string // mail: see Marker
	Parts     []Part // posts: one, or several that make a thread
	Hash      string // hex SHA-256 over all of the above
	Created   time.Time
}

// A Part is one post of a rendering. Its text fits its network.
type Part struct {
	Text     string     `json:"text"`
	Length   int        `json:"length"` // as the network counts
	Limit    int        `json:"limit"`
	Language string     `json:"language,omitempty"`
	Warning  string     `json:"warning,omitempty"`
	Card     *Card      `json:"card,omitempty"`
	Media    []MediaRef `json:"media,omitempty"`
}

// A Card is the preview of a link, for networks that leave it to the client.
type Card struct {
	URL         string    `json:"url"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Thumb       *MediaRef `json:"thumb,omitempty"`
}

// A MediaRef names a frozen picture by the hash of its bytes.
type MediaRef struct {
	Hash   string `json:"hash"` // hex SHA-256 of the bytes
	Type   string `json:"type"` // image/jpeg, image/png, image/gif, image/webp
	Alt    string `json:"alt"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}
