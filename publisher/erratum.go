package publisher

import "time"

// An Erratum is the correction of an article that a newsletter has carried. It
// stands in the newsletter's next letter.
type Erratum struct {
	Newsletter string
	ArticleID  string
	Hash       string // of the article as it is corrected
	Title      string
	URL        string    // where the corrected text stands; may be empty
	Sent       time.Time // when the old text went out
	Text       string    // what was wrong, in the owner's words; may be empty
	Created    time.Time
	IssueID    string // of the letter that carries it; "": it waits for one
}
