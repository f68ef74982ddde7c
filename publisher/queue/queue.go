// Package queue is an alarm clock: it calls a function for a kind and a key at a
// moment, and again later where the function fails. It keeps its alarms in the
// ledger's database, so that on PostgreSQL any machine may answer one.
//
// It holds no state of anybody's: an alarm that is lost or that rings twice is
// harmless, because whoever is called looks into the ledger what there is to do,
// and a sweep sets again what the ledger says is due. It is the only importer of
// River, and knows nothing of articles, deliveries or networks.
package queue

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crieur/publisher"
)

// Work does what there is to do for a key. It must not matter how often it is
// called, nor by how many at a time. It gives up soon after ctx ended: then, and
// after an error, it is called again; not before the error's After, where it has one.
// To wait longer than ten minutes is for the ledger to remember: whoever sets the
// same alarm again has it ring.
type Work func(ctx context.Context, key string) error

// A Kind is one sort of work.
type Kind struct {
	Do     Work
	AtOnce int           // how many of the kind this process does side by side; 0: 1
	Limit  time.Duration // of one call, after which ctx ends; 0: 2 minutes
}

// Config says where the alarms are kept and who answers them. Exactly one of
// SQLite and DSN is needed.
type Config struct {
	SQLite *sql.DB         // the ledger's one writing connection; no other process may work on it
	DSN    string          // PostgreSQL, as the ledger's
	Schema string          // the ledger's, where that keeps to one of its own; it exists
	ID     string          // of this process, different from any other's; "": made up
	Kinds  map[string]Kind // what this process does, by name (a-z, 0-9, -); none: it only sets alarms
	Log    *slog.Logger    // nil: nothing is logged
	// Rang is told how long after its moment an alarm is answered; nil: not told.
	Rang func(kind string, late time.Duration)
	Now  func() time.Time
}

const (
	limit     = 2 * time.Minute
	firstWait = 2 * time.Second
	mostWait  = 5 * time.Minute
	// slack is how far in the future an alarm may stand that is due: what is further
	// away was set by a clock that has been set back since.
	slack = 2 * mostWait

	fetchEvery = 20 * time.Millisecond
	pollEvery  = time.Second
	keepDone   = 10 * time.Minute
	keepFailed = 24 * time.Hour
)

// A Queue sets alarms and answers them. It is safe for concurrent use.
type Queue struct {
	c      Config
	river  clock
	close  func()
	free   func(ctx context.Context, alive []string) (int, error)
	ctx    context.Context // of the works: ends when the queue is to stop
	cut    context.CancelFunc
	mu     sync.Mutex
	busy   map[ring]bool
	starts bool

	version int // of River's tables
}

// A clock is River's client, whatever its database.
type clock interface {
	setter
	runner
}

type setter interface {
	Insert(ctx context.Context, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
	JobRetry(ctx context.Context, id int64) (*rivertype.JobRow, error)
}

type runner interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

// A ring is what an alarm is for.
type ring struct{ kind, key string }

// Open brings the alarms' tables up to date and gives a queue that is not running
// yet. On SQLite it also puts back what a dead process was doing, so its caller must
// be the only process that works.
func Open(ctx context.Context, c Config) (*Queue, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	q := &Queue{c: c, busy: map[ring]bool{}, close: func() {}}
	q.ctx, q.cut = context.WithCancel(context.WithoutCancel(ctx))
	var err error
	switch {
	case c.SQLite != nil:
		err = q.openSQLite(ctx)
	case c.DSN != "":
		err = q.openPostgres(ctx)
	default:
		err = errors.New("neither SQLite nor PostgreSQL is given")
	}
	if err != nil {
		q.close()
		return nil, fail("open the queue", err)
	}
	return q, nil
}

// Start begins to answer alarms.
func (q *Queue) Start(ctx context.Context) error {
	if len(q.c.Kinds) == 0 {
		return nil
	}
	if err := q.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fail("start the queue", err)
	}
	q.starts = true
	return nil
}

// Stop answers no further alarm, ends the context of those works that are being done
// and waits for them, no longer than ctx. What they leave is rung again after the
// next Start.
func (q *Queue) Stop(ctx context.Context) error {
	defer q.close()
	q.cut()
	if !q.starts {
		return nil
	}
	err := q.river.Stop(ctx)
	if err == nil {
		return nil
	}
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	if hard := q.river.StopAndCancel(last); hard != nil {
		return &publisher.Error{Kind: publisher.Busy, Op: "stop the queue", Err: errors.New("some work did not end in time"),
			Hint: "it goes on at the next start; allow more time with --drain"}
	}
	return nil
}

// Wake has the kind's work done for key, not before at. Set twice for the same
// moment, it rings once. An alarm that is due but was put off by a clock that ran an
// hour ahead rings now.
func (q *Queue) Wake(ctx context.Context, kind, key string, at time.Time) error {
	const op = "set an alarm"
	now := q.c.Now()
	o := &river.InsertOpts{Queue: kind, MaxAttempts: attempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: pending}}
	if at.After(now) { // River lets a job that has a moment wait up to five seconds, even one in the past
		o.ScheduledAt = at
	}
	r, err := q.river.Insert(ctx, alarm{Name: kind, Key: key, At: at.UnixMilli()}, o)
	if err != nil {
		return fail(op, err)
	}
	if !r.UniqueSkippedAsDuplicate || at.After(now) || r.Job == nil || !r.Job.ScheduledAt.After(now.Add(slack)) {
		return nil
	}
	if _, err := q.river.JobRetry(ctx, r.Job.ID); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
		return fail(op, err)
	}
	return nil
}

// Version is that of the alarms' tables.
func (q *Queue) Version() int { return q.version }

// Busy reports whether this process is doing the kind's work for key.
func (q *Queue) Busy(kind, key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.busy[ring{kind, key}]
}

// Free sets the alarms again that were being answered by processes that are not
// among the living, and gives how many there were. On SQLite there are none.
func (q *Queue) Free(ctx context.Context, alive []string) (int, error) {
	if q.free == nil {
		return 0, nil
	}
	n, err := q.free(ctx, alive)
	if err != nil {
		return 0, fail("free a dead worker's jobs", err)
	}
	return n, nil
}

// pending is the states in which an alarm has not done its duty.
var pending = []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
	rivertype.JobStateRetryable, rivertype.JobStateScheduled}

func fail(op string, err error) error {
	var own *publisher.Error
	if errors.As(err, &own) {
		return err
	}
	return &publisher.Error{Kind: publisher.Busy, Op: op, Err: err, Hint: "the next sweep tries it again"}
}
