package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// A QueueView is a lot that waits, as the command line shows it.
type QueueView struct {
	Issue      string         `json:"issue"`
	Title      string         `json:"title"`
	Newsletter string         `json:"newsletter"` // "" for posts
	Channel    string         `json:"channel"`
	Network    string         `json:"network"`
	Left       int            `json:"left"`              // deliveries
	Release    *time.Time     `json:"release,omitempty"` // not before; none: at once
	Held       publisher.Hold `json:"held,omitempty"`
	Approvals  int            `json:"approvals,omitempty"`
	Needed     int            `json:"needed,omitempty"`
	Stopped    string         `json:"stopped,omitempty"` // since when and by whom
	Warmup     *WarmupView    `json:"warmup,omitempty"`  // whose day is used up
}

// Why gives in words what a lot waits for.
func (v QueueView) Why() string {
	switch {
	case v.Held == publisher.HeldApproval:
		return fmt.Sprintf("approval (%d of %d)", v.Approvals, v.Needed)
	case v.Held != "":
		return "held: " + string(v.Held)
	case v.Stopped != "":
		return "stopped"
	case v.Warmup != nil:
		return "warm-up"
	case v.Release != nil:
		return "its time"
	}
	return "next run"
}

// Queue lists what waits and is released within a while, which zero does not limit.
func (a *App) Queue(ctx context.Context, next time.Duration) ([]QueueView, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	var before time.Time
	if next > 0 {
		before = a.o.Now().Add(next)
	}
	waiting, err := store.Waiting(ctx, publisher.Selection{}, before, 0)
	if err != nil {
		return nil, err
	}
	stops, err := store.Stops(ctx)
	if err != nil {
		return nil, err
	}
	allowed, err := a.allowances(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]QueueView, 0, len(waiting))
	for _, w := range waiting {
		v := QueueView{Issue: w.IssueID, Title: w.Title, Newsletter: w.Newsletter, Channel: w.Channel, Network: w.Network, Left: w.Left,
			Release: a.releaseOf(w.Lot), Held: w.Held, Approvals: w.Approvals, Needed: w.Needed}
		for _, s := range stops {
			if s.Covers(w.IssueID, w.Channel) {
				v.Stopped = a.stopText(s)
			}
		}
		if used, ok := allowed[strings.ToLower(w.Domain)]; ok && w.Mail() && v.Held == "" && v.Stopped == "" && used.Left() == 0 {
			view := a.viewWarmup(used, w.Left)
			if v.Warmup = &view; v.Release == nil || v.Release.Before(view.Next) {
				v.Release = &view.Next
			}
		}
		views = append(views, v)
	}
	return views, nil
}

// releaseOf gives a lot's release on the owner's clock, if it is still to come.
func (a *App) releaseOf(lot publisher.Lot) *time.Time {
	if !lot.Release.After(a.o.Now()) {
		return nil
	}
	t := lot.Release.In(a.location)
	return &t
}

// Stopped says what is stopped, since when and by whom.
func (a *App) Stopped(ctx context.Context) ([]string, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	stops, err := store.Stops(ctx)
	lines := []string{}
	for _, s := range stops {
		lines = append(lines, a.stopText(s)+" ("+resumeHint([]publisher.Stop{s})+")")
	}
	return lines, err
}

// Stop keeps deliveries from being begun, in every process, until Resume. Empty
// names stand for everything. It takes effect within seconds.
func (a *App) Stop(ctx context.Context, issue, channel string) (publisher.Stop, error) {
	s := publisher.Stop{IssueID: issue, Channel: channel, Who: who(), Since: a.o.Now()}
	store, err := a.open(ctx)
	if err != nil {
		return s, err
	}
	if err := a.knowTarget(ctx, issue, channel); err != nil {
		return s, err
	}
	return s, store.Stop(ctx, s)
}

