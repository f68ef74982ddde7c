package publisher

import "time"

// A Lot is what one issue has to deliver on one channel: a mail to each reader of
// a list, or the parts of a post. Its deliveries are known by a number within it:
// the reader's ID, or the part's number from 1.
type Lot struct {
	ID      int64
	IssueID string
	Channel string
	Network string // "smtp" for mail
	List    string // mail: whose readers get it
	Domain  string // mail: right-hand side of the Message-IDs; may be empty
	Parts   int    // posts
	Size    int    // deliveries planned so far; their states always add up to it
	Open    bool   // something may still be left to do
	Created time.Time

	Release   time.Time // not before this moment; zero: at once
	Held      Hold      // why it waits for a person; "": it does not
	Needed    int       // people who have to approve of it before HeldApproval ends
	Cancelled time.Time // when the owner called it off: nothing more is planned of it
}

// Due reports whether the lot may go out at a moment.
func (l Lot) Due(now time.Time) bool { return l.Held == "" && !l.Release.After(now) }

// Mail reports whether the lot goes to readers, not to a network.
func (l Lot) Mail() bool { return l.Network == "smtp" }

// A Tally counts a lot's deliveries by state.
type Tally struct {
	Lot    Lot
	States map[State]int
	Due    time.Time // when the first of the deferred ones is; zero: there is none
}

// Total adds the states up. It equals Lot.Size: nobody is ever unaccounted for.
func (t Tally) Total() int {
	n := 0
	for _, c := range t.States {
		n += c
	}
	return n
}

// A Forecast is what planning a lot would do.
type Forecast struct {
	New      int // deliveries that would be planned
	Existing int // deliveries that were planned before, whatever became of them
}

// A Selection names lots. An empty list stands for all of them.
type Selection struct {
	IssueIDs []string
	Channels []string
	Open     bool      // only those with something left to do
	Due      time.Time // only those that are released by then and not held; zero: the others as well
}

// A DeliveryFilter names deliveries. What is empty does not restrict.
type DeliveryFilter struct {
	IssueID string
	Channel string
	States  []State
	After   int64 // only numbers (reader's ID or part) greater than this; to page within one channel
	Limit   int   // at most so many
}

// A Claim names one delivery and the attempt that may be made at it.
type Claim struct {
	Lot     int64
	ID      int64 // the reader's ID, or the part's number
	Attempt int   // from 1; while it is only wanted, the number that it would have, or 0
}

// An Outcome is how a claimed attempt ended.
type Outcome struct {
	Claim
	State   State
	Started time.Time // zero with StatePlanned: it was granted, and not begun
	Ended   time.Time
	After   time.Time // StateDeferred: not before this moment
	Receipt Receipt   // StateAccepted
	Kind    Kind      // of the error, where Problem is not empty
	Code    int       // the SMTP or HTTP status; 0 where there was none
	Problem string    // what went wrong; "" for a success
	Verdict Verdict   // StateBounced: what that says of the reader's address
	Cost    int64     // StateAccepted: what it cost, in micro-dollars
	Back    time.Time // the day to whose ration its place goes back; zero: it is used
}

// A Commit is what the ledger made of a set of outcomes and wanted claims.
type Commit struct {
	Granted    []Claim  // leased: each may be tried once, now
	Suppressed []Claim  // the reader had left, or is never to be written to
	Late       []Claim  // outcomes that came after their lease was given to someone else, and changed nothing
	Spent      []string // domains whose ration had no place for all of the wanted
}

// An Attempt is one try at a delivery, as the ledger keeps it: all of a post's,
// and those of a mail that did not succeed.
type Attempt struct {
	N       int // from 1
	State   State
	Started time.Time
	Ended   time.Time
	Kind    Kind // where Problem is not empty
	Code    int
	Problem string
}
