package app

import (
	"context"
	"fmt"
	"time"

	"crieur/publisher"
	"crieur/publisher/queue/calendar"
)

// onTime gives those of the due lots that may go out by themselves: it holds or calls
// off what is later than its policy, and logs that. Of what has begun to go out nothing
// is late, and what was held is on time when it is freed.
func (a *App) onTime(ctx context.Context, lots []publisher.Lot, now time.Time) ([]publisher.Lot, error) {
	var kept []publisher.Lot
	for _, lot := range lots {
		what, err := a.keepLate(ctx, lot, now)
		if err != nil {
			return nil, err
		}
		if what == "" {
			kept = append(kept, lot)
			continue
		}
		a.o.Log.Warn("too late to go out by itself", "issue", lot.IssueID, "channel", lot.Channel, "due", dueOf(lot).In(a.location), "what", what)
	}
	return kept, nil
}

// dueOf gives the moment from which on a lot was to go out.
func dueOf(lot publisher.Lot) time.Time {
	if lot.Release.IsZero() {
		return lot.Created
	}
	return lot.Release
}

// keepLate holds or calls off a lot that is later than its policy, and says which; "" where
// it is not.
func (a *App) keepLate(ctx context.Context, lot publisher.Lot, now time.Time) (string, error) {
	verdict := a.conf.LateOf(lot.Channel).Decide(dueOf(lot), now)
	if verdict == calendar.Send || verdict == calendar.Wait {
		return "", nil
	}
	begun, err := a.begun(ctx, lot)
	if err != nil || begun {
		return "", err
	}
	if verdict == calendar.Skip {
		_, err = a.store.Cancel(ctx, lot.ID, now)
		return "called off", err
	}
	_, err = a.store.Hold(ctx, lot.ID, publisher.HeldLate)
	return fmt.Sprintf("held: crieur resume %s lets it go", lot.IssueID), err
}

// begun reports whether anything of a lot has been tried.
func (a *App) begun(ctx context.Context, lot publisher.Lot) (bool, error) {
	tallies, err := a.store.Counts(ctx, publisher.Selection{IssueIDs: []string{lot.IssueID}, Channels: []string{lot.Channel}})
	if err != nil {
		return false, err
	}
	for _, t := range tallies {
		for st, n := range t.States {
			if n > 0 && st != publisher.StatePlanned && st != publisher.StateSuppressed {
				return true, nil
			}
		}
	}
	return false, nil
}
