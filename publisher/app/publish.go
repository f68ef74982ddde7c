package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// PublishOptions is how a run is watched and held back.
type PublishOptions struct {
	Limited bool              // whether MaxCost holds
	MaxCost float64           // US dollars
	Confirm func(*Plan) error // asked before anything is planned; nil: not asked
	// Progress is told after each delivery, and what is left takes at least, by the
	// limits that are known; nil: not told.
	Progress func(done, total int, atLeast time.Duration)
	Waiting  func() // told when another process is sending; nil: not told
	At       *When  // when it may go out; nil: at once, or when it was planned for before
	Slot     string // the slot that new posts are placed in: SlotNext, or a name; "": none
}

// Publish takes an article the whole way: read, render, preflight, plan, dispatch.
// What was done before is not done again. The error is of the way to the first
// delivery, when nothing was sent; how deliveries ended is in the result.
func (a *App) Publish(ctx context.Context, src string, ao ArticleOptions, s Selection, o PublishOptions) (*Result, error) {
	e, err := a.edition(ctx, src, ao, s)
	if err != nil {
		return nil, err
	}
	return a.publish(ctx, e, o.asWanted(e.article, a.o.Now()))
}

// publish takes an edition the rest of the way.
func (a *App) publish(ctx context.Context, e *edition, o PublishOptions) (*Result, error) {
	if err := a.preflight(e); err != nil {
		return nil, err
	}
	if err := a.MayDeliver(ctx, e.selection()); err != nil {
		return nil, err
	}
	d, done, err := a.dispatcher(ctx, e.networks)
	if err != nil {
		return nil, err
	}
	defer done()
	plan, changed, err := a.arrange(ctx, d, e, o)
	if err != nil {
		return nil, err
	}
	r, err := a.runDue(ctx, d, e.selection(), plan.New+plan.Open, o)
	if err != nil {
		return nil, err
	}
	view := viewArticle(e.article)
	r.Article, r.Changed, r.Cost = &view, changed, plan.Cost
	r.NothingToDo = plan.New+plan.Open == 0 && r.settled()
	if _, err := a.Notify(ctx); err != nil { // the next run tells the owner
		r.Warnings = append(r.Warnings, "the owner was not told by mail: "+explain(err))
	}
	r.Warnings = append(e.warnings, r.Warnings...)
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	return r, nil
}

