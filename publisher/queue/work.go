package queue

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"

	"crieur/publisher"
)

// attempts is River's own limit. It is not reached: what fails is put off, which
// counts as no attempt.
const attempts = 1000

// ErrAgain is what a Work returns to be called again at once: it made room for others.
var ErrAgain = errors.New("again")

// An alarm is the one kind of job that River knows, so that no process ever meets
// one that it cannot read. Its queue is the kind's: who does not do a kind does not
// fetch it.
type alarm struct {
	Name string `json:"kind"`
	Key  string `json:"key"`
	At   int64  `json:"at"` // unix milliseconds
}

func (alarm) Kind() string { return "crieur_alarm" }

var _ river.JobArgs = alarm{}

// A worker answers alarms.
type worker struct {
	river.WorkerDefaults[alarm]
	q *Queue
}

var _ river.Worker[alarm] = (*worker)(nil)

func (w *worker) Timeout(job *river.Job[alarm]) time.Duration {
	if l := w.q.c.Kinds[job.Args.Name].Limit; l > 0 {
		return l
	}
	return limit
}

// Work calls the function, one at a time for each key.
func (w *worker) Work(ctx context.Context, job *river.Job[alarm]) error {
	q, a := w.q, job.Args
	kind, ok := q.c.Kinds[a.Name]
	if !ok {
		return river.JobSnooze(mostWait)
	}
	if !q.enter(a) {
		return river.JobSnooze(time.Second)
	}
	defer q.leave(a)
	if q.c.Rang != nil {
		q.c.Rang(a.Name, q.c.Now().Sub(time.UnixMilli(a.At)))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(q.ctx, cancel)()
	err := kind.Do(ctx, a.Key)
	switch {
	case q.ctx.Err() != nil:
		return river.JobSnooze(0) // it was cut short: whoever starts next goes on
	case err == nil:
		return nil
	case errors.Is(err, ErrAgain):
		return river.JobSnooze(0)
	}
	wait := q.wait(err, snoozes(job.Metadata))
	q.c.Log.LogAttrs(ctx, slog.LevelWarn, "work failed, and is tried again", slog.String("kind", a.Name), slog.String("key", a.Key),
		slog.String("error", err.Error()), slog.Duration("in", wait.Round(time.Second)))
	return river.JobSnooze(wait)
}

func (q *Queue) enter(a alarm) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := ring{a.Name, a.Key}
	if q.busy[r] || q.ctx.Err() != nil {
		return false
	}
	q.busy[r] = true
	return true
}

func (q *Queue) leave(a alarm) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, ring{a.Name, a.Key})
}

// wait is how long after so many failures the work is put off: doubling, spread by
// a quarter either way, and not before the error's After.
func (q *Queue) wait(err error, tries int) time.Duration {
	d := mostWait
	if tries < 8 {
		d = min(firstWait<<tries, mostWait)
	}
	d = time.Duration(float64(d) * (0.75 + rand.Float64()/2))
	if after := publisher.AfterOf(err); !after.IsZero() {
		d = max(d, after.Sub(q.c.Now()))
	}
	return min(d, slack)
}

// snoozes is how often River says that a job was put off.
func snoozes(metadata []byte) int {
	var m struct {
		Snoozes int `json:"snoozes"`
	}
	if json.Unmarshal(metadata, &m) != nil {
		return 0
	}
	return max(m.Snoozes, 0)
}