func (a *App) knowTarget(ctx context.Context, issue, channel string) error {
	if issue != "" {
		if _, err := a.store.Issue(ctx, issue); err != nil {
			return noIssue(issue, err)
		}
	}
	if channel != "" {
		return a.knowNames([]string{channel})
	}
	return nil
}

// Resumed says what Resume let go on.
type Resumed struct {
	Stops int `json:"stops"` // that were lifted
	Lots  int `json:"lots"`  // that were held and may go out now
}

// Resume lifts stops: all of them, or those of just an issue and channel. For an
// issue it also ends the holds that a person may end by a word. It sends nothing.
func (a *App) Resume(ctx context.Context, issue, channel string) (Resumed, error) {
	store, err := a.open(ctx)
	if err != nil {
		return Resumed{}, err
	}
	if err := a.knowTarget(ctx, issue, channel); err != nil {
		return Resumed{}, err
	}
	var r Resumed
	if r.Stops, err = store.Resume(ctx, issue, channel); err != nil || issue == "" {
		return r, err
	}
	lots, err := a.openLots(ctx, issue, channel)
	if err != nil {
		return r, err
	}
	for _, lot := range lots {
		if lot.Held == "" || lot.Held == publisher.HeldApproval || lot.Held == publisher.HeldCopied {
			continue
		}
		freed, err := store.Free(ctx, lot.ID, lot.Held)
		if err != nil {
			return r, err
		}
		if freed {
			r.Lots++
		}
	}
	return r, nil
}

// ResumeHere makes this the place from which the state is used, on the owner's word
// that no copy of it sends any more.
func (a *App) ResumeHere(ctx context.Context) (Resumed, error) {
	store, err := a.open(ctx)
	if err != nil {
		return Resumed{}, err
	}
	freed, err := store.Settle(ctx)
	return Resumed{Lots: freed}, err
}

// openLots gives an issue's lots that have something left to do.
func (a *App) openLots(ctx context.Context, issue, channel string) ([]publisher.Lot, error) {
	s := publisher.Selection{IssueIDs: []string{issue}, Open: true}
	if channel != "" {
		s.Channels = []string{channel}
	}
	return a.store.Lots(ctx, s)
}

// A Decision is what the owner's word did to an issue, by channel.
type Decision struct {
	Issue    string    `json:"issue"`
	Title    string    `json:"title"`
	Channels []Decided `json:"channels"`
}

// Decided is one channel's part of a Decision.
type Decided struct {
	Channel string `json:"channel"`
	Done    int    `json:"deliveries"` // that it was done to
	What    string `json:"what"`
}

// decide does something to each open lot of an issue on the given channels.
func (a *App) decide(ctx context.Context, issue string, channels []string, do func(publisher.Lot) (Decided, error)) (Decision, error) {
	store, err := a.open(ctx)
	if err != nil {
		return Decision{}, err
	}
	if err := a.knowNames(channels); err != nil {
		return Decision{}, err
	}
	i, err := store.Issue(ctx, issue)
	if err != nil {
		return Decision{}, noIssue(issue, err)
	}
	d := Decision{Issue: issue, Title: i.Title, Channels: []Decided{}}
	waiting, err := store.Waiting(ctx, publisher.Selection{IssueIDs: []string{issue}, Channels: channels}, time.Time{}, 0)
	if err != nil {
		return d, err
	}
	for _, w := range waiting {
		one, err := do(w.Lot)
		if err != nil {
			return d, err
		}
		one.Channel = w.Channel
		if one.Done == 0 {
			one.Done = w.Left
		}
		d.Channels = append(d.Channels, one)
	}
	return d, nil
}

// Cancel calls off what has not gone out of an issue.
func (a *App) Cancel(ctx context.Context, issue string, channels []string, confirm func(text string) error) (Decision, error) {
	if confirm != nil {
		left := 0
		look, err := a.decide(ctx, issue, channels, func(publisher.Lot) (Decided, error) { return Decided{}, nil })
		if err != nil {
			return look, err
		}
		for _, c := range look.Channels {
			left += c.Done
		}
		if left > 0 {
			if err := confirm(fmt.Sprintf("%d deliveries of %q would be called off for good", left, look.Title)); err != nil {
				return look, err
			}
		}
	}
	return a.decide(ctx, issue, channels, func(lot publisher.Lot) (Decided, error) {
		n, err := a.store.Cancel(ctx, lot.ID, a.o.Now())
		return Decided{What: "cancelled", Done: n}, err
	})
}

