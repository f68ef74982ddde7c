package config

import (
	"cmp"
	"time"

	"crieur/publisher/queue/calendar"
)

// Late is what becomes of what is late.
type Late struct {
	After time.Duration `mapstructure:"after" default:"2h" desc:"How much later than its moment it may still go out by itself."`
	Then  string        `mapstructure:"then" default:"hold" enum:"hold,send,skip" desc:"What becomes of what is later. hold: it waits for your word (crieur resume). send: it goes out all the same. skip: it is called off."`
}

// OwnLate is Late for one newsletter.
type OwnLate struct {
	After time.Duration `mapstructure:"after" desc:"How much later than its moment it may still go out by itself."`
	Then  string        `mapstructure:"then" enum:"hold,send,skip" desc:"What becomes of what is later."`
}

// LateOf gives the policy for what a newsletter or channel sends.
func (c *Config) LateOf(name string) calendar.Late {
	late := calendar.Late{After: c.Late.After, Then: calendar.Verdict(c.Late.Then)}
	for _, n := range c.Newsletters {
		if n.Name == name {
			late.After = cmp.Or(n.Late.After, late.After)
			late.Then = cmp.Or(calendar.Verdict(n.Late.Then), late.Then)
		}
	}
	return late
}
