package publisher

import (
	"strings"
	"time"
)

// A NewSubscriber is a person as a file, a form or the owner brings them: valid
// and normalised, not yet known to be new.
type NewSubscriber struct {
	Email    string // valid; see EmailKey for how it is compared
	Name     string // "": not given
	Language string // BCP 47; "": not given
	Token    string // becomes the Subscriber's Token if the person is new
	Since    time.Time
	Status   SubscriptionStatus
}

// EmailKey gives the form in which two addresses are compared: without regard to
// case in either part. No large provider tells local parts apart by case, and
// writing to one person twice is worse than what RFC 5321 §2.4 guards against.
func EmailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
