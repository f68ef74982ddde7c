package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crieur/publisher"
)

// An Observer hears of each delivery that reached a final state, after the ledger
// has it. Calls come one at a time, from any goroutine, and hold up the deliveries.
type Observer interface {
	Delivered(publisher.Delivery)
}

// A Waiter is an Observer that also wants to know when Run has to wait for another
// process that dispatches from the same ledger.
type Waiter interface {
	Waiting()
}

// A Report says how the selected lots stand at the end of a Run. Nobody is missing
// from it: each tally adds up to the lot's size.
type Report struct {
	Tallies []publisher.Tally
	Paused  map[string]error // by channel: why it was given up for this run; its deliveries stay planned
	Waiting []publisher.Lot  // open, and not released yet or held; those that are released first come first
	Stopped []publisher.Stop // what kept lots of the selection from going out
	Spent   []Allowance      // the warm-ups whose day kept mails of the selection waiting
}

// Released is when the next lot is released that no person holds; zero: none waits.
func (r Report) Released() time.Time {
	for _, lot := range r.Waiting {
		if lot.Held == "" {
			return lot.Release
		}
	}
	return time.Time{}
}

// Count adds up, over all lots, the deliveries in a state.
func (r Report) Count(s publisher.State) int {
	n := 0
	for _, t := range r.Tallies {
		n += t.States[s]
	}
	return n
}

// Next is when the first of the deferred deliveries is due; zero: none is deferred.
func (r Report) Next() (first time.Time) {
	for _, t := range r.Tallies {
		if !t.Due.IsZero() && (first.IsZero() || t.Due.Before(first)) {
			first = t.Due
		}
	}
	return first
}

// A Holder is an Observer that also wants to know how long limits hold the mails up at
// least, as far as Run has come to know those that wait. It is told every second.
type Holder interface {
	Held(atLeast time.Duration)
}

// Run delivers all that is due in the selection and gives up only what has to wait
// longer than it has patience for. What is not released yet, held, or stopped is not
// begun; what becomes so meanwhile is begun no more, within Config.Poll. Channels run side by side, and one's failure
// stops no other: it is in the report. The error is the ledger's, or says that ctx
// ended: then no further delivery is begun, those in flight get Config.Grace to
// end, and the report tells how far it came.
func (d *Dispatcher) Run(ctx context.Context, s publisher.Selection, o Observer) (report Report, err error) {
	release, exclusive, err := d.c.Ledger.Exclusive(ctx, func() {
		if w, ok := o.(Waiter); ok {
			w.Waiting()
		}
	})
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	r := newRun(ctx, d, o)
	r.exclusive = exclusive
	defer r.close()
	s.Open, s.Due = true, time.Time{}
	open, err := r.c.Ledger.Lots(ctx, s)
	if err != nil {
		return Report{}, err
	}
	if err := r.reclaim(open); err != nil {
		return Report{}, err
	}
	if err := r.outlast(ctx, func() error { return r.look(open) }); err != nil {
		return Report{}, err
	}
	lots := slices.DeleteFunc(slices.Clone(open), r.barred)
	if len(lots) > 0 {
		r.cutting.Go(func() { r.watch(lots) })
		r.deliver(lots)
	}
	report, err = r.report(s, lots)
	report.Waiting, report.Stopped = r.waiting(open)
	report.Spent = r.spent()
	return report, errors.Join(r.failure(), err)
}

// A run is one call of Run.
type run struct {
	*Dispatcher // its own, whose ledger is outlasting
	raw         Ledger
	ctx         context.Context // ends when nothing more is to be begun
	stop        context.CancelCauseFunc
	wire        context.Context // of the calls: ends some time after ctx
	cutWire     context.CancelFunc
	cutting     sync.WaitGroup
	writer      *writer
	bars        atomic.Pointer[bars]

	exclusive bool                // nobody else dispatches meanwhile
	warming   map[string]*warming // by sender's domain

	telling  sync.Mutex
	observer Observer

	pausing sync.RWMutex
	paused  map[string]error // by channel
}

