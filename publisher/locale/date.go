package locale

import (
	"fmt"
	"strconv"
	"time"
)

var (
	weekdayIDs = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	monthIDs   = [...]string{"january", "february", "march", "april", "may", "june", "july", "august",
		"september", "october", "november", "december"}
)

// Date writes the day as a newspaper's masthead does, in t's own location:
// "lundi 1er mars 2027", "Monday 1 March 2027".
func (l *Localizer) Date(t time.Time) string { return l.day("date.long", t) }

// ShortDate writes the day without its name: "1er mars 2027", "1 March 2027".
func (l *Localizer) ShortDate(t time.Time) string { return l.day("date.short", t) }

// Time writes hour and minute: "18 h 05", "18:05".
func (l *Localizer) Time(t time.Time) string {
	return l.T("date.time", "Hour", strconv.Itoa(t.Hour()), "Minute", fmt.Sprintf("%02d", t.Minute()))
}

func (l *Localizer) day(id string, t time.Time) string {
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		day = l.T("date.first")
	}
	return l.T(id, "Weekday", l.weekdays[t.Weekday()], "Day", day,
		"Month", l.months[t.Month()-1], "Year", strconv.Itoa(t.Year()))
}
