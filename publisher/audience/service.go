package audience

import (
	"context"
	"errors"
	"io"
	"time"

	"crieur/publisher"
)

// A Service does what readers and owners ask. Safe for concurrent use if its
// source of randomness is.
type Service struct {
	store Store
	rand  io.Reader
	now   func() time.Time
}

// New gives a Service over store. Tokens are drawn from rand, which must be fit
// for secrets (crypto/rand.Reader).
func New(store Store, rand io.Reader, now func() time.Time) *Service {
	return &Service{store: store, rand: rand, now: now}
}

// A Change is what became of one person's subscription.
type Change uint8

const (
	Unchanged Change = iota // was on the list already
	Added
	Updated
	Kept // had left or is suppressed: nothing was changed
)

func (c Change) String() string {
	return [...]string{"unchanged", "added", "updated", "kept"}[min(c, Kept)]
}

// MarshalText gives the same word as String.
func (c Change) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// A Person is someone to add by hand.
type Person struct {
	Email    string
	Name     string
	Language string
}

// Add puts one person on a list as Confirmed, on the owner's word, which consent
// records. Someone who left is Kept as they are: only they themselves can come back.
func (s *Service) Add(ctx context.Context, list string, p Person, consent string) (Change, error) {
	if err := needList(list, "add subscriber"); err != nil {
		return Unchanged, err
	}
	email, err := Address(p.Email)
	if err != nil {
		return Unchanged, err
	}
	token, err := newToken(s.rand)
	if err != nil {
		return Unchanged, err
	}
	now := s.now()
	added, updated, kept, err := s.store.UpsertSubscribers(ctx, list, []NewSubscriber{{
		Email: email, Name: cleanName(p.Name), Language: language(p.Language), Token: token,
		Since: now, Status: publisher.Confirmed,
	}}, consent, now)
	switch {
	case err != nil:
		return Unchanged, err
	case added > 0:
		return Added, nil
	case updated > 0:
		return Updated, nil
	case kept > 0:
		return Kept, nil
	}
	return Unchanged, nil
}

// List calls yield for everyone on the list, or for everyone at all where list is
// "", in a stable order. It stops at yield's first error and gives it back.
func (s *Service) List(ctx context.Context, list string, yield func(publisher.Subscriber, []publisher.Subscription) error) error {
	return s.store.Subscribers(ctx, list, yield)
}

// Remove erases the person with this address from every list and keeps only a
// salted hash of it, so that no later import brings them back. A person who is not
// there is a NotFound error.
func (s *Service) Remove(ctx context.Context, email string) error {
	email, err := Address(email)
	if err != nil {
		return err
	}
	person, _, err := s.store.SubscriberByEmail(ctx, email)
	if err != nil {
		return err
	}
	return s.store.RemoveSubscriber(ctx, person.ID, s.now())
}

// Suppress keeps the address from ever being written to, whether it is a reader's or
// not. changed is false where that was so already: the first reason stays.
func (s *Service) Suppress(ctx context.Context, email, reason string) (changed bool, err error) {
	email, err = Address(email)
	if err != nil {
		return false, err
	}
	already, err := s.store.Suppressed(ctx, email)
	if err != nil || already {
		return false, err
	}
	return true, s.store.Suppress(ctx, email, reason, s.now())
}

// Preferences is what a reader can see of themselves.
type Preferences struct {
	Subscriber    publisher.Subscriber
	Subscriptions []publisher.Subscription
}

// Preferences finds the reader to whom a token belongs. A token that belongs to
// nobody is a NotFound error.
func (s *Service) Preferences(ctx context.Context, token string) (Preferences, error) {
	if !tokenShaped(token) {
		return Preferences{}, errNoToken("read preferences")
	}
	person, subscriptions, err := s.store.SubscriberByToken(ctx, token)
	return Preferences{Subscriber: person, Subscriptions: subscriptions}, err
}

// Leave unsubscribes the reader to whom the token belongs from a list, or from
// all of them where list is "". how is recorded: "one-click", "page". changed is
// false where there was nothing to leave. An unknown token is a NotFound error.
func (s *Service) Leave(ctx context.Context, token, list, how string) (changed bool, err error) {
	return s.set(ctx, token, list, publisher.Unsubscribed, how)
}

// Join confirms the reader's own subscription to a list they are on or were on, or
// to all of those where list is "". Holding the token, which only their mailbox was
// given, is the proof. A list they never were on changes nothing.
func (s *Service) Join(ctx context.Context, token, list, how string) (changed bool, err error) {
	return s.set(ctx, token, list, publisher.Confirmed, how)
}

func (s *Service) set(ctx context.Context, token, list string, status publisher.SubscriptionStatus, how string) (bool, error) {
	reader, err := s.Preferences(ctx, token)
	if err != nil {
		return false, err
	}
	if !reader.on(list) {
		return false, nil
	}
	changed, err := s.store.SetStatus(ctx, reader.Subscriber.ID, list, status, how, s.now())
	if publisher.KindOf(err) == publisher.NotFound && err != nil {
		// The owner removed the person or the list a moment ago: nothing is left to do.
		return false, nil
	}
	return changed, err
}

// on reports whether there is a subscription to set.
func (p Preferences) on(list string) bool {
	for _, s := range p.Subscriptions {
		if list == "" || s.List == list {
			return true
		}
	}
	return false
}

func needList(list, op string) error {
	if list != "" {
		return nil
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: op, Err: errors.New("no list named"),
		Hint: "name one of the lists of config.yaml with --list"}
}
