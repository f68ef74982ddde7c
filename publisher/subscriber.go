package publisher

import "time"

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
