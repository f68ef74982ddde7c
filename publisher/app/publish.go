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

// PublishOptions is how a run is watched and held back.
type PublishOptions struct {
	MaxCost  float64               // US dollars; 0: any
	Confirm  func(*Plan) error     // asked before anything is planned; nil: not asked
	Progress func(done, total int) // told after each delivery; nil: not told
	Waiting  func()                // told when another process is sending; nil: not told
}

// Publish takes an article the whole way: read, render, preflight, plan, dispatch.
// What was done before is not done again. The error is of the way to the first
// delivery, when nothing was sent; how deliveries ended is in the result.
func (a *App) Publish(ctx context.Context, src string, ao ArticleOptions, s Selection, o PublishOptions) (*Result, error) {
	article, err := a.Read(ctx, src, ao)
	if err != nil {
		return nil, err
	}
	t, err := a.targets(s)
	if err != nil {
		return nil, err
	}
	if err := a.invent(ctx); err != nil {
		return nil, err
	}
	e, err := a.build(ctx, article, t)
	if err != nil {
		return nil, err
	}
	if err := a.preflight(e, t); err != nil {
		return nil, err
	}
	d, done, err := a.dispatcher(ctx, e.networks)
	if err != nil {
		return nil, err
	}
	defer done()
	plan, err := a.plan(ctx, d, e)
	if err != nil {
		return nil, err
	}
	if o.MaxCost > 0 && plan.Cost > o.MaxCost {
		why := fmt.Sprintf("the posts would cost $%.3f, more than $%.3f", plan.Cost, o.MaxCost)
		return nil, &publisher.Error{Kind: publisher.Invalid, Err: &PreflightError{[]string{why}}, Hint: "raise --max-cost, or --skip a channel"}
	}
	if o.Confirm != nil && plan.New+plan.Open > 0 {
		if err := o.Confirm(plan); err != nil {
			return nil, err
		}
	}
	changed, err := a.freeze(ctx, d, e, o.Waiting)
	if err != nil {
		return nil, err
	}
	r, err := a.run(ctx, d, e.selection(), plan.New+plan.Open, o)
	if err != nil {
		return nil, err
	}
	view := viewArticle(article)
	r.Article, r.Changed, r.Cost = &view, changed, plan.Cost
	r.NothingToDo = plan.New+plan.Open == 0 && r.settled()
	r.Warnings = append(e.warnings, r.Warnings...)
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	return r, nil
}

// freeze freezes what an edition consists of and plans its deliveries. It
// reports whether an earlier, different text stays in force.
func (a *App) freeze(ctx context.Context, d *dispatch.Dispatcher, e *edition, waiting func()) (changed bool, err error) {
	if err := a.store.SaveArticle(ctx, e.article); err != nil {
		return false, err
	}
	for _, p := range e.pictures {
		if _, err := a.store.SaveMedia(ctx, p.Type, p.Data); err != nil {
			return false, err
		}
	}
	if err := a.thaw(ctx, d, e, waiting); err != nil {
		return false, err
	}
	for _, g := range e.groups() {
		report, err := d.Plan(ctx, g.issue, g.renderings, g.audience)
		if err != nil {
			return false, err
		}
		changed = changed || len(report.Changed) > 0
	}
	return changed, nil
}

