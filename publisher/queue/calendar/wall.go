package calendar

import "time"

// wall gives what a clock in the zone shows at t, written as if it were UTC: times
// of day can then be reckoned with, without a jump in them.
func wall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// widest is more than any zone has ever been away from UTC, or has skipped at once.
const widest = 26 * time.Hour

// moment gives the first moment at which a clock in the zone shows w, or where it
// skips w, the first after the gap. It never falls as w grows.
func moment(w time.Time, zone *time.Location) time.Time {
	for t := w.Add(-widest).In(zone); ; {
		// Between two changes of the clock the difference to UTC is one and the same.
		start, end := t.ZoneBounds()
		_, offset := t.Zone()
		m := w.Add(-time.Duration(offset) * time.Second).In(zone)
		switch {
		case !start.IsZero() && m.Before(start):
			return start
		case end.IsZero() || m.Before(end):
			return m
		}
		t = end
	}
}

// day gives the beginning of the day of w.
func day(w time.Time) time.Time {
	return time.Date(w.Year(), w.Month(), w.Day(), 0, 0, 0, 0, time.UTC)
}
