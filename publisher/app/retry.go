package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"crieur/publisher"
)

// RetryOptions says what is tried again.
type RetryOptions struct {
	Issue    string   // "" stands for all
	Channels []string // empty: all
	Unknown  bool     // also what is perhaps done
	PublishOptions
}

// Retry tries again what failed or waits, on the owner's word.
func (a *App) Retry(ctx context.Context, o RetryOptions) (*Result, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	s := publisher.Selection{Channels: o.Channels}
	if o.Issue != "" {
		if _, err := store.Issue(ctx, o.Issue); err != nil {
			return nil, noIssue(o.Issue, err)
		}
		s.IssueIDs = []string{o.Issue}
	}
	states := []publisher.State{publisher.StatePlanned, publisher.StateLeased, publisher.StateDeferred, publisher.StateFailed}
	if o.Unknown {
		states = append(states, publisher.StateUnknown)
	}
	tallies, err := store.Counts(ctx, s)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Mode: a.conf.Mode}
	var waiting publisher.Selection
	networks := map[string]publisher.Network{}
	for _, tally := range tallies {
		n := 0
		for _, st := range states {
			n += tally.States[st]
		}
		if n == 0 {
			continue
		}
		plan.add(Effect{Channel: tally.Lot.Channel, Network: tally.Lot.Network, Issue: tally.Lot.IssueID, Open: n})
		if !slices.Contains(waiting.IssueIDs, tally.Lot.IssueID) {
			waiting.IssueIDs = append(waiting.IssueIDs, tally.Lot.IssueID)
		}
		if !slices.Contains(waiting.Channels, tally.Lot.Channel) {
			waiting.Channels = append(waiting.Channels, tally.Lot.Channel)
		}
		if err := a.connect(ctx, tally.Lot, networks); err != nil {
			return nil, err
		}
	}
	if plan.Open == 0 {
		return &Result{Mode: a.conf.Mode, NothingToDo: true, Deliveries: []DeliveryView{}, Counts: map[string]int{}, Warnings: []string{}}, nil
	}
	if o.Confirm != nil {
		if err := o.Confirm(plan); err != nil {
			return nil, err
		}
	}
	d, done, err := a.dispatcher(ctx, networks)
	if err != nil {
		return nil, err
	}
	defer done()
	if _, err := d.Retry(ctx, waiting, o.Unknown); err != nil {
		return nil, err
	}
	return a.run(ctx, d, waiting, plan.Open, o.PublishOptions)
}

// connect opens the network of a lot's channel, if it is one.
func (a *App) connect(ctx context.Context, lot publisher.Lot, networks map[string]publisher.Network) error {
	if lot.Mail() || networks[lot.Channel] != nil {
		return nil
	}
	for _, c := range a.conf.Channels {
		if c.Name == lot.Channel {
			n, err := a.network(ctx, c)
			networks[lot.Channel] = n
			return err
		}
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: "retry", Where: lot.Channel, Err: errors.New("the configuration has no such channel any more"),
		Hint: "add it again, or choose others with --only " + strings.Join(a.channelNames(), ",")}
}

func (a *App) channelNames() []string {
	var names []string
	for _, n := range a.conf.Newsletters {
		names = append(names, n.Name)
	}
	for _, c := range a.conf.Channels {
		names = append(names, c.Name)
	}
	return names
}