func newRun(ctx context.Context, d *Dispatcher, o Observer) *run {
	own := *d
	r := &run{Dispatcher: &own, raw: d.c.Ledger, observer: o, paused: map[string]error{}}
	own.c.Ledger = outlasting{d.c.Ledger, r}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	r.wire, r.cutWire = context.WithCancel(context.WithoutCancel(ctx))
	r.cutting.Go(func() {
		select {
		case <-r.ctx.Done():
			// Cut short, an ending call would leave one more delivery in doubt.
			d.c.Sleep(r.wire, d.c.Grace)
			r.cutWire()
		case <-r.wire.Done():
		}
	})
	r.writer = startWriter(r)
	for _, w := range d.c.Warmups {
		if r.warming == nil {
			r.warming = map[string]*warming{}
		}
		r.warming[strings.ToLower(w.Domain)] = &warming{Warmup: w}
	}
	return r
}

func (r *run) close() {
	r.writer.close()
	r.cutWire()
	r.cutting.Wait()
	r.stop(nil)
}

// fail ends the run because of the ledger.
func (r *run) fail(err error) {
	if err != nil {
		r.stop(err)
	}
}

// failure is why the run ended early; nil where it did not.
func (r *run) failure() error {
	if r.ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(r.ctx)
	if errors.Is(cause, errHalted) {
		return nil
	}
	var own *publisher.Error
	if errors.As(cause, &own) {
		return cause
	}
	return &publisher.Error{Kind: publisher.Busy, Op: "deliver", Err: cause, Hint: "run crieur again: it goes on where it stopped"}
}

// reclaim finds the deliveries that a dead process left leased. A mail's outcome is
// then a matter of the owner's policy; a post's is looked into when its turn comes. Who
// works alone looks beyond the selection, since the next logbook takes the place of
// the dead process's.
func (r *run) reclaim(lots []publisher.Lot) (err error) {
	now := r.c.Now()
	before := now
	if r.exclusive {
		before = time.Time{}
		if lots, err = r.c.Ledger.Lots(r.ctx, publisher.Selection{Open: true}); err != nil {
			return err
		}
	}
	for _, lot := range lots {
		to := publisher.StateUnknown
		if lot.Mail() && r.c.Unknown(lot.Channel) == Resend {
			to = publisher.StatePlanned
		}
		if _, err = r.c.Ledger.Reclaim(r.ctx, lot.ID, before, to, now); err != nil {
			return err
		}
	}
	return nil
}

// deliver works through the lots: all mail on common lanes, each other channel by itself.
func (r *run) deliver(lots []publisher.Lot) {
	var mails []publisher.Lot
	var channels []string
	posts := map[string][]publisher.Lot{}
	for _, lot := range lots {
		if lot.Mail() {
			mails = append(mails, lot)
			continue
		}
		if !slices.Contains(channels, lot.Channel) {
			channels = append(channels, lot.Channel)
		}
		posts[lot.Channel] = append(posts[lot.Channel], lot)
	}
	var all sync.WaitGroup
	if len(mails) > 0 {
		all.Go(func() { r.fail(r.sendMails(mails)) })
	}
	for _, channel := range channels {
		all.Go(func() { r.fail(r.publishPosts(channel, posts[channel])) })
	}
	all.Wait()
}

