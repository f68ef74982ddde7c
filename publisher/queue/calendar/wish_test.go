package calendar_test

import (
	"testing"
	"time"

	"crieur/publisher/queue/calendar"
)

func TestWish(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	slot := &calendar.Slot{Between: hours(t, "12:00-14:00"), MinGap: time.Hour}
	for name, c := range map[string]struct {
		wish calendar.Wish
		want time.Duration // after now
	}{
		"nothing":                         {calendar.Wish{}, 0},
		"delay, publication not known":    {calendar.Wish{Delay: 2 * time.Hour}, 2 * time.Hour},
		"delay after publication":         {calendar.Wish{Published: now.Add(-30 * time.Minute), Delay: 2 * time.Hour}, 90 * time.Minute},
		"delay that is over":              {calendar.Wish{Published: now.Add(-30 * time.Hour), Delay: 2 * time.Hour}, 0},
		"embargo":                         {calendar.Wish{Embargo: now.Add(time.Hour)}, time.Hour},
		"embargo that is over":            {calendar.Wish{Embargo: now.Add(-time.Hour)}, 0},
		"date in the future":              {calendar.Wish{Published: now.Add(time.Hour)}, time.Hour},
		"date in the future, and delay":   {calendar.Wish{Published: now.Add(time.Hour), Delay: time.Hour}, 2 * time.Hour},
		"the owner's moment":              {calendar.Wish{At: now.Add(5 * time.Hour), Delay: 24 * time.Hour, Slot: slot}, 5 * time.Hour},
		"the owner's moment is over":      {calendar.Wish{At: now.Add(-5 * time.Hour)}, 0},
		"the owner's moment, and embargo": {calendar.Wish{At: now.Add(time.Hour), Embargo: now.Add(2 * time.Hour)}, 2 * time.Hour},
		"slot":                            {calendar.Wish{Slot: slot}, 3 * time.Hour},
		"slot after the delay":            {calendar.Wish{Slot: slot, Delay: 4 * time.Hour}, 4 * time.Hour},
		"slot after the embargo":          {calendar.Wish{Slot: slot, Embargo: now.Add(6 * time.Hour)}, 27 * time.Hour},
		"slot that is taken":              {calendar.Wish{Slot: slot, Taken: []time.Time{now.Add(3 * time.Hour)}}, 4 * time.Hour},
	} {
		c.wish.Now = now
		if got := c.wish.Moment(time.UTC).Sub(now); got != c.want {
			t.Errorf("%s: %v after now, want %v", name, got, c.want)
		}
	}
}

func TestLate(t *testing.T) {
	due := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	late := func(then calendar.Verdict) calendar.Late { return calendar.Late{After: 2 * time.Hour, Then: then} }
	for name, c := range map[string]struct {
		late calendar.Late
		due  time.Time
		now  time.Time
		want calendar.Verdict
	}{
		"before":               {late(calendar.Hold), due, due.Add(-time.Second), calendar.Wait},
		"on time":              {late(calendar.Hold), due, due, calendar.Send},
		"late within reason":   {late(calendar.Hold), due, due.Add(2 * time.Hour), calendar.Send},
		"later: hold":          {late(calendar.Hold), due, due.Add(2*time.Hour + 1), calendar.Hold},
		"later: skip":          {late(calendar.Skip), due, due.Add(24 * time.Hour), calendar.Skip},
		"later: send":          {late(calendar.Send), due, due.Add(24 * time.Hour), calendar.Send},
		"later, nothing said":  {calendar.Late{}, due, due.Add(time.Second), calendar.Hold},
		"due at once":          {late(calendar.Hold), time.Time{}, due, calendar.Send},
		"clock set back":       {late(calendar.Hold), due, due.Add(-time.Hour), calendar.Wait},
		"no grace, on the dot": {calendar.Late{Then: calendar.Skip}, due, due, calendar.Send},
	} {
		if got := c.late.Decide(c.due, c.now); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
