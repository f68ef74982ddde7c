package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
)

// overdue is how long after its moment a post counts as one that nobody was there to
// send.
const overdue = time.Minute

// spread gives those of the due lots that may go out now. Posts whose moments in a slot
// passed while nobody sent would go out in one burst, and perhaps at night: of these the
// first goes at the next moment that the slot allows, which may be now, and the others
// after it. What the owner put at a moment of their own keeps it, and so does what waits for
// a channel that refuses us: it is late some day, and held.
func (a *App) spread(ctx context.Context, lots []publisher.Lot, now time.Time) (kept []publisher.Lot, err error) {
	var passed []publisher.Lot
	for _, lot := range lots {
		begun := false
		slot, ok := a.conf.SlotNamed(a.channelNamed(lot.Channel).Slot)
		late := ok && !a.courier.refused(lot.Channel) && !lot.Mail() && !lot.Release.IsZero() && now.Sub(lot.Release) > overdue && a.within(slot, lot.Release)
		if late {
			if begun, err = a.begun(ctx, lot); err != nil {
				return nil, err
			}
		}
		if late && !begun {
			passed = append(passed, lot)
		} else {
			kept = append(kept, lot)
		}
	}
	if len(passed) == 0 {
		return kept, nil
	}
	release, err := a.store.Placing(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	slices.SortStableFunc(passed, func(x, y publisher.Lot) int { return x.Release.Compare(y.Release) })
	for i, lot := range passed {
		slot, _ := a.conf.SlotNamed(a.channelNamed(lot.Channel).Slot)
		next, err := a.nextInSlot(ctx, slot, lot.Channel, passed[i:], now)
		if err != nil {
			return nil, err
		}
		if err := a.store.Reschedule(ctx, lot.ID, next); err != nil {
			return nil, err
		}
		if !next.After(now) {
			lot.Release = next
			kept = append(kept, lot)
			continue
		}
		a.o.Log.Info("a post's moment passed while nobody sent; it has another one", "issue", lot.IssueID, "channel", lot.Channel,
			"passed", lot.Release.In(a.location), "next", next)
	}
	return kept, nil
}

// refused reports whether a channel has refused us since the configuration was read.
func (c *courier) refused(channel string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.paused[channel].IsZero()
}

// within reports whether a moment is one of a slot's.
func (a *App) within(s config.Slot, m time.Time) bool {
	return s.Calendar().Next(m, nil, a.location).Equal(m)
}

// nextInSlot gives a channel's next free moment from now on, as if the lots that are to
// be placed anew had none.
func (a *App) nextInSlot(ctx context.Context, s config.Slot, channel string, anew []publisher.Lot, now time.Time) (time.Time, error) {
	slot, taken, err := a.slot(ctx, s.Calendar(), channel, now)
	if err != nil {
		return time.Time{}, err
	}
	for _, lot := range anew {
		if i := slices.IndexFunc(taken, lot.Release.Equal); lot.Channel == channel && i >= 0 {
			taken = slices.Delete(taken, i, i+1)
		}
	}
	return slot.Next(now, taken, a.location), nil
}