// report counts what came of it, and closes the lots that are done with.
func (r *run) report(s publisher.Selection, lots []publisher.Lot) (Report, error) {
	ctx := context.WithoutCancel(r.ctx)
	report := Report{Paused: r.paused}
	ids := make([]int64, len(lots))
	for i, lot := range lots {
		ids[i] = lot.ID
		if !slices.Contains(s.IssueIDs, lot.IssueID) {
			s.IssueIDs = append(slices.Clip(s.IssueIDs), lot.IssueID)
		}
	}
	if len(s.IssueIDs) == 0 {
		return report, nil
	}
	s.Open = false
	if err := r.c.Ledger.CloseLots(ctx, ids); err != nil {
		return report, err
	}
	tallies, err := r.c.Ledger.Counts(ctx, s)
	if err != nil {
		return report, err
	}
	report.Tallies = tallies
	for _, t := range tallies {
		if t.Total() != t.Lot.Size {
			return report, &publisher.Error{Kind: publisher.Internal, Op: "count the deliveries", Where: t.Lot.Channel,
				Err: fmt.Errorf("%d were planned, %d are accounted for", t.Lot.Size, t.Total())}
		}
	}
	return report, nil
}

// pause gives a channel up for this run. The first reason stays.
func (r *run) pause(channel string, err error) {
	r.pausing.Lock()
	defer r.pausing.Unlock()
	if r.paused[channel] == nil {
		r.paused[channel] = err
	}
}

// halted reports whether nothing more is to be begun on a channel.
func (r *run) halted(channel string) bool {
	if r.ctx.Err() != nil {
		return true
	}
	r.pausing.RLock()
	defer r.pausing.RUnlock()
	return r.paused[channel] != nil
}

// errSilent ends a run whose process others may take for dead.
var errSilent = errors.New("crieur stood still, or did not reach the database, for so long that others may do its work")

// mayBegin reports whether a call may begin at a moment on a lease that ends at
// another: not where the process, or the database, stood still meanwhile, since someone
// else may have it.
func (r *run) mayBegin(now, until time.Time) bool {
	if r.exclusive {
		return true
	}
	if !r.c.Ours() {
		r.fail(&publisher.Error{Kind: publisher.Busy, Op: "deliver", Err: errSilent, Hint: "it goes on once it has given a sign of life"})
		return false
	}
	return !now.Add(r.c.Timeout).After(until)
}

// tell passes a final state on to the observer.
func (r *run) tell(d publisher.Delivery) {
	if r.observer == nil || !d.State.Final() {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	r.observer.Delivered(d)
}

// outcome judges the end of one call. What stands in doubt stays unknown here; the
// caller knows what its channel can do about that.
func (r *run) outcome(claim publisher.Claim, started time.Time, receipt publisher.Receipt, err error) publisher.Outcome {
	o := publisher.Outcome{Claim: claim, Started: started, Ended: r.c.Now(), State: publisher.StateAccepted, Receipt: receipt}
	if err == nil {
		if o.Receipt.At.IsZero() {
			o.Receipt.At = o.Ended
		}
		return o
	}
	o.Receipt = publisher.Receipt{}
	o.Kind, o.Problem, o.Code, o.Verdict = publisher.KindOf(err), err.Error(), codeOf(err), verdictOf(err)
	switch o.Kind {
	case publisher.Busy:
		o.State, o.After = publisher.StateDeferred, publisher.AfterOf(err)
		if o.After.Before(o.Ended) {
			o.After = o.Ended.Add(r.backoff(claim.Attempt))
		}
	case publisher.Invalid, publisher.NotFound:
		o.State = publisher.StateFailed
	case publisher.Denied:
		o.State = publisher.StatePlanned
	default:
		// An internal error says nothing about the wire: it counts as doubt.
		o.State = publisher.StateUnknown
	}
	return o
}

func codeOf(err error) int {
	var e *publisher.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func verdictOf(err error) publisher.Verdict {
	var e *publisher.Error
	if errors.As(err, &e) {
		return e.Verdict
	}
	return publisher.VerdictNone
}

// applied gives a delivery as an outcome leaves it.
func applied(d publisher.Delivery, o publisher.Outcome) publisher.Delivery {
	d.State, d.Attempts, d.Updated, d.After, d.Receipt, d.Problem = o.State, o.Attempt, o.Ended, o.After, o.Receipt, o.Problem
	return d
}
