package calendar

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// Weekdays is a set of days of the week; the zero value is every day.
type Weekdays uint8

const every Weekdays = 1<<7 - 1

// Has reports whether a day is in the set.
func (d Weekdays) Has(w time.Weekday) bool { return d == 0 || d&(1<<w) != 0 }

var dayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// String gives the days as they are written: "mon,thu".
func (d Weekdays) String() string {
	if d == 0 || d == every {
		return "daily"
	}
	var names []string
	for i := range 7 {
		w := time.Weekday((i + 1) % 7) // Monday first
		if d.Has(w) {
			names = append(names, dayNames[w])
		}
	}
	return strings.Join(names, ",")
}

// UnmarshalText reads "mon,thu", "mon-fri", "weekdays", "weekends" or "daily";
// "" is every day.
func (d *Weekdays) UnmarshalText(text []byte) error {
	*d = 0
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil
	}
	set, ok := readDays(strings.ToLower(string(text)))
	if !ok {
		return unreadable("want days of the week", "write them as mon,thu or mon-fri; weekdays and weekends are words, too")
	}
	*d = set
	return nil
}

// readDays reads days of the week in lower case; false where one is none.
func readDays(s string) (Weekdays, bool) {
	var set Weekdays
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		switch part {
		case "daily":
			set |= every
			continue
		case "weekdays":
			set |= every &^ (1<<time.Saturday | 1<<time.Sunday)
			continue
		case "weekends":
			set |= 1<<time.Saturday | 1<<time.Sunday
			continue
		}
		first, last, ranged := strings.Cut(part, "-")
		from, ok := readDay(strings.TrimSpace(first))
		if !ok {
			return 0, false
		}
		to := from
		if ranged {
			if to, ok = readDay(strings.TrimSpace(last)); !ok {
				return 0, false
			}
		}
		for w := from; ; w = (w + 1) % 7 {
			set |= 1 << w
			if w == to {
				break
			}
		}
	}
	return set, true
}

// readDay reads "mon" or "monday".
func readDay(s string) (time.Weekday, bool) {
	for i, short := range dayNames {
		if s == short || s == strings.ToLower(time.Weekday(i).String()) {
			return time.Weekday(i), true
		}
	}
	return 0, false
}

// A Clock is a time of day in minutes since midnight, up to 24:00.
type Clock int

const midnight Clock = 24 * 60

func (c Clock) duration() time.Duration { return time.Duration(c) * time.Minute }

// String gives the time as "08:00".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// readClock reads "08:00", and "24:00" where the end of the day is allowed.
func readClock(s string, end bool) (Clock, bool) {
	hour, minute, ok := strings.Cut(s, ":")
	if !ok || len(hour) < 1 || len(hour) > 2 || len(minute) != 2 || strings.Trim(hour+minute, "0123456789") != "" {
		return 0, false
	}
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	c := Clock(h*60 + m)
	return c, m < 60 && (c < midnight || end && c == midnight)
}

func unreadable(message, hint string) error {
	return &publisher.Error{Kind: publisher.Invalid, Err: errors.New(message), Hint: hint}
}
