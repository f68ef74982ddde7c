package config

import (
	"slices"
	"strings"
	"time"

	"crieur/publisher/queue/calendar"
)

// A Route says where articles of one sort go by themselves.
type Route struct {
	Name        string        `mapstructure:"-"`
	Sources     []string      `mapstructure:"sources" format:"pattern" desc:"Names of sources. As in the lists below: one of these words must match, and none that has a ! before it; * is any. Left out: any."`
	Tags        []string      `mapstructure:"tags" format:"pattern" desc:"Tags of the article, such as [politique, \"!sport\"]. Case does not matter."`
	Languages   []string      `mapstructure:"languages" format:"pattern" desc:"Languages of the article; fr matches fr-CA, too."`
	Authors     []string      `mapstructure:"authors" format:"pattern" desc:"Authors of the article, by their full name."`
	Newsletters []string      `mapstructure:"newsletters" desc:"Newsletters that they go to. One with a schedule keeps them for its next issue."`
	Channels    []string      `mapstructure:"channels" desc:"Channels that they are posted to."`
	Slot        string        `mapstructure:"slot" desc:"Name of the slot in which they are posted. Left out: the channel's own."`
	Delay       time.Duration `mapstructure:"delay" desc:"How long after publication on the site they go out. Left out: the channel's own."`
	Warning     string        `mapstructure:"warning" desc:"Content warning of the posts of articles that have none of their own."`
}

// A Slot says at which moments a channel posts.
type Slot struct {
	Name      string            `mapstructure:"-"`
	Between   calendar.Hours    `mapstructure:"between" desc:"Times of day, as 08:00-20:00; the second may be earlier, for a night. Left out: the whole day."`
	Days      calendar.Weekdays `mapstructure:"days" desc:"Days of the week, such as mon-fri, sat,sun, weekdays or weekends. Left out: all."`
	At        []string          `mapstructure:"at" format:"clock" desc:"Fixed times of day in place of between, each for one post: [\"08:00\", \"12:30\"]."`
	MinGap    time.Duration     `mapstructure:"min_gap" desc:"Least time from one post to the next. Left out: the hours divided by max_per_day."`
	MaxPerDay int               `mapstructure:"max_per_day" min:"0" desc:"Most posts in a day; the others wait for the next one. 0: no cap."`
}

// Calendar gives the slot as it is reckoned with.
func (s Slot) Calendar() calendar.Slot {
	at, _, _ := calendar.ReadTimes(s.At) // read before
	return calendar.Slot{Between: s.Between, Days: s.Days, At: at, MinGap: s.MinGap, MaxPerDay: s.MaxPerDay}
}

// Digest says what goes into the issues of a newsletter with a schedule.
type Digest struct {
	Min     int    `mapstructure:"min" default:"1" min:"1" desc:"Fewest articles that make an issue."`
	Max     int    `mapstructure:"max" default:"20" min:"1" desc:"Most articles in one issue."`
	Order   string `mapstructure:"order" default:"newest" enum:"newest,oldest,source" desc:"How they stand, and which come first where there are too many; source: as the sources do in this file."`
	GroupBy string `mapstructure:"group_by" default:"none" enum:"none,tag,source" desc:"What the titles between them are; tag: each article's first one."`
	IfFewer string `mapstructure:"if_fewer" default:"wait" enum:"wait,skip" desc:"Where there are fewer than min: wait: they stay for the next issue. skip: they are left out for good."`
	Rest    string `mapstructure:"rest" default:"next" enum:"next,drop" desc:"Where there are more than max: next: the others stay for the next issue. drop: they are left out for good."`
}

// ScheduleOf gives a newsletter's schedule; false where it has none, and each of its
// articles is an issue.
func (c *Config) ScheduleOf(newsletter string) (calendar.Schedule, bool) {
	for _, n := range c.Newsletters {
		if n.Name == newsletter {
			return n.Schedule, !n.Schedule.IsZero()
		}
	}
	return calendar.Schedule{}, false
}

// SlotNamed gives a slot of the configuration.
func (c *Config) SlotNamed(name string) (Slot, bool) {
	i := slices.IndexFunc(c.Slots, func(s Slot) bool { return s.Name == name })
	if i < 0 {
		return Slot{}, false
	}
	return c.Slots[i], true
}

