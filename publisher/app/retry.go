package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/publisher/dispatch"
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
	if err := a.knowNames(o.Channels); err != nil {
		return nil, err
	}
	if o.Issue != "" {
		if _, err := store.Issue(ctx, o.Issue); err != nil {
			return nil, noIssue(o.Issue, err)
		}
		s.IssueIDs = []string{o.Issue}
	}
	if err := a.MayDeliver(ctx, s); err != nil {
		return nil, err
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
	var warnings, reasons []string
	doubts := 0
	var waiting publisher.Selection
	networks := map[string]publisher.Network{}
	for _, tally := range tallies {
		if !tally.Lot.Due(a.o.Now()) {
			continue // crieur queue says what it waits for
		}
		n := 0
		for _, st := range states {
			n += tally.States[st]
		}
		doubts += tally.States[publisher.StateUnknown]
		if n == 0 {
			continue
		}
		if err := a.connect(ctx, tally.Lot, networks); publisher.KindOf(err) == publisher.NotFound {
			warnings = append(warnings, err.Error())
			continue
		} else if err != nil {
			return nil, err
		}
		if tally.Lot.Mail() && a.Live() {
			n, err := a.newsletter(tally.Lot.Channel)
			if err != nil {
				warnings = append(warnings, err.Error())
				continue
			}
			for _, r := range a.liveReasons(n) {
				reasons = append(reasons, "newsletter "+n.Name+": "+r)
			}
		}
		plan.add(Effect{Channel: tally.Lot.Channel, Network: tally.Lot.Network, Issue: tally.Lot.IssueID, Open: n})
		if !slices.Contains(waiting.IssueIDs, tally.Lot.IssueID) {
			waiting.IssueIDs = append(waiting.IssueIDs, tally.Lot.IssueID)
		}
		if !slices.Contains(waiting.Channels, tally.Lot.Channel) {
			waiting.Channels = append(waiting.Channels, tally.Lot.Channel)
		}
	}
	if len(reasons) > 0 {
		return nil, &publisher.Error{Kind: publisher.Invalid, Err: &PreflightError{reasons}, Hint: "mend that in config.yaml; nothing was sent"}
	}
	if plan.Open == 0 {
		r := &Result{Mode: a.conf.Mode, NothingToDo: doubts == 0, Deliveries: []DeliveryView{}, Counts: map[string]int{}, Warnings: append([]string{}, warnings...)}
		if r.Unknown = doubts; doubts > 0 {
			r.Counts[publisher.StateUnknown.String()] = doubts
		}
		return r, nil
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
	if err := a.replan(ctx, d, waiting, networks, o); err != nil {
		return nil, err
	}
	r, err := a.runDue(ctx, d, waiting, plan.Open, o.PublishOptions)
	if err != nil {
		return nil, err
	}
	r.Warnings = append(warnings, r.Warnings...)
	return r, nil
}

// replan makes what failed or waits planned again, while no other process settles
// it. A post in doubt whose network can be asked is left to dispatch, which looks
// first whether it stands.
func (a *App) replan(ctx context.Context, d *dispatch.Dispatcher, s publisher.Selection, networks map[string]publisher.Network, o RetryOptions) (err error) {
	release, _, err := a.store.Exclusive(ctx, func() {
		if o.Waiting != nil {
			o.Waiting()
		}
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	for _, channel := range s.Channels {
		_, canFind := networks[channel].(publisher.Finder)
		one := publisher.Selection{IssueIDs: s.IssueIDs, Channels: []string{channel}}
		if _, err := d.Retry(ctx, one, o.Unknown && !canFind); err != nil {
			return err
		}
	}
	return nil
}

// knowNames wants every name to be one of the configuration's.
func (a *App) knowNames(names []string) error {
	for _, n := range names {
		if !slices.Contains(a.channelNames(), n) {
			return &publisher.Error{Kind: publisher.Invalid, Op: "choose channels", Where: "--only", Err: fmt.Errorf("no %q in the configuration", n),
				Hint: "there are: " + strings.Join(a.channelNames(), ", ")}
		}
	}
	return nil
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
	return &publisher.Error{Kind: publisher.NotFound, Op: "retry", Where: lot.Channel, Err: errors.New("the configuration has no such channel any more"),
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
