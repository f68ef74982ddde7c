package calendar

import (
	"encoding"
	"slices"
	"strings"
	"time"
)

// Hours are the times of day from From up to, and without, To. They cross midnight
// where From is later than To. The zero value is the whole day.
type Hours struct{ From, To Clock }

var _ encoding.TextUnmarshaler = (*Hours)(nil)

// UnmarshalText reads "08:00-20:00" or "22:00-02:00"; "" is the whole day.
func (h *Hours) UnmarshalText(text []byte) error {
	*h = Hours{}
	s := strings.ReplaceAll(string(text), " ", "")
	if s == "" {
		return nil
	}
	from, to, _ := strings.Cut(strings.ReplaceAll(s, "–", "-"), "-")
	f, ok := readClock(from, false)
	t, ok2 := readClock(to, true)
	switch {
	case !ok || !ok2:
		return unreadable("want hours such as 08:00-20:00", "the second may be 24:00, or earlier than the first for a night")
	case f == t:
		return unreadable("begins and ends at the same time", "leave the key out for the whole day")
	}
	*h = Hours{f, t}
	return nil
}

// String gives the hours as they are written; "" for the whole day.
func (h Hours) String() string {
	if h == (Hours{}) {
		return ""
	}
	return h.From.String() + "-" + h.To.String()
}

// length gives how long the hours are on a day without a change of the clock.
func (h Hours) length() time.Duration {
	switch {
	case h == (Hours{}):
		return midnight.duration()
	case h.From < h.To:
		return (h.To - h.From).duration()
	}
	return (midnight - h.From + h.To).duration()
}

// Times are fixed times of day.
type Times []Clock

// ReadTimes reads fixed times such as "08:00", and gives them in order. index tells
// which one could not be read.
func ReadTimes(texts []string) (times Times, index int, err error) {
	for i, s := range texts {
		c, ok := readClock(s, false)
		if !ok {
			return nil, i, unreadable("want a time of day such as 08:00", "")
		}
		times = append(times, c)
	}
	slices.Sort(times)
	return slices.Compact(times), -1, nil
}

// A Slot says at which moments a channel publishes.
type Slot struct {
	Between   Hours
	Days      Weekdays      // on which the hours begin
	At        Times         // only at these times, each for one; Between does not count then
	MinGap    time.Duration // least time from one to the next; 0: see Gap
	MaxPerDay int           // most in one calendar day of the zone; 0: no cap
}

// Gap gives the least time between two. Where the owner has set none but a cap, it
// is the length of the hours divided by the cap, so that a burst spreads over them.
func (s Slot) Gap() time.Duration {
	if s.MinGap > 0 || s.MaxPerDay == 0 || len(s.At) > 0 {
		return s.MinGap
	}
	return s.Between.length() / time.Duration(s.MaxPerDay)
}

// Next gives the first free moment from after on. taken are the moments that the
// channel has used or promised, those before after included as far as they lie within
// its gap and its day; their order does not matter. A moment within the hours is
// one at which a clock in the zone shows a time within them. Next always finds one.
func (s Slot) Next(after time.Time, taken []time.Time, zone *time.Location) time.Time {
	if !slices.IsSortedFunc(taken, time.Time.Compare) {
		taken = slices.Clone(taken)
		slices.SortFunc(taken, time.Time.Compare)
	}
	perDay := map[time.Time]int{}
	if s.MaxPerDay > 0 {
		for _, t := range taken {
			perDay[day(wall(t, zone))]++
		}
	}
	gap := s.Gap()
	for t := after; ; {
		t = s.open(t, zone)
		today := day(wall(t, zone))
		if s.MaxPerDay > 0 && perDay[today] >= s.MaxPerDay {
			t = moment(today.AddDate(0, 0, 1), zone)
			continue
		}
		if free := clearOf(t, taken, gap, len(s.At) > 0); free.After(t) {
			t = free
			continue
		}
		return t.In(zone)
	}
}

// clearOf gives t, or where one of taken stands nearer than the gap, the moment at
// which it no longer does. A fixed time that is taken is left at once.
func clearOf(t time.Time, taken []time.Time, gap time.Duration, fixed bool) time.Time {
	i, same := slices.BinarySearchFunc(taken, t, time.Time.Compare)
	if same && fixed && gap == 0 {
		return t.Add(1)
	}
	// Those at or after t first: the later one decides.
	for j := i; j < len(taken) && taken[j].Sub(t) < gap; j++ {
		t = taken[j].Add(gap)
	}
	if i > 0 && t.Sub(taken[i-1]) < gap {
		return taken[i-1].Add(gap)
	}
	return t
}

// open gives the first moment from t on that the hours and days, or the fixed
// times, allow.
func (s Slot) open(t time.Time, zone *time.Location) time.Time {
	if len(s.At) > 0 {
		return s.fixed(t, zone)
	}
	for {
		w := wall(t, zone)
		if s.inside(w) {
			return t
		}
		// Until the clock is changed, it runs as elapsed time does.
		next := t.Add(s.opening(w).Sub(w))
		if _, change := t.In(zone).ZoneBounds(); !change.IsZero() && !next.Before(change) {
			next = change
		}
		t = next
	}
}

// inside reports whether the wall-clock time w is within the hours of a day.
func (s Slot) inside(w time.Time) bool {
	if s.Between == (Hours{}) {
		return s.Days.Has(w.Weekday())
	}
	from, to, now := s.Between.From.duration(), s.Between.To.duration(), w.Sub(day(w))
	if from < to {
		return from <= now && now < to && s.Days.Has(w.Weekday())
	}
	return now >= from && s.Days.Has(w.Weekday()) || now < to && s.Days.Has(day(w).AddDate(0, 0, -1).Weekday())
}

// opening gives the next wall-clock time later than w at which the hours begin.
func (s Slot) opening(w time.Time) time.Time {
	for d := day(w); ; d = d.AddDate(0, 0, 1) {
		if o := d.Add(s.Between.From.duration()); s.Days.Has(d.Weekday()) && o.After(w) {
			return o
		}
	}
}

// fixed gives the first of the fixed times from t on.
func (s Slot) fixed(t time.Time, zone *time.Location) time.Time {
	for d := day(wall(t, zone)).AddDate(0, 0, -1); ; d = d.AddDate(0, 0, 1) {
		if !s.Days.Has(d.Weekday()) {
			continue
		}
		for _, c := range s.At {
			if m := moment(d.Add(c.duration()), zone); !m.Before(t) {
				return m
			}
		}
	}
}
