package calendar_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/queue/calendar"
)

func hours(t testing.TB, s string) (h calendar.Hours) {
	t.Helper()
	if err := h.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return h
}

func days(t testing.TB, s string) (d calendar.Weekdays) {
	t.Helper()
	if err := d.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return d
}

func times(t testing.TB, s ...string) calendar.Times {
	t.Helper()
	all, _, err := calendar.ReadTimes(s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSlot(t *testing.T) {
	for name, c := range map[string]struct {
		slot   calendar.Slot
		zone   string
		after  string
		placed []string // one after the other, from the same moment on
	}{
		"at once within the hours": {calendar.Slot{Between: hours(t, "08:00-20:00"), MinGap: 90 * time.Minute}, "Europe/Paris", "2026-11-23 18:20",
			[]string{"Mon 2026-11-23 18:20 CET", "Mon 2026-11-23 19:50 CET", "Tue 2026-11-24 08:00 CET", "Tue 2026-11-24 09:30 CET"}},
		"the end is outside": {calendar.Slot{Between: hours(t, "08:00-20:00"), MinGap: time.Hour}, "UTC", "2026-11-23 20:00", []string{"Tue 2026-11-24 08:00 UTC"}},
		"a cap":              {calendar.Slot{Between: hours(t, "08:00-20:00"), MinGap: time.Hour, MaxPerDay: 1}, "UTC", "2026-11-23 09:00", []string{"Mon 2026-11-23 09:00 UTC", "Tue 2026-11-24 08:00 UTC", "Wed 2026-11-25 08:00 UTC"}},
		"a cap alone spreads": {calendar.Slot{Between: hours(t, "08:00-20:00"), MaxPerDay: 3}, "UTC", "2026-11-23 07:00",
			[]string{"Mon 2026-11-23 08:00 UTC", "Mon 2026-11-23 12:00 UTC", "Mon 2026-11-23 16:00 UTC", "Tue 2026-11-24 08:00 UTC"}},
		"days":          {calendar.Slot{Between: hours(t, "08:00-20:00"), Days: days(t, "mon-fri"), MinGap: 8 * time.Hour}, "UTC", "2026-11-27 15:00", []string{"Fri 2026-11-27 15:00 UTC", "Mon 2026-11-30 08:00 UTC", "Mon 2026-11-30 16:00 UTC"}},
		"over midnight": {calendar.Slot{Between: hours(t, "22:00-02:00"), Days: days(t, "fri"), MinGap: time.Hour}, "UTC", "2026-11-27 23:30", []string{"Fri 2026-11-27 23:30 UTC", "Sat 2026-11-28 00:30 UTC", "Sat 2026-11-28 01:30 UTC", "Fri 2026-12-04 22:00 UTC"}},
		"until 24:00":   {calendar.Slot{Between: hours(t, "22:00-24:00"), MinGap: time.Hour}, "UTC", "2026-11-27 23:30", []string{"Fri 2026-11-27 23:30 UTC", "Sat 2026-11-28 22:00 UTC"}},
		"fixed times":   {calendar.Slot{At: times(t, "12:30", "08:00")}, "Europe/Paris", "2026-10-24 09:00", []string{"Sat 2026-10-24 12:30 CEST", "Sun 2026-10-25 08:00 CET", "Sun 2026-10-25 12:30 CET"}},
		"fixed times, days and cap": {calendar.Slot{At: times(t, "08:00", "12:30"), Days: days(t, "weekdays"), MaxPerDay: 1}, "UTC", "2026-11-27 08:00",
			[]string{"Fri 2026-11-27 08:00 UTC", "Mon 2026-11-30 08:00 UTC"}},
		"fixed time in a gap":     {calendar.Slot{At: times(t, "02:30")}, "Europe/Paris", "2027-03-27 12:00", []string{"Sun 2027-03-28 03:00 CEST", "Mon 2027-03-29 02:30 CEST"}},
		"hours within a gap":      {calendar.Slot{Between: hours(t, "02:10-02:50"), MinGap: time.Hour}, "Europe/Paris", "2027-03-27 12:00", []string{"Mon 2027-03-29 02:10 CEST"}},
		"hours that begin in one": {calendar.Slot{Between: hours(t, "02:10-05:00"), MinGap: time.Hour}, "Europe/Paris", "2027-03-27 12:00", []string{"Sun 2027-03-28 03:00 CEST", "Sun 2027-03-28 04:00 CEST", "Mon 2027-03-29 02:10 CEST"}},
		"an hour shown twice":     {calendar.Slot{Between: hours(t, "02:30-03:00"), MinGap: 30 * time.Minute}, "Europe/Paris", "2026-10-24 12:00", []string{"Sun 2026-10-25 02:30 CEST", "Sun 2026-10-25 02:30 CET", "Mon 2026-10-26 02:30 CET"}},
		"no rule, no wait":        {calendar.Slot{}, "UTC", "2026-11-27 08:00", []string{"Fri 2026-11-27 08:00 UTC", "Fri 2026-11-27 08:00 UTC"}},
	} {
		t.Run(name, func(t *testing.T) {
			z := zone(t, c.zone)
			at, err := time.ParseInLocation("2006-01-02 15:04", c.after, z)
			if err != nil {
				t.Fatal(err)
			}
			var taken []time.Time
			var got []string
			for range c.placed {
				next := c.slot.Next(at, taken, z)
				taken = append(taken, next)
				got = append(got, next.Format(shape))
			}
			if diff := cmp.Diff(c.placed, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHoursRefuse(t *testing.T) {
	for _, s := range []string{"8", "08:00", "08:00-", "-20:00", "08:00-08:00", "24:00-08:00", "08:00-25:00", "08:00-20:00-22:00", "eight-nine"} {
		var h calendar.Hours
		if err := h.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q is taken as %v", s, h)
		}
	}
	if _, i, err := calendar.ReadTimes([]string{"08:00", "24:00"}); err == nil || i != 1 {
		t.Errorf("24:00 is taken as a fixed time, or not told: item %d, error %v", i, err)
	}
	var d calendar.Weekdays
	if err := d.UnmarshalText([]byte("mon,")); err == nil {
		t.Errorf(`"mon," is taken as %v`, d)
	}
}

// shows reports whether the zone's clocks, at t, show a time that the slot allows:
// written anew and in another way than the package has it.
func shows(s calendar.Slot, from, to string, t time.Time) bool {
	clock, today, yesterday := t.Format("15:04:05"), s.Days.Has(t.Weekday()), s.Days.Has((t.Weekday()+6)%7)
	if from < to {
		return from <= clock && clock < to && today
	}
	return clock >= from && today || clock < to && yesterday
}

// Over three months, across each change of the clock, random arrivals are all placed
// in their order, none in the past, outside the hours, nearer than the gap to another,
// over its day's cap, or later than need be.
func TestSlotPromises(t *testing.T) {
	for i, name := range zones {
		z := zone(t, name)
		for j, hour := range []struct{ from, to string }{{"08:00", "20:00"}, {"22:00", "02:30"}, {"02:15", "02:45"}, {"00:00", "24:00"}} {
			for k, start := range []time.Time{time.Date(2026, 2, 15, 0, 0, 0, 0, time.UTC), time.Date(2026, 9, 15, 0, 0, 0, 0, time.UTC), time.Date(2011, 11, 15, 0, 0, 0, 0, time.UTC)} {
				if (i+j+k)%3 != 0 {
					continue // each zone meets each of the hours and each of the changes, not all with all
				}
				r := rand.New(rand.NewPCG(uint64(i), uint64(10*j+k)))
				s := calendar.Slot{Between: hours(t, hour.from+"-"+hour.to), MinGap: time.Duration(5+r.IntN(150)) * time.Minute, MaxPerDay: 1 + r.IntN(6)}
				if r.IntN(2) == 0 {
					s.Days = days(t, "mon-thu,sun")
				}
				t.Run(fmt.Sprintf("%s %s %d", name, hour.from, start.Year()*100+int(start.Month())), func(t *testing.T) {
					promises(t, r, s, hour.from, hour.to, start, z)
				})
			}
		}
	}
}

func promises(t *testing.T, r *rand.Rand, s calendar.Slot, from, to string, start time.Time, z *time.Location) {
	const format = time.RFC3339
	var taken []time.Time
	perDay := map[string]int{}
	fits := func(m time.Time) bool {
		m = m.In(z)
		for _, x := range taken {
			if d := m.Sub(x).Abs(); d < s.MinGap {
				return false
			}
		}
		return shows(s, from, to, m) && perDay[m.Format(time.DateOnly)] < s.MaxPerDay
	}
	for at := start; at.Before(start.AddDate(0, 3, 0)); at = at.Add(time.Duration(r.ExpFloat64() * float64(9*time.Hour))) {
		for range 1 + r.IntN(2) {
			next := s.Next(at, taken, z)
			switch {
			case next.Before(at):
				t.Fatalf("arrived %s, placed before, at %s", at.Format(format), next.Format(format))
			case !fits(next):
				t.Fatalf("%+v: arrived %s, placed at %s, where it does not fit", s, at.Format(format), next.Format(format))
			case len(taken) > 0 && next.Before(taken[len(taken)-1]):
				t.Fatalf("arrived %s, placed at %s before what came earlier, at %s", at.Format(format), next.Format(format), taken[len(taken)-1].Format(format))
			}
			// Look for a free moment that was missed, in the day and a half before it.
			for m := next.Add(-11 * time.Minute); !m.Before(at) && next.Sub(m) < 36*time.Hour; m = m.Add(-11 * time.Minute) {
				if shows(s, from, to, m.In(z)) && fits(m) {
					t.Fatalf("%+v: arrived %s, placed at %s, and %s was free", s, at.Format(format), next.Format(format), m.In(z).Format(format))
				}
			}
			taken = append(taken, next)
			perDay[next.Format(time.DateOnly)]++
		}
		// What is long over does not have to be handed in.
		for len(taken) > 0 && at.Sub(taken[0]) > 48*time.Hour {
			taken = slices.Delete(taken, 0, 1)
		}
	}
	if len(perDay) < 15 {
		t.Errorf("placed on %d days only: the test shows little", len(perDay))
	}
}

// The order in which the taken moments are handed in does not matter, and they are
// left as they are.
func TestSlotTakesAnyOrder(t *testing.T) {
	s := calendar.Slot{MinGap: time.Hour, MaxPerDay: 3}
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	sorted := []time.Time{at.Add(-30 * time.Minute), at.Add(45 * time.Minute), at.Add(3 * time.Hour)}
	mixed := []time.Time{sorted[2], sorted[0], sorted[1]}
	before := slices.Clone(mixed)
	if a, b := s.Next(at, sorted, time.UTC), s.Next(at, mixed, time.UTC); !a.Equal(b) {
		t.Errorf("%v and %v", a, b)
	}
	if diff := cmp.Diff(before, mixed); diff != "" {
		t.Errorf("the argument was changed: %s", diff)
	}
}
