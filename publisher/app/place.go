package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"crieur/publisher"
)

// SlotNext is each channel's own slot.
const SlotNext = "next"

// moments gives, by channel, the moments before which an edition does not go out; none
// for what goes out at once. The owner's own moment stands for all channels, a slot for
// the posts; neither comes before an embargo.
func (a *App) moments(ctx context.Context, e *edition, o PublishOptions) (map[string]time.Time, error) {
	now := a.o.Now()
	var earliest time.Time
	for _, article := range e.content() {
		if article.Embargo.After(now) && article.Embargo.After(earliest) {
			earliest = article.Embargo
		}
	}
	if !earliest.IsZero() {
		e.warn("the article has an embargo: nothing of it goes out before " + a.clock(earliest))
	}
	if o.At != nil && o.At.Release.After(earliest) {
		earliest = o.At.Release
	}
	moments := map[string]time.Time{}
	for _, r := range e.all() {
		if !earliest.IsZero() {
			moments[r.rendering.Channel] = earliest
		}
	}
	if o.Slot == "" {
		return moments, nil
	}
	placed := 0
	for _, r := range e.posts {
		name := o.Slot
		if name == SlotNext {
			name = a.channelNamed(r.rendering.Channel).Slot
		}
		s, ok := a.conf.SlotNamed(name)
		if !ok {
			continue
		}
		placed++
		slot, taken, err := a.slot(ctx, s.Calendar(), r.rendering.Channel, now)
		if err != nil {
			return nil, err
		}
		from := now
		if earliest.After(now) {
			from = earliest
		}
		if m := slot.Next(from, taken, a.location); m.After(now) {
			moments[r.rendering.Channel] = m
		}
	}
	if placed == 0 {
		return nil, a.noSlot(o.Slot)
	}
	return moments, nil
}

func (a *App) noSlot(name string) error {
	var known []string
	for _, s := range a.conf.Slots {
		known = append(known, s.Name)
	}
	e := &publisher.Error{Kind: publisher.Invalid, Op: "choose a slot", Where: "--slot", Err: fmt.Errorf("no %q in the configuration", name)}
	switch {
	case name == SlotNext:
		e.Err, e.Hint = errors.New("none of these channels has a slot"), "give it slot:, with the name of one below slots:"
	case len(known) > 0:
		e.Hint = "there are: " + SlotNext + ", " + strings.Join(known, ", ")
	default:
		e.Hint = "add it below slots:"
	}
	return e
}
