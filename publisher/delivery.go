package publisher

import (
	"fmt"
	"time"
)

// A State is where a delivery stands.
type State int8

const (
	StatePlanned    State = iota // to be done
	StateHeld                    // waits for a person
	StateLeased                  // claimed: may be on the wire now
	StateAccepted                // done, with a receipt
	StateDeferred                // surely not done yet; tried again later
	StateBounced                 // refused for good by the recipient's side
	StateFailed                  // surely not done, and will not be by itself
	StateUnknown                 // perhaps done
	StateSuppressed              // left out: the reader had left, or is never to be written to
	StateCancelled
	StateRetracted
)

var stateNames = [...]string{"planned", "held", "leased", "accepted", "deferred", "bounced", "failed",
	"unknown", "suppressed", "cancelled", "retracted"}

// States lists every state.
func States() []State {
	s := make([]State, len(stateNames))
	for i := range s {
		s[i] = State(i)
	}
	return s
}

func (s State) String() string {
	if s >= 0 && int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", int8(s))
}

func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Final reports whether nothing more happens to a delivery by itself.
func (s State) Final() bool {
	switch s {
	case StatePlanned, StateHeld, StateLeased, StateDeferred:
		return false
	}
	return true
}

// A Delivery is one thing to do once: an issue to one reader, or one post to one
// channel.
type Delivery struct {
	Key       string // see DeliveryKey
	IssueID   string
	Channel   string
	Network   string    // "smtp" for mail
	Recipient Recipient // mail; zero for posts
	Part      int       // posts: 1…Parts; 0 for mail
	State     State
	Attempts  int
	Created   time.Time
	Updated   time.Time // of the last change of State
	After     time.Time // Deferred: not before this moment
	Receipt   Receipt   // Accepted; Bounced, where it was accepted first
	Problem   string    // what the last attempt said, where it was no success

	// Of mails that are due, and of no others:
	Deferrals     int       // how often a server has told it to wait
	DeferredSince time.Time // when its first attempt began that came to nothing yet; zero: there was none
}

// A Recipient is a reader as a delivery needs to know them.
type Recipient struct {
	ID       int64 // the subscriber's; 0: none
	Email    string
	Name     string
	Language string
	Since    time.Time // of the subscription
	Token    string    // the subscriber's, for the links of this mail
}

// A Receipt is the proof of one accepted attempt.
type Receipt struct {
	ID    string    `json:"id"`              // Message-ID, or the remote ID
	URL   string    `json:"url"`             // where the post stands; "" for mail
	Ref   string    `json:"ref,omitempty"`   // what the network itself needs to answer or delete it
	Reply string    `json:"reply,omitempty"` // the server's words
	At    time.Time `json:"at"`
}

// DeliveryKey gives the key of a delivery: of issue, channel name, and the
// recipient's address or the part's number ("1", "2", …). It is the Message-ID's
// left side and every network's idempotency key.
func DeliveryKey(issueID, channel, recipientOrPart string) string {
	return hashID("delivery", issueID, channel, recipientOrPart)
}

// A Subscriber is a person on one or more lists.
type Subscriber struct {
	ID       int64
	Email    string // as given; compared without regard to case
	Name     string
	Language string
	Created  time.Time
	Token    string // unguessable, in every link of this reader's mails
}

// A SubscriptionStatus is the state of the link between a subscriber and a list.
type SubscriptionStatus int8

const (
	Unconfirmed  SubscriptionStatus = iota // signed up, has not confirmed
	Confirmed                              // gets mail
	Unsubscribed                           // left
)

var statusNames = [...]string{"unconfirmed", "confirmed", "unsubscribed"}

func (s SubscriptionStatus) String() string {
	if s >= 0 && int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", int8(s))
}

func (s SubscriptionStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Subscription links a subscriber to a list, with the record of their consent.
type Subscription struct {
	List    string
	Status  SubscriptionStatus
	Consent string    // where it came from: "import readers.csv", "cli", "form"
	Since   time.Time // of Status Confirmed
	Changed time.Time
}
