package calendar

import (
	"encoding"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// A Schedule says when something recurs, in wall-clock time. The zero Schedule
// never does. It is comparable by Equal, and safe for concurrent use.
type Schedule struct {
	text  string
	at    Clock
	days  Weekdays           // daily and weekly
	month *monthly           // or else these days
	cron  *cron.SpecSchedule // or else these minutes
}

// monthly is one day of each month: a numbered one, or a weekday of it.
type monthly struct {
	day     int // 1 to 31; the last day where a month does not have it
	ordinal int // or else the first to fourth such weekday, or the last (5)
	weekday time.Weekday
}

const last = 5

var ordinals = map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "last": last}

var _ encoding.TextUnmarshaler = (*Schedule)(nil)

const (
	wantSchedule = "want a time or days and a time, such as daily 18:00"
	hintSchedule = `write it as "18:00", "weekdays 07:30", "mon,thu 08:00", "monthly 1 08:00", "monthly last fri 17:00", or as cron's five fields, "0 18 * * 1-5"`
)

// Parse reads a schedule as owners write it: "18:00", "daily 18:00", "mon 08:00",
// "mon,thu 08:00", "mon-fri 08:00", "weekdays 07:30", "weekends 10:00", "monthly 1
// 08:00", "monthly last 08:00", "monthly last fri 17:00" (or first to fourth), and
// cron's five fields. In cron's, if both a day of the month and one of the week are
// given, either will do. A month that is too short for "monthly 31" has it on its
// last day; cron leaves such a month out.
func Parse(s string) (Schedule, error) {
	words := strings.Fields(strings.ToLower(s))
	text := strings.Join(words, " ")
	switch {
	case len(words) == 0:
		return Schedule{}, unreadable(wantSchedule, hintSchedule)
	case words[0] == "monthly":
		return parseMonthly(text, words[1:])
	case len(words) == 5 && !strings.Contains(text, ":"):
		return parseCron(text)
	case len(words) > 2:
		// "mon, thu 08:00"
		words = []string{strings.Join(words[:len(words)-1], ""), words[len(words)-1]}
	}
	at, ok := readClock(words[len(words)-1], false)
	if !ok {
		return Schedule{}, unreadable(wantSchedule, hintSchedule)
	}
	days := every
	if len(words) == 2 {
		if days, ok = readDays(words[0]); !ok {
			return Schedule{}, unreadable(wantSchedule, hintSchedule)
		}
	}
	return Schedule{text: text, at: at, days: days}, nil
}

func parseMonthly(text string, words []string) (Schedule, error) {
	if len(words) < 2 || len(words) > 3 {
		return Schedule{}, unreadable("want a day of the month and a time", `write it as "monthly 1 08:00", "monthly last 08:00" or "monthly last fri 17:00"`)
	}
	at, ok := readClock(words[len(words)-1], false)
	if !ok {
		return Schedule{}, unreadable("want a day of the month and a time", `write the time as 08:00`)
	}
	m := &monthly{}
	switch {
	case len(words) == 3:
		m.ordinal, ok = ordinals[words[0]]
		if m.weekday, _ = readDay(words[1]); ok {
			_, ok = readDay(words[1])
		}
		if !ok {
			return Schedule{}, unreadable("want a weekday of the month", `write it as "monthly first mon 08:00"; there are first, second, third, fourth and last`)
		}
	case words[0] == "last":
		m.day = 31
	default:
		n, err := strconv.Atoi(words[0])
		if err != nil || n < 1 || n > 31 {
			return Schedule{}, unreadable("want a day of the month from 1 to 31", `"last" is the last day, whatever its number`)
		}
		m.day = n
	}
	return Schedule{text: text, at: at, month: m}, nil
}

func parseCron(text string) (Schedule, error) {
	if strings.Contains(text, "=") {
		return Schedule{}, unreadable("a cron schedule takes no time zone", "times are in the site's time zone: see site.timezone")
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(text)
	spec, ok := parsed.(*cron.SpecSchedule)
	if err != nil || !ok {
		return Schedule{}, unreadable("is no cron schedule", "the fields are minute, hour, day of the month, month, and day of the week from 0 (Sunday) to 6")
	}
	spec.Location = time.UTC // wall-clock time is written as UTC: see wall
	s := Schedule{text: text, cron: spec}
	if s.after(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, unreadable("never occurs", "look at the day and the month")
	}
	return s, nil
}

// UnmarshalText reads what Parse reads; "" is the zero Schedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	*s = Schedule{}
	if len(text) == 0 {
		return nil
	}
	parsed, err := Parse(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// String gives the schedule as it was written, in lower case.
func (s Schedule) String() string { return s.text }

// IsZero reports whether there is no schedule.
func (s Schedule) IsZero() bool { return s.text == "" }

// Equal reports whether both were written the same.
func (s Schedule) Equal(o Schedule) bool { return s.text == o.text }

// Next gives the first moment later than after at which the schedule fires in the
// zone; the zero Time for the zero Schedule. Several times within one gap fire once.
func (s Schedule) Next(after time.Time, zone *time.Location) time.Time {
	if s.IsZero() {
		return time.Time{}
	}
	// A time that is skipped or shown twice may come out at a moment that is over:
	// then the next one counts.
	for w := wall(after, zone); ; {
		if w = s.after(w); w.IsZero() {
			return time.Time{}
		}
		if m := moment(w, zone); m.After(after) {
			return m
		}
	}
}

// after gives the next wall-clock time later than w; zero where there is none.
func (s Schedule) after(w time.Time) time.Time {
	if s.cron != nil {
		// It looks five years ahead; from one 29 February to the next may be eight.
		for range 3 {
			if next := s.cron.Next(w); !next.IsZero() {
				return next
			}
			w = w.AddDate(4, 0, 0)
		}
		return time.Time{}
	}
	if s.month != nil {
		for first := day(w).AddDate(0, 0, 1-w.Day()); ; first = first.AddDate(0, 1, 0) {
			if next := s.month.in(first).Add(s.at.duration()); next.After(w) {
				return next
			}
		}
	}
	for d := day(w); ; d = d.AddDate(0, 0, 1) {
		if next := d.Add(s.at.duration()); s.days.Has(d.Weekday()) && next.After(w) {
			return next
		}
	}
}

// in gives the day in the month that begins at first.
func (m *monthly) in(first time.Time) time.Time {
	end := first.AddDate(0, 1, -1)
	switch m.ordinal {
	case 0:
		return first.AddDate(0, 0, min(m.day, end.Day())-1)
	case last:
		return end.AddDate(0, 0, -int(end.Weekday()-m.weekday+7)%7)
	}
	return first.AddDate(0, 0, int(m.weekday-first.Weekday()+7)%7+7*(m.ordinal-1))
}
