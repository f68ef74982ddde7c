// Package dispatch plans deliveries and carries them out: it takes each under a
// lease, makes one call, and records how it ended. Whatever happens, a delivery is
// tried again only if it surely did not take place, or if the try cannot be seen
// twice; what is left in doubt is named as unknown.
//
// It renders nothing, opens no connection and keeps nothing itself: texts come
// frozen from the ledger, calls go through the Mailer and the Networks, and the
// ledger is the only memory. Run may be killed at any moment; the next Run goes on
// from what the ledger says.
package dispatch

import (
	"context"
	"math/rand/v2"
	"time"

	"crieur/publisher"
)

// Ledger is what dispatch needs to remember. Its methods are safe for concurrent
// use; an error of kind Busy may be followed by another try.
type Ledger interface {
	Planner
	Leaser
	Worklist
	Overview
	Keeper
	Shelf
	Brake
	Pacer
	Rationer
}

// A Planner takes in what is to be delivered, insert-or-ignore.
type Planner interface {
	SaveIssue(ctx context.Context, i publisher.Issue, r []publisher.Rendering) (publisher.Issue, []publisher.Rendering, error)
	Materialise(ctx context.Context, lot publisher.Lot) (kept publisher.Lot, added int, err error)
	Forecast(ctx context.Context, lot publisher.Lot) (publisher.Forecast, error)
}

// A Leaser gives deliveries out and takes their outcomes in.
type Leaser interface {
	// Exclusive waits until no other process dispatches from this ledger, or reports
	// that it need not: then leases end by time.
	Exclusive(ctx context.Context, waiting func()) (release func() error, exclusive bool, err error)
	Commit(ctx context.Context, outcomes []publisher.Outcome, wants []publisher.Claim, now, until time.Time, rations ...publisher.Ration) (publisher.Commit, error)
	Reclaim(ctx context.Context, lot int64, before time.Time, to publisher.State, now time.Time) (int, error)
}

// A Worklist shows what may be tried.
type Worklist interface {
	Due(ctx context.Context, lot publisher.Lot, after int64, now time.Time, limit int) ([]publisher.Delivery, error)
	Span(ctx context.Context, lot int64) (first, last int64, err error)
	NextDue(ctx context.Context, lot int64, now, horizon time.Time) (last time.Time, ready int, err error)
	Parts(ctx context.Context, lot publisher.Lot) ([]publisher.Delivery, error)
}

// An Overview knows the lots and how they stand.
type Overview interface {
	Lots(ctx context.Context, s publisher.Selection) ([]publisher.Lot, error)
	Counts(ctx context.Context, s publisher.Selection) ([]publisher.Tally, error)
}

// A Keeper opens lots again and closes those that are done with.
type Keeper interface {
	CloseLots(ctx context.Context, lots []int64) error
	Replan(ctx context.Context, s publisher.Selection, states []publisher.State, now time.Time) (int, error)
}

// A Shelf holds what was frozen, and what was tried.
type Shelf interface {
	Renderings(ctx context.Context, issueID string) ([]publisher.Rendering, error)
	Media(ctx context.Context, hash string) (data []byte, mediaType string, err error)
	Attempts(ctx context.Context, d publisher.Delivery) ([]publisher.Attempt, error)
}

// A Pacer remembers how long a channel's network wants to be left alone.
type Pacer interface {
	Pace(ctx context.Context, channel string, until time.Time) error
	Paced(ctx context.Context, channel string) (until time.Time, err error)
}

// A Logbook is a Ledger that can note, without a commit, how far a mail has come that
// it granted. Its notes outlive the process, and Reclaim goes by them: of a dead
// process's mails only those stay in doubt that it had begun. So many may be granted
// at once and their outcomes be committed together.
type Logbook interface {
	// KeepLog begins the notes, with room for so many mails granted at a time, or
	// reports that none can be kept. Only who dispatches alone may call it.
	KeepLog(places int) (kept bool, err error)
	LogBegin(c publisher.Claim) error
	LogEnd(o publisher.Outcome) error
}

// A Policy says what becomes of a mail of which nobody knows whether it went out.
type Policy uint8

const (
	Leave  Policy = iota // it stays unknown: nobody is written to twice
	Resend               // it is sent again under the same Message-ID: nobody is left out
)

