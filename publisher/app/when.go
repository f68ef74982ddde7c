package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"crieur/publisher"
)

// clock gives a moment as the owner's clock shows it.
func (a *App) clock(t time.Time) string { return t.In(a.location).Format("2006-01-02 15:04 -07:00") }

// A When is a moment that the owner gave.
type When struct {
	Release time.Time // zero: at once
	Note    string    // what they should know about it; "" mostly
}

const whenHint = `write "18:00", "tomorrow 08:00", "2026-12-01 18:00", an RFC 3339 time such as 2026-12-01T18:00:00+01:00, or "now"`

// When reads a moment, in the zone of the owner's clock where it names none. One
// that is past, or that the clock skips, is refused; of one that the clock shows twice
// the first is taken, and Note says so.
func (a *App) When(text string) (When, error) {
	now := a.o.Now()
	refuse := func(why, hint string) (When, error) {
		return When{}, &publisher.Error{Kind: publisher.Invalid, Op: "read the time", Where: "--at", Err: errors.New(why), Hint: hint}
	}
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "now") {
		return When{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		if !t.After(now) {
			return refuse(a.clock(t)+" is past", `"now" is at once`)
		}
		return When{Release: t}, nil
	}
	wall, ok := readWall(text, now.In(a.location))
	if !ok {
		return refuse(fmt.Sprintf("%q is no time", text), whenHint)
	}
	found := occurrences(wall, a.location)
	if len(found) == 0 {
		_, change := wall.Add(-25 * time.Hour).In(a.location).ZoneBounds()
		return refuse(fmt.Sprintf("on %s the clocks of %s are put forward and never show %s", wall.Format("2006-01-02"), a.location, wall.Format("15:04")),
			"the first minute after that is "+change.Format("15:04"))
	}
	w := When{Release: found[0]}
	if len(found) > 1 {
		if !found[0].After(now) {
			w.Release = found[1]
		}
		w.Note = fmt.Sprintf("on %s the clocks of %s show %s twice; %s is taken, the other one is %s", wall.Format("2006-01-02"), a.location, wall.Format("15:04"),
			w.Release.In(a.location).Format(time.RFC3339), other(found, w.Release).In(a.location).Format(time.RFC3339))
	}
	if !w.Release.After(now) {
		hint := `"now" is at once`
		if len(text) <= len("15:04") {
			hint = `"tomorrow ` + text + `"?`
		}
		return refuse(a.clock(w.Release)+" is past", hint)
	}
	return w, nil
}

func other(two []time.Time, t time.Time) time.Time {
	if two[0].Equal(t) {
		return two[1]
	}
	return two[0]
}

// readWall reads what a clock shows, without a zone: its fields stand in UTC.
func readWall(text string, today time.Time) (wall time.Time, ok bool) {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02t15:04", "2006-01-02 15:04:05", "2006-01-02t15:04:05"} {
		if t, err := time.Parse(strings.Replace(layout, "t", "T", 1), strings.Replace(text, "t", "T", 1)); err == nil {
			return t, true
		}
	}
	days := 0
	if rest, found := strings.CutPrefix(text, "tomorrow "); found {
		text, days = rest, 1
	} else if rest, found := strings.CutPrefix(text, "today "); found {
		text = rest
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return time.Time{}, false
	}
	return time.Date(today.Year(), today.Month(), today.Day()+days, t.Hour(), t.Minute(), 0, 0, time.UTC), true
}

// occurrences gives the moments at which a zone's clocks show a time: one, none where
// they are put forward over it, two where they are put back.
func occurrences(wall time.Time, zone *time.Location) []time.Time {
	var found []time.Time
	for _, near := range []time.Duration{-25 * time.Hour, 25 * time.Hour} {
		_, offset := wall.Add(near).In(zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		same := t.Format("2006-01-02 15:04:05") == wall.Format("2006-01-02 15:04:05")
		if same && (len(found) == 0 || !found[0].Equal(t)) {
			found = append(found, t)
		}
	}
	if len(found) == 2 && found[1].Before(found[0]) {
		found[0], found[1] = found[1], found[0]
	}
	return found
}
