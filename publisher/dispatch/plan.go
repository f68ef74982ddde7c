package dispatch

import (
	"context"
	"fmt"
	"slices"

	"crieur/publisher"
)

// An Audience binds a channel that sends mail to the list that it is for.
type Audience struct {
	Channel string
	List    string
	Domain  string // right-hand side of the Message-IDs; "" costs space in the ledger, nothing else
}

// A PlanReport says what planning came to.
type PlanReport struct {
	Issue      publisher.Issue       // as it is kept
	Renderings []publisher.Rendering // as they are frozen, which may be earlier ones than those given
	Changed    []string              // channels on which an earlier, different rendering stays in force
	Lots       []Planned             // mails first, then posts, in the order they were given
}

// Planned is one lot's part of a PlanReport.
type Planned struct {
	Lot publisher.Lot
	publisher.Forecast
}

// New counts the deliveries that planning adds; 0: there is nothing to do that was
// not planned before.
func (p PlanReport) New() int {
	n := 0
	for _, l := range p.Lots {
		n += l.New
	}
	return n
}

// Plan freezes an issue's renderings and plans its deliveries: to each audience a
// mail for every confirmed reader, and on each channel whose rendering has Parts
// its posts. What was frozen or planned before stays as it is, so that planning
// the same issue again does nothing, except for readers who have joined since.
func (d *Dispatcher) Plan(ctx context.Context, issue publisher.Issue, renderings []publisher.Rendering, audience []Audience) (PlanReport, error) {
	return d.PlanAt(ctx, issue, renderings, audience, nil)
}

// A Timing gives a lot that is about to be planned its Release, Held and Needed. One
// that was planned before keeps what it has.
type Timing func(publisher.Lot) publisher.Lot

// PlanAt is Plan for what does not go out at once: no process sees a lot before its
// timing holds.
func (d *Dispatcher) PlanAt(ctx context.Context, issue publisher.Issue, renderings []publisher.Rendering, audience []Audience, when Timing) (PlanReport, error) {
	lots, err := d.lots(issue, renderings, audience)
	if err != nil {
		return PlanReport{}, err
	}
	if when != nil {
		for i, lot := range lots {
			lots[i] = when(lot)
		}
	}
	var r PlanReport
	r.Issue, r.Renderings, err = d.c.Ledger.SaveIssue(ctx, issue, renderings)
	if err != nil {
		return r, err
	}
	r.Changed = changed(renderings, r.Renderings)
	refit(lots, r.Renderings)
	for _, lot := range lots {
		kept, added, err := d.c.Ledger.Materialise(ctx, lot)
		if err != nil {
			return r, err
		}
		r.Lots = append(r.Lots, Planned{kept, publisher.Forecast{New: added, Existing: kept.Size - added}})
	}
	return r, nil
}

// Preview says what Plan would do, and writes nothing. Its lots have no ID.
func (d *Dispatcher) Preview(ctx context.Context, issue publisher.Issue, renderings []publisher.Rendering, audience []Audience) (PlanReport, error) {
	lots, err := d.lots(issue, renderings, audience)
	if err != nil {
		return PlanReport{}, err
	}
	r := PlanReport{Issue: issue, Renderings: slices.Clone(renderings)}
	frozen, err := d.c.Ledger.Renderings(ctx, issue.ID)
	if err != nil {
		return r, err
	}
	for i, given := range r.Renderings {
		for _, f := range frozen {
			if f.Channel == given.Channel && f.Language == given.Language {
				r.Renderings[i] = f
			}
		}
	}
	r.Changed = changed(renderings, frozen)
	refit(lots, r.Renderings)
	for _, lot := range lots {
		f, err := d.c.Ledger.Forecast(ctx, lot)
		if err != nil {
			return r, err
		}
		r.Lots = append(r.Lots, Planned{lot, f})
	}
	return r, nil
}

// lots gives the lots that an issue should have.
func (d *Dispatcher) lots(issue publisher.Issue, renderings []publisher.Rendering, audience []Audience) ([]publisher.Lot, error) {
	const op = "plan the deliveries"
	now := d.c.Now()
	var lots []publisher.Lot
	for _, a := range audience {
		if !slices.ContainsFunc(renderings, func(r publisher.Rendering) bool { return r.Channel == a.Channel }) {
			return nil, &publisher.Error{Kind: publisher.Internal, Op: op, Where: a.Channel, Err: fmt.Errorf("no rendering for it")}
		}
		lots = append(lots, publisher.Lot{IssueID: issue.ID, Channel: a.Channel, Network: "smtp", List: a.List, Domain: a.Domain, Created: now})
	}
	for _, r := range renderings {
		if len(r.Parts) == 0 || slices.ContainsFunc(lots, func(l publisher.Lot) bool { return l.Channel == r.Channel }) {
			continue
		}
		network := d.c.Networks[r.Channel]
		if network == nil {
			return nil, noChannel(op, r.Channel)
		}
		lots = append(lots, publisher.Lot{IssueID: issue.ID, Channel: r.Channel, Network: network.Traits().Network, Parts: len(r.Parts), Created: now})
	}
	return lots, nil
}

func noChannel(op, channel string) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: op, Where: channel, Err: fmt.Errorf("there is no such channel"),
		Hint: "add it under channels in config.yaml, or cancel what is planned for it"}
}

// refit gives posts as many parts as their frozen rendering has.
func refit(lots []publisher.Lot, frozen []publisher.Rendering) {
	for i := range lots {
		if lots[i].Mail() {
			continue
		}
		if r, ok := renderingOf(frozen, lots[i].Channel); ok {
			lots[i].Parts = len(r.Parts)
		}
	}
}

// renderingOf gives a channel's first rendering.
func renderingOf(renderings []publisher.Rendering, channel string) (publisher.Rendering, bool) {
	for _, r := range renderings {
		if r.Channel == channel {
			return r, true
		}
	}
	return publisher.Rendering{}, false
}

// changed names the channels where a frozen rendering differs from the given one.
func changed(given, frozen []publisher.Rendering) []string {
	var channels []string
	for _, g := range given {
		for _, f := range frozen {
			if f.Channel == g.Channel && f.Language == g.Language && f.Hash != g.Hash && !slices.Contains(channels, g.Channel) {
				channels = append(channels, g.Channel)
			}
		}
	}
	return channels
}