// Hold keeps an issue back until crieur resume ISSUE.
func (a *App) Hold(ctx context.Context, issue string, channels []string) (Decision, error) {
	return a.decide(ctx, issue, channels, func(lot publisher.Lot) (Decided, error) {
		_, err := a.store.Hold(ctx, lot.ID, publisher.HeldOwner)
		return Decided{What: "held"}, err
	})
}

// Approve is one person's word for an issue as it is rendered now.
func (a *App) Approve(ctx context.Context, issue string, channels []string, name string) (Decision, error) {
	if strings.TrimSpace(name) == "" {
		name = who()
	}
	d, err := a.decide(ctx, issue, channels, func(lot publisher.Lot) (Decided, error) {
		if lot.Needed == 0 {
			return Decided{What: "needs no approval"}, nil
		}
		c, freed, err := a.store.Approve(ctx, lot.ID, "", name, a.o.Now())
		what := fmt.Sprintf("approved (%d of %d)", len(c.Given), c.Needed)
		if freed {
			what += ", may go out"
		}
		return Decided{What: what}, err
	})
	return d, err
}

// timing says when what is planned now may go out, by channel, and who has to approve
// of it.
func (a *App) timing(moments map[string]time.Time, held map[string]publisher.Hold) dispatch.Timing {
	return func(lot publisher.Lot) publisher.Lot {
		lot.Release = moments[lot.Channel]
		for _, n := range a.conf.Newsletters {
			if n.Name == lot.Channel {
				lot.Needed = n.Approval
			}
		}
		for _, c := range a.conf.Channels {
			if c.Name == lot.Channel {
				lot.Needed = c.Approval
			}
		}
		if lot.Needed > 0 {
			lot.Held = publisher.HeldApproval
		}
		if why := held[lot.Channel]; why != "" {
			lot.Held = why // approval is asked for when this ends
		}
		return lot
	}
}

// reschedule gives what was planned before other moments, by channel.
func (a *App) reschedule(ctx context.Context, s publisher.Selection, moments map[string]time.Time) error {
	s.Open = true
	lots, err := a.store.Lots(ctx, s)
	if err != nil {
		return err
	}
	var errs []error
	for _, lot := range lots {
		release := moments[lot.Channel]
		if lot.Release.Equal(release) || release.IsZero() && lot.Due(a.o.Now()) {
			continue
		}
		if err := a.store.Reschedule(ctx, lot.ID, release); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// await notes in a result which of its deliveries wait, and for what.
func (r *Result) await(a *App, report dispatch.Report) {
	for _, lot := range report.Waiting {
		for _, t := range report.Tallies {
			if t.Lot.ID == lot.ID {
				r.Waiting += t.States[publisher.StatePlanned] + t.States[publisher.StateDeferred] + t.States[publisher.StateHeld]
			}
		}
		r.Approval = r.Approval || lot.Held == publisher.HeldApproval
		at := a.releaseOf(lot)
		if at != nil && lot.Held == "" && (r.Release == nil || at.Before(*r.Release)) {
			r.Release = at
		}
		for i, d := range r.Deliveries {
			if d.Issue == lot.IssueID && d.Channel == lot.Channel && !d.State.Final() {
				r.Deliveries[i].Release, r.Deliveries[i].Held = at, lot.Held
			}
		}
	}
}

// waitingOf picks the lots that do not go out now.
func waitingOf(lots []publisher.Lot, now time.Time) []publisher.Lot {
	return slices.DeleteFunc(slices.Clone(lots), func(lot publisher.Lot) bool { return lot.Due(now) })
}