// checkWhen looks at what says when and where: routes, slots and schedules.
func (l *loader) checkWhen(c *Config) {
	var newsletters, channels, slots, sources []string
	for _, s := range c.Sources {
		sources = append(sources, s.Name)
	}
	for _, t := range c.API.Tokens {
		sources = append(sources, t.Name)
	}
	for _, n := range c.Newsletters {
		newsletters = append(newsletters, n.Name)
		l.checkDigest(n)
	}
	for _, s := range c.Slots {
		slots = append(slots, s.Name)
		l.checkSlot(s)
	}
	for _, ch := range c.Channels {
		channels = append(channels, ch.Name)
		l.mustExist(ch.at.key("slot"), ch.Slot, "slot", slots)
	}
	for _, r := range c.Routes {
		at := path("routes").key(r.Name)
		l.mustExist(at.key("slot"), r.Slot, "slot", slots)
		l.mustAllExist(at.key("newsletters"), r.Newsletters, "newsletter", newsletters)
		l.mustAllExist(at.key("channels"), r.Channels, "channel", channels)
		for i, p := range r.Sources {
			if word := strings.TrimPrefix(p, "!"); word != "*" && !slices.ContainsFunc(sources, func(s string) bool { return strings.EqualFold(s, word) }) {
				l.wrongItem(at.key("sources"), i, "unknown source", unlessAdded(word, "source", sources))
			}
		}
		if len(r.Newsletters)+len(r.Channels) == 0 {
			l.wrong(at, "leads nowhere", "add newsletters: or channels: with the names of those that the articles go to")
		}
		for i, p := range r.Languages {
			if word := strings.TrimPrefix(p, "!"); word != "*" && !language.MatchString(word) {
				l.wrongItem(at.key("languages"), i, "want a language such as fr or en-GB", "")
			}
		}
	}
}

func (l *loader) checkDigest(n Newsletter) {
	at := path("newsletters").key(n.Name)
	_, digest := l.places[at.key("digest")]
	_, schedule := l.places[at.key("schedule")] // one that cannot be read is told already
	if n.Schedule.IsZero() && digest && !schedule {
		l.wrong(at.key("digest"), "is without a schedule", `add schedule:, such as "daily 18:00"; without one each article is an issue`)
	}
	if n.Digest.Max > 0 && n.Digest.Min > n.Digest.Max {
		l.wrong(at.key("digest").key("min"), "is more than max", "no issue could ever be made")
	}
}

func (l *loader) checkSlot(s Slot) {
	at := path("slots").key(s.Name)
	switch {
	case len(s.At) > 0 && s.Between != (calendar.Hours{}):
		l.wrong(at.key("between"), "stands beside at", "take fixed times with at:, or hours with between:")
	case l.tables[at] == nil || len(l.tables[at].entries) == 0:
		l.wrong(at, "says nothing about when", "add between:, at:, days:, min_gap: or max_per_day:")
	}
}

// mustExist reports a name that refers to nothing.
func (l *loader) mustExist(at path, name, what string, known []string) {
	if name != "" && !slices.Contains(known, name) {
		l.wrong(at, "unknown "+what+l.repeated(at), unlessAdded(name, what, known))
	}
}

// mustAllExist reports the names of a list that refer to nothing.
func (l *loader) mustAllExist(at path, names []string, what string, known []string) {
	for i, name := range names {
		if !slices.Contains(known, name) {
			l.wrongItem(at, i, "unknown "+what, unlessAdded(name, what, known))
		}
	}
}

func unlessAdded(name, what string, known []string) string {
	if hint := unless(name, known); hint != "" {
		return hint
	}
	return "add it under " + what + "s:"
}

// wrongItem reports a problem with one item of a list of texts.
func (l *loader) wrongItem(at path, i int, message, hint string) {
	n := l.value(at)
	if n == nil || i >= len(n.items) {
		l.wrong(at, message, hint)
		return
	}
	if item := n.items[i]; !strings.Contains(item.text, "${") {
		message += ", got " + quote(item.text)
	}
	l.problem(n.items[i].origin, at, message, hint)
}
