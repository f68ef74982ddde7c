package dispatch

import (
	"context"
	"errors"
	"slices"
	"time"

	"crieur/publisher"
)

// A Brake tells what the owner has stopped, in whatever process.
type Brake interface {
	Stops(ctx context.Context) ([]publisher.Stop, error)
}

// bars is what is not to be begun of a run. It is looked up again and again while the
// run goes on: the owner may stop or hold something at any moment.
type bars struct {
	stops []publisher.Stop
	due   map[int64]bool // lots that are released and not held
}

// look reads what is barred now. What cannot be read stays as it was.
func (r *run) look(lots []publisher.Lot) error {
	stops, err := r.raw.Stops(r.ctx)
	if err != nil {
		return err
	}
	issues := make([]string, 0, len(lots))
	for _, lot := range lots {
		if !slices.Contains(issues, lot.IssueID) {
			issues = append(issues, lot.IssueID)
		}
	}
	if len(issues) > manyIssues {
		issues = nil
	}
	due, err := r.raw.Lots(r.ctx, publisher.Selection{IssueIDs: issues, Open: true, Due: r.c.Now()})
	if err != nil {
		return err
	}
	b := &bars{stops: stops, due: make(map[int64]bool, len(due))}
	for _, lot := range due {
		b.due[lot.ID] = true
	}
	r.bars.Store(b)
	return nil
}

// manyIssues is beyond how many issues the store is asked for all lots at once.
const manyIssues = 100

// watch looks until the run ends, and ends it when all of its lots are stopped.
func (r *run) watch(lots []publisher.Lot) {
	tick := time.NewTicker(r.c.Poll)
	defer tick.Stop()
	for {
		select {
		case <-r.wire.Done():
			return
		case <-r.ctx.Done():
			return
		case <-tick.C:
		}
		if r.look(lots) == nil && r.allStopped(lots) {
			r.stop(errHalted)
			return
		}
	}
}

// errHalted ends a run whose lots are all stopped. It is no failure.
var errHalted = errors.New("stopped by the owner")

func (r *run) allStopped(lots []publisher.Lot) bool {
	return !slices.ContainsFunc(lots, func(lot publisher.Lot) bool { return !r.stoppedFor(lot) })
}

// stoppedFor reports whether the owner has stopped a lot.
func (r *run) stoppedFor(lot publisher.Lot) bool {
	b := r.bars.Load()
	return b != nil && slices.ContainsFunc(b.stops, func(s publisher.Stop) bool { return s.Covers(lot.IssueID, lot.Channel) })
}

// barred reports whether nothing more of a lot is to be begun.
func (r *run) barred(lot publisher.Lot) bool {
	b := r.bars.Load()
	return b != nil && !b.due[lot.ID] || r.stoppedFor(lot)
}

// halted is run's for the mailing's own lot.
func (m *mailing) halted(channel string) bool { return m.run.halted(channel) || m.barred(m.lot) }

// halted is run's for the thread's own lot.
func (t *thread) halted(channel string) bool { return t.run.halted(channel) || t.barred(t.lot) }

// waiting gives the lots that are open and not to go out yet, and what is stopped of
// the others.
func (r *run) waiting(open []publisher.Lot) (waiting []publisher.Lot, stops []publisher.Stop) {
	b := r.bars.Load()
	for _, lot := range open {
		if b == nil || !b.due[lot.ID] {
			waiting = append(waiting, lot)
		}
		if b == nil {
			continue
		}
		for _, s := range b.stops {
			if s.Covers(lot.IssueID, lot.Channel) && !slices.Contains(stops, s) {
				stops = append(stops, s)
			}
		}
	}
	slices.SortStableFunc(waiting, func(a, b publisher.Lot) int { return a.Release.Compare(b.Release) })
	return waiting, stops
}
