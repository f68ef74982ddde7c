package app

import (
	"context"
	"crypto/rand"
	"errors"
	"net/mail"
	"slices"
	"time"

	"crieur/publisher"
	"crieur/publisher/web"
)

// deskToken is the name under which the key of tickets is kept. No channel can have it.
const deskToken = "@desk"

// deskKey gives the key that this state's tickets are sealed with, made at its first
// use.
func (a *App) deskKey(ctx context.Context) ([]byte, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	key, err := store.LoadToken(ctx, deskToken)
	if err != nil || len(key) > 0 {
		return key, err
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := store.SaveToken(ctx, deskToken, key); err != nil {
		return nil, err
	}
	return store.LoadToken(ctx, deskToken) // of two at once, the last one's counts
}

// desk lets people decide over what waits.
type desk struct{ a *App }

var _ web.Desk = desk{}

func (d desk) Look(ctx context.Context, t web.Ticket) (web.Waiting, error) {
	issue, err := d.a.store.Issue(ctx, t.Issue)
	if err != nil {
		return web.Waiting{}, err
	}
	tally, err := d.tally(ctx, t)
	if err != nil {
		return web.Waiting{}, err
	}
	return d.a.waiting(ctx, issue, tally)
}

// mayDecide reports whether proofs still go to who holds a ticket: one that was sent to
// somebody who has left is good for nothing.
func (a *App) mayDecide(who string) bool {
	return slices.ContainsFunc(a.conf.Proof.To, func(to string) bool {
		address, err := mail.ParseAddress(to)
		return err == nil && address.Address == who
	})
}

// tally finds the ticket's lot.
func (d desk) tally(ctx context.Context, t web.Ticket) (publisher.Tally, error) {
	if !d.a.mayDecide(t.Who) {
		return publisher.Tally{}, &publisher.Error{Kind: publisher.NotFound, Op: "find what waits", Where: t.Channel, Err: errors.New("proofs do not go to who was sent the ticket any more")}
	}
	tallies, err := d.a.store.Counts(ctx, publisher.Selection{IssueIDs: []string{t.Issue}, Channels: []string{t.Channel}})
	if err == nil && len(tallies) == 0 {
		err = &publisher.Error{Kind: publisher.NotFound, Op: "find what waits", Where: t.Channel, Err: errors.New("there is nothing of this name")}
	}
	if err != nil {
		return publisher.Tally{}, err
	}
	return tallies[0], nil
}

// waiting says how a lot stands to those who decide over it.
func (a *App) waiting(ctx context.Context, issue publisher.Issue, tally publisher.Tally) (web.Waiting, error) {
	lot := tally.Lot
	w := web.Waiting{Title: issue.Title, Channel: lot.Channel, Language: a.ownerLanguage(), Count: tally.Total() - tally.States[publisher.StateSuppressed],
		Mail: lot.Mail(), Held: lot.Held, Needed: lot.Needed, Cancelled: !lot.Cancelled.IsZero()}
	for _, st := range []publisher.State{publisher.StatePlanned, publisher.StateHeld, publisher.StateDeferred} {
		w.Left += tally.States[st]
	}
	if lot.Release.After(a.o.Now()) {
		w.Release = lot.Release.In(a.location)
	}
	consent, err := a.store.Consent(ctx, lot)
	if err != nil {
		return w, err
	}
	w.Hash, w.Approvals = consent.Hash, consent.Given
	r, err := a.store.RenderingFor(ctx, issue.ID, lot.Channel, w.Language)
	if err != nil {
		return w, err
	}
	if !lot.Mail() {
		for _, part := range r.Parts {
			w.Posts = append(w.Posts, part.Text)
		}
		return w, nil
	}
	r = a.sample(r)
	w.Subject, w.HTML = r.Subject, r.HTML
	for _, n := range a.conf.Newsletters {
		if n.Name == lot.Channel {
			w.Channel = firstOf(n.Title, n.Name)
		}
	}
	return w, nil
}

// ownerLanguage is that of what crieur tells the owner.
func (a *App) ownerLanguage() string { return firstOf(a.conf.Site.Language, "en") }

func (d desk) Send(ctx context.Context, t web.Ticket) error {
	tally, err := d.tally(ctx, t)
	if err != nil {
		return err
	}
	lot, now := tally.Lot, d.a.o.Now()
	c, _, err := d.a.store.Approve(ctx, lot.ID, t.Hash, t.Who, now)
	if err != nil || c.Missing() > 0 {
		return err
	}
	if lot.Held == publisher.HeldOwner {
		if _, err := d.a.store.Free(ctx, lot.ID, publisher.HeldOwner); err != nil {
			return err
		}
	}
	if lot.Release.After(now) {
		return d.a.store.Reschedule(ctx, lot.ID, time.Time{})
	}
	return nil
}

func (d desk) Hold(ctx context.Context, t web.Ticket) error {
	tally, err := d.tally(ctx, t)
	if err != nil {
		return err
	}
	consent, err := d.a.store.Consent(ctx, tally.Lot)
	if err != nil {
		return err
	}
	if consent.Hash != t.Hash {
		return &publisher.Error{Kind: publisher.Invalid, Op: "hold it", Where: t.Channel, Err: errors.New("the text is another one by now")}
	}
	_, err = d.a.store.Hold(ctx, tally.Lot.ID, publisher.HeldOwner)
	return err
}