// thaw takes back the frozen texts that the edition changes and of which surely
// nothing has gone out: a post that its network refused is corrected and published
// again by the same command.
func (a *App) thaw(ctx context.Context, d *dispatch.Dispatcher, e *edition, waiting func()) (err error) {
	type stale struct {
		issue, channel string
		parts          int
	}
	var all []stale
	for _, g := range e.groups() {
		report, err := d.Preview(ctx, g.issue, g.renderings, g.audience)
		if err != nil {
			return err
		}
		for _, r := range g.renderings {
			if slices.Contains(report.Changed, r.Channel) {
				all = append(all, stale{g.issue.ID, r.Channel, len(r.Parts)})
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	release, exclusive, err := a.store.Exclusive(ctx, func() {
		if waiting != nil {
			waiting()
		}
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if !exclusive {
		return nil // another machine may be about to send the old text
	}
	for _, s := range all {
		if _, err := a.store.Thaw(ctx, s.issue, s.channel, s.parts); err != nil {
			return err
		}
	}
	return nil
}

// A group is one issue with all that is rendered for it.
type group struct {
	issue      publisher.Issue
	renderings []publisher.Rendering
	audience   []dispatch.Audience
}

// groups sorts an edition by issue: one per newsletter, and one for the posts.
func (e *edition) groups() []group {
	var groups []group
	for _, r := range e.all() {
		i := slices.IndexFunc(groups, func(g group) bool { return g.issue.ID == r.issue.ID })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{issue: r.issue})
		}
		groups[i].renderings = append(groups[i].renderings, r.rendering)
		if r.network == "smtp" {
			groups[i].audience = append(groups[i].audience, dispatch.Audience{Channel: r.rendering.Channel, List: r.list, Domain: r.domain})
		}
	}
	for i := range groups {
		for _, p := range e.pages {
			if p.IssueID == groups[i].issue.ID {
				groups[i].renderings = append(groups[i].renderings, p)
			}
		}
	}
	return groups
}

func (e *edition) selection() publisher.Selection {
	var s publisher.Selection
	for _, r := range e.all() {
		if !slices.Contains(s.IssueIDs, r.issue.ID) {
			s.IssueIDs = append(s.IssueIDs, r.issue.ID)
		}
		s.Channels = append(s.Channels, r.rendering.Channel)
	}
	return s
}

// dispatcher gives a dispatcher for the given networks, and the function that
// closes its mail connections.
func (a *App) dispatcher(ctx context.Context, networks map[string]publisher.Network) (*dispatch.Dispatcher, func(), error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	mailer, err := a.mailer(ctx)
	if err != nil {
		return nil, nil, err
	}
	lanes := 4
	if len(a.conf.SMTP) > 0 {
		lanes = a.conf.SMTP[0].Connections
	}
	d := dispatch.New(dispatch.Config{
		Ledger: store, Mailer: mailer, Networks: networks, Letter: a.letter, Merge: a.merge, Unknown: a.policy, Lanes: lanes, Now: a.o.Now,
		// Long enough for a post in doubt to be looked up on X and settled in the same run.
		Retry: dispatch.Retry{Patience: 75 * time.Second},
	})
	return d, func() { _ = mailer.Close() }, nil
}

// policy says what becomes of a newsletter's mails of unknown end.
func (a *App) policy(channel string) dispatch.Policy {
	for _, n := range a.conf.Newsletters {
		if n.Name == channel && n.Unknown == "resend" {
			return dispatch.Resend
		}
	}
	return dispatch.Leave
}

// run dispatches what is due in a selection and tells how all of it stands.
func (a *App) run(ctx context.Context, d *dispatch.Dispatcher, s publisher.Selection, total int, o PublishOptions) (*Result, error) {
	w := &watcher{total: total, progress: o.Progress, waiting: o.Waiting}
	report, err := d.Run(ctx, s, w)
	if err != nil {
		return nil, err
	}
	r := &Result{Mode: a.conf.Mode, Deliveries: []DeliveryView{}, Counts: map[string]int{}, Warnings: []string{}}
	for _, tally := range report.Tallies {
		for st, n := range tally.States {
			if n > 0 {
				r.Counts[st.String()] += n
			}
		}
	}
	r.Unknown = r.Counts[publisher.StateUnknown.String()]
	for _, channel := range sorted(report.Paused) {
		why := report.Paused[channel]
		r.Denied = r.Denied || publisher.KindOf(why) == publisher.Denied
		text := channel + " is paused: " + why.Error()
		if hint := publisher.HintOf(why); hint != "" {
			text += " (" + hint + ")"
		}
		r.Warnings = append(r.Warnings, text)
	}
	if err := a.listDeliveries(ctx, s, r); err != nil {
		return nil, err
	}
	r.See, err = a.see()
	return r, err
}

// mostListed bounds the deliveries that a result lists; the ledger has them all.
const mostListed = 10_000

// listDeliveries fills in the deliveries of a selection, in the order of its
// channels. Beyond mostListed it leaves out accepted ones.
func (a *App) listDeliveries(ctx context.Context, s publisher.Selection, r *Result) error {
	all := 0
	for _, n := range r.Counts {
		all += n
	}
	var states []publisher.State
	if all > mostListed {
		for _, st := range publisher.States() {
			if st != publisher.StateAccepted {
				states = append(states, st)
			}
		}
	}
	lots, err := a.store.Lots(ctx, s)
	if err != nil {
		return err
	}
	order := a.order()
	slices.SortStableFunc(lots, func(x, y publisher.Lot) int { return order[x.Channel] - order[y.Channel] })
	for _, lot := range lots {
		f := publisher.DeliveryFilter{IssueID: lot.IssueID, Channel: lot.Channel, States: states, Limit: mostListed - len(r.Deliveries)}
		if f.Limit <= 0 {
			break
		}
		err := a.store.Deliveries(ctx, f, func(d publisher.Delivery) error {
			r.Deliveries = append(r.Deliveries, viewDelivery(d))
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.Omitted = all - len(r.Deliveries)
	return nil
}

// order gives each newsletter and channel its place in the configuration.
func (a *App) order() map[string]int {
	order := map[string]int{}
	for _, n := range a.conf.Newsletters {
		order[n.Name] = len(order)
	}
	for _, c := range a.conf.Channels {
		order[c.Name] = len(order)
	}
	return order
}

// A watcher counts what a run delivers.
type watcher struct {
	done, total int
	progress    func(done, total int)
	waiting     func()
}

var _ interface {
	dispatch.Observer
	dispatch.Waiter
} = (*watcher)(nil)

func (w *watcher) Delivered(publisher.Delivery) {
	w.done++
	if w.progress != nil {
		w.progress(w.done, max(w.done, w.total))
	}
}

func (w *watcher) Waiting() {
	if w.waiting != nil {
		w.waiting()
	}
}

// settled reports whether nothing of a result waits for anyone.
func (r *Result) settled() bool {
	for _, st := range []publisher.State{publisher.StatePlanned, publisher.StateHeld, publisher.StateLeased, publisher.StateDeferred,
		publisher.StateFailed, publisher.StateUnknown} {
		if r.Counts[st.String()] > 0 {
			return false
		}
	}
	return true
}

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