// arrange freezes and plans an edition, and goes no further. It reports what was to be
// done, and whether an earlier, different text stays in force.
func (a *App) arrange(ctx context.Context, d *dispatch.Dispatcher, e *edition, o PublishOptions) (plan *Plan, changed bool, err error) {
	plan, err = a.plan(ctx, d, e)
	if err != nil {
		return nil, false, err
	}
	if o.Limited && plan.Cost > o.MaxCost {
		why := fmt.Sprintf("the posts would cost $%.3f, more than $%.3f", plan.Cost, o.MaxCost)
		return nil, false, &publisher.Error{Kind: publisher.Invalid, Err: &PreflightError{[]string{why}}, Hint: "raise --max-cost, or --skip a channel"}
	}
	if plan.total() == 0 {
		return nil, false, &publisher.Error{Kind: publisher.Invalid, Err: &PreflightError{plan.empty}, Hint: "crieur import readers.csv, or crieur subscribers add ADDRESS"}
	}
	if o.Confirm != nil && plan.New+plan.Open > 0 {
		if err := o.Confirm(plan); err != nil {
			return nil, false, err
		}
	}
	if o.Slot != "" { // until it is planned, nobody else may be given the same moment
		release, err := a.store.Placing(ctx)
		if err != nil {
			return nil, false, err
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	held, err := a.afford(ctx, e, plan)
	if err != nil {
		return nil, false, err
	}
	moments, err := a.moments(ctx, e, o)
	if err != nil {
		return nil, false, err
	}
	changed, err = a.freeze(ctx, d, e, o, a.timing(moments, held))
	if err != nil {
		return nil, false, err
	}
	if o.At != nil {
		if err := a.reschedule(ctx, e.selection(), moments); err != nil {
			return nil, false, err
		}
	}
	return plan, changed, nil
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
	paths, err := a.paths(ctx)
	if err != nil {
		return nil, nil, err
	}
	c := dispatch.Config{
		Ledger: store, Mailer: a.measured(mailer), Networks: networks, Letter: a.letter, Merge: a.merge, Unknown: a.policy, Lanes: lanes, Now: a.o.Now, Ours: a.courier.ours(a.o.Now),
		Retry:  dispatch.Retry{Patience: a.conf.Retry.Wait, Schedule: a.conf.Retry.Waits(), GiveUp: a.conf.Retry.GiveUp},
		Groups: a.groups(), Paces: &a.courier.paces, Warmups: a.warmups(), Zone: a.location,
	}
	if paths != nil {
		c.ReturnPath = paths.Make
	}
	return dispatch.New(c), func() { _ = mailer.Close() }, nil
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

// runDue is run, unless nothing of the selection may go out yet: then it does not wait
// for another process that is sending.
func (a *App) runDue(ctx context.Context, d *dispatch.Dispatcher, s publisher.Selection, total int, o PublishOptions) (*Result, error) {
	open := s
	open.Open = true
	lots, err := a.store.Lots(ctx, open)
	if err != nil {
		return nil, err
	}
	waiting := waitingOf(lots, a.o.Now())
	if len(waiting) == 0 || len(waiting) < len(lots) {
		return a.run(ctx, d, s, total, o)
	}
	tallies, err := a.store.Counts(ctx, s)
	if err != nil {
		return nil, err
	}
	return a.result(ctx, s, dispatch.Report{Tallies: tallies, Waiting: waiting})
}

// run dispatches what is due in a selection and tells how all of it stands.
func (a *App) run(ctx context.Context, d *dispatch.Dispatcher, s publisher.Selection, total int, o PublishOptions) (*Result, error) {
	total, err := a.today(ctx, s, total)
	if err != nil {
		return nil, err
	}
	w := &watcher{total: total, progress: o.Progress, waiting: o.Waiting}
	report, err := d.Run(ctx, s, w)
	if err != nil {
		return nil, err
	}
	return a.result(ctx, s, report)
}

// result tells what a report came to.
func (a *App) result(ctx context.Context, s publisher.Selection, report dispatch.Report) (*Result, error) {
	r := &Result{Mode: a.conf.Mode, Deliveries: []DeliveryView{}, Counts: map[string]int{}, Warnings: []string{}}
	for _, tally := range report.Tallies {
		for st, n := range tally.States {
			if n > 0 {
				r.Counts[st.String()] += n
			}
		}
	}
	r.Unknown = r.Counts[publisher.StateUnknown.String()]
	if next := report.Next(); !next.IsZero() {
		next = next.In(a.location)
		r.Next = &next
	}
	for _, channel := range sorted(report.Paused) {
		why := report.Paused[channel]
		r.Denied = r.Denied || publisher.KindOf(why) == publisher.Denied
		text := channel + " is paused: " + why.Error()
		if hint := publisher.HintOf(why); hint != "" {
			text += " (" + hint + ")"
		}
		r.Warnings = append(r.Warnings, text)
	}
	for _, stop := range report.Stopped {
		r.Warnings = append(r.Warnings, a.stopText(stop)+" ("+resumeHint([]publisher.Stop{stop})+")")
	}
	if err := a.listDeliveries(ctx, s, r); err != nil {
		return nil, err
	}
	r.await(a, report)
	r.ration(a, report)
	see, err := a.see()
	r.See = see
	return r, err
}

// A watcher counts what a run delivers.
type watcher struct {
	done, total int
	progress    func(done, total int, atLeast time.Duration)
	held        time.Duration
	waiting     func()
}

var _ interface {
	dispatch.Observer
	dispatch.Waiter
	dispatch.Holder
} = (*watcher)(nil)

func (w *watcher) Delivered(publisher.Delivery) {
	w.done++
	if w.progress != nil {
		w.progress(w.done, max(w.done, w.total), w.held)
	}
}

func (w *watcher) Held(atLeast time.Duration) {
	w.held = atLeast
	if w.progress != nil && w.total > 0 {
		w.progress(w.done, max(w.done, w.total), w.held)
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