// Config is what a Dispatcher works with. Only Ledger is needed always.
type Config struct {
	Ledger   Ledger
	Mailer   publisher.Mailer
	Networks map[string]publisher.Network // by channel
	// Letter builds what the readers of one language have in common from the frozen
	// rendering; it is called once per run for each rendering of an issue.
	Letter func(ctx context.Context, issueID, channel, language string) (*publisher.Letter, error)
	// Merge gives one reader's values. Safe for concurrent use.
	Merge func(*publisher.Letter, publisher.Recipient) publisher.Merge
	// ReturnPath gives the envelope sender of one reader's mail of a lot; nil: all have
	// their letter's. Safe for concurrent use.
	ReturnPath func(lot, reader int64) string
	Unknown    func(channel string) Policy // nil: Leave

	// Ours reports whether what this process has leased is still its own, where others
	// may take over the work of one that was silent: asked before each call, so that a
	// process that stood still begins nothing that is another's now. nil: it is, until
	// its lease ends.
	Ours func() bool

	Lanes   int           // mails on the wire at once; 0: as many as the Mailer carries side by side, or 4
	Lease   time.Duration // how long a claim holds where another process may look; 0: 5 minutes
	Timeout time.Duration // of one call; it ends before its lease; 0: 2 minutes
	Grace   time.Duration // how long calls in flight may go on after Run's context ended; 0: 10 seconds
	Poll    time.Duration // how often Run looks whether something was stopped or held; 0: half a second
	Outage  time.Duration // how long Run waits for a database server that is away; 0: 5 minutes
	Retry   Retry
	Groups  []Group // whose mail is held to a pace of its own; nil: Groups()
	Paces   *Paces  // what Groups' limits were used for before; nil: nothing is known of it
	Warmups []Warmup
	Zone    *time.Location // where Warmups' days begin; nil: UTC

	Now    func() time.Time                           // nil: time.Now
	Sleep  func(context.Context, time.Duration) error // nil: a timer
	Jitter func() float64                             // in [0, 1); nil: random
}

// Retry is the schedule for what is surely not done yet. All waits are spread by a
// quarter either way, so that what failed together is not tried again together.
type Retry struct {
	Tries    int           // of one delivery within one Run; 0: 3
	First    time.Duration // the wait after the first try, doubled after each further one; 0: 2 seconds
	Longest  time.Duration // the longest such wait; 0: 1 hour
	Patience time.Duration // the longest wait that a Run sits out itself; 0: 30 seconds

	// Mails that a server has told to wait keep to a schedule of their own, which holds
	// from run to run: it goes by what the ledger has of their attempts.
	Schedule []time.Duration // the wait after each deferral, the last one repeated; nil: DefaultSchedule
	GiveUp   time.Duration   // so long after the first attempt a mail that is deferred ends; 0: 3 days
}

// DefaultSchedule begins with waits that a Run sits out: most servers that cannot
// take a mail now can a moment later. Those that mean it are asked again in minutes,
// then in hours.
func DefaultSchedule() []time.Duration {
	return []time.Duration{5 * time.Second, 20 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour}
}

func (c Config) withDefaults() Config {
	if courier, ok := c.Mailer.(publisher.Courier); ok {
		c.Lanes = or(c.Lanes, courier.Lanes())
	}
	c.Lanes = or(c.Lanes, 4)
	c.Lease = or(c.Lease, 5*time.Minute)
	c.Timeout = min(or(c.Timeout, 2*time.Minute), c.Lease*9/10)
	c.Grace = or(c.Grace, 10*time.Second)
	c.Poll = or(c.Poll, time.Second/2)
	c.Outage = or(c.Outage, 5*time.Minute)
	c.Retry.Tries = or(c.Retry.Tries, 3)
	c.Retry.First = or(c.Retry.First, 2*time.Second)
	c.Retry.Longest = or(c.Retry.Longest, time.Hour)
	c.Retry.Patience = or(c.Retry.Patience, 30*time.Second)
	c.Retry.GiveUp = or(c.Retry.GiveUp, 3*24*time.Hour)
	if len(c.Retry.Schedule) == 0 {
		c.Retry.Schedule = DefaultSchedule()
	}
	if c.Groups == nil {
		c.Groups = Groups()
	}
	if c.Ours == nil {
		c.Ours = func() bool { return true }
	}
	c.Zone = or(c.Zone, time.UTC)
	if c.Unknown == nil {
		c.Unknown = func(string) Policy { return Leave }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	return c
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// A Dispatcher plans and delivers. It is safe for concurrent use, and several may
// work on one ledger, in one process or in many.
type Dispatcher struct{ c Config }

// New gives a dispatcher.
func New(c Config) *Dispatcher { return &Dispatcher{c: c.withDefaults()} }

// backoff is how long to wait after so many tries, doubling.
func (d *Dispatcher) backoff(tries int) time.Duration {
	r := d.c.Retry
	wait := r.Longest
	if shift := max(tries, 1) - 1; shift < 32 && r.First<<shift > 0 {
		wait = min(r.First<<shift, r.Longest)
	}
	return d.spread(wait)
}

func (d *Dispatcher) spread(wait time.Duration) time.Duration {
	return time.Duration(float64(wait) * (0.75 + d.c.Jitter()/2))
}

// Retry makes deliveries planned again, on the owner's word: the deferred and the
// failed ones of the selection, and with unknown also those in doubt, which may
// then reach someone twice. It gives how many there were; Run does them.
func (d *Dispatcher) Retry(ctx context.Context, s publisher.Selection, unknown bool) (int, error) {
	states := []publisher.State{publisher.StateDeferred, publisher.StateFailed}
	if unknown {
		states = append(states, publisher.StateUnknown)
	}
	return d.c.Ledger.Replan(ctx, s, states, d.c.Now())
}
