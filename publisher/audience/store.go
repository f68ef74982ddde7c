package audience

import (
	"context"
	"time"

	"crieur/publisher"
)

// NewSubscriber is the root's; the name stands here too because it is this
// package that makes them.
type NewSubscriber = publisher.NewSubscriber

// Store keeps people, their subscriptions and the addresses never to be written
// to. Addresses are compared by publisher.EmailKey everywhere. Safe for
// concurrent use; each call is one transaction. Errors are *publisher.Error.
type Store interface {
	Upserter
	Reader
	Changer
	Suppressor
}

// An Upserter takes people in.
type Upserter interface {
	// UpsertSubscribers puts every person of the batch on the list, which is made
	// if it does not exist. No address stands twice in a batch. For each of them
	// exactly one of these holds:
	//
	//   - added: the person was not on this list and now is, with the batch's
	//     status, consent and Since (now where zero). A person known from another
	//     list keeps their ID and Token.
	//   - updated: the person was on this list and something changed: a name or
	//     language that was empty or different (an empty new value never wipes an
	//     old one), or the status, from Unconfirmed to the batch's or from
	//     Confirmed to Unsubscribed.
	//   - kept: the person is Unsubscribed from this list or the address is
	//     suppressed, and the batch says otherwise. Nothing was changed: an import
	//     never resubscribes anyone, and a suppressed address is not stored again.
	//   - none of them: nothing had to change.
	UpsertSubscribers(ctx context.Context, list string, batch []NewSubscriber, consent string, now time.Time) (added, updated, kept int, err error)
}

// A Reader finds people.
type Reader interface {
	// Subscribers calls yield for each person on the list ("": on any list, or on
	// none) in the order of their ID, with all of the person's subscriptions in
	// the order of the lists' names. It stops at yield's first error and gives it
	// back as it is. The store may be read, not written, from inside yield.
	Subscribers(ctx context.Context, list string, yield func(publisher.Subscriber, []publisher.Subscription) error) error
	// SubscriberByToken and SubscriberByEmail give a NotFound error where there is
	// no such person.
	SubscriberByToken(ctx context.Context, token string) (publisher.Subscriber, []publisher.Subscription, error)
	SubscriberByEmail(ctx context.Context, email string) (publisher.Subscriber, []publisher.Subscription, error)
}

// A Changer changes what is known of one person.
type Changer interface {
	// SetStatus sets the status of the person's subscription to the list, or to
	// every list they are on where list is "". It makes no subscription. changed
	// is false where nothing had to change: then Changed and Consent stay too. An
	// unknown person, or a list they are not on, is a NotFound error.
	SetStatus(ctx context.Context, subscriberID int64, list string, status publisher.SubscriptionStatus, consent string, now time.Time) (changed bool, err error)
	// RemoveSubscriber erases the person with all subscriptions and keeps only a
	// salted hash of the address, as suppressed. An unknown person is a NotFound
	// error.
	RemoveSubscriber(ctx context.Context, id int64, now time.Time) error
}

// A Suppressor knows the addresses never to be written to, by salted hash.
type Suppressor interface {
	Suppressed(ctx context.Context, email string) (bool, error)
	// Suppress does nothing, the second time.
	Suppress(ctx context.Context, email, reason string, now time.Time) error
}
