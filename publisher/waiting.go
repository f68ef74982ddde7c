package publisher

import "time"

// A Hold is why a lot waits for a person, whatever its release says.
type Hold string

const (
	HeldApproval Hold = "approval" // not enough people have approved of it
	HeldLate     Hold = "late"     // its moment passed while nobody sent
	HeldBudget   Hold = "budget"   // it would cost more than is left
	HeldOwner    Hold = "owner"    // the owner said so
	HeldCopied   Hold = "copied"   // the state stands where it was not made, and may be a copy
	HeldFlood    Hold = "flood"    // more at once than is usual
)

// Holds lists every reason.
func Holds() []Hold {
	return []Hold{HeldApproval, HeldLate, HeldBudget, HeldOwner, HeldCopied, HeldFlood}
}

// A Waiting is a lot with something left to do, as a queue shows it.
type Waiting struct {
	Lot
	Title      string // the issue's
	Newsletter string // the issue's; "" for posts
	Left       int    // deliveries that have not ended
	Approvals  int    // of the rendering as it is now
}

// A Stop keeps deliveries from being begun, in every process, until it is lifted.
// An empty IssueID or Channel stands for all of them.
type Stop struct {
	IssueID string
	Channel string
	Who     string
	Since   time.Time
}

// Covers reports whether nothing of a lot is to be begun.
func (s Stop) Covers(issueID, channel string) bool {
	return (s.IssueID == "" || s.IssueID == issueID) && (s.Channel == "" || s.Channel == channel)
}

// All reports whether the stop is for everything.
func (s Stop) All() bool { return s.IssueID == "" && s.Channel == "" }

// An Approval is one person's word for a channel's renderings as they were.
type Approval struct {
	Hash string
	Who  string
	At   time.Time
}

// A Consent is how far the approval of a lot has come.
type Consent struct {
	Hash   string     // of the channel's renderings as they are now
	Needed int        // people who have to approve
	Given  []Approval // of those renderings, oldest first
}

// Missing is how many people still have to approve.
func (c Consent) Missing() int { return max(0, c.Needed-len(c.Given)) }

// A Schedule is a moment that comes back. Of many processes one fires it.
type Schedule struct {
	ID   string // "digest:daily"
	Spec string // as the configuration gives it
	Next time.Time
	Last time.Time // zero: it has not fired yet
}

// An Arrival is an article as a source brought it.
type Arrival struct {
	ArticleID string
	Source    string    // "feed:site"
	Hash      string    // the article's Hash as it came last
	Arrived   time.Time // first
	Published time.Time // as its author says; zero: they do not
	Routed    time.Time // when it was decided where it goes; zero: that is still to be done
}

// A Pooled is an article that waits for a newsletter's next digest, or was in one.
type Pooled struct {
	Newsletter string
	ArticleID  string
	Since      time.Time // from when on it may be in one
	IssueID    string    // the digest that took it; "": it waits
}

// A Mark is up to where a newsletter's digests have come.
type Mark struct {
	Newsletter string
	UpTo       time.Time // zero: there was none yet
	IssueID    string
}
