package config

import (
	"slices"

	"crieur/publisher/queue/budget"
)

// A Budget is what a channel may cost.
type Budget struct {
	Name        string       `mapstructure:"-"`
	Monthly     budget.Money `mapstructure:"monthly" required:"true" desc:"Most that its posts may cost in a calendar month, as 20 USD."`
	WhenReached string       `mapstructure:"when_reached" default:"hold" enum:"hold,skip" desc:"What becomes of a post that would cost more. hold: it waits for your word (crieur resume). skip: it is called off."`
	Warn        float64      `mapstructure:"warn" default:"0.8" desc:"Share of the budget from which on there is a warning, such as 0.8; 0: none."`
}

// BudgetOf gives a channel's budget; the zero Budget where it has none.
func (c *Config) BudgetOf(channel string) budget.Budget {
	for _, b := range c.Budgets {
		if b.Name == channel {
			return budget.Budget{Monthly: b.Monthly, WhenReached: budget.Verdict(b.WhenReached), Warn: b.Warn}
		}
	}
	return budget.Budget{}
}

func (l *loader) checkBudgets(c *Config) {
	var channels []string
	for _, ch := range c.Channels {
		channels = append(channels, ch.Name)
	}
	for _, b := range c.Budgets {
		at := path("budgets").key(b.Name)
		if !slices.Contains(channels, b.Name) {
			l.wrong(at, "is no channel", unlessAdded(b.Name, "channel", channels))
		}
		if b.Warn < 0 || b.Warn > 1 {
			l.wrong(at.key("warn"), "want a share from 0 to 1, got"+l.repeated(at.key("warn")), "0.8 is four fifths")
		}
		var zero budget.Money
		if n := l.value(at.key("monthly")); b.Monthly == 0 && n != nil && n.text != "" && zero.UnmarshalText([]byte(n.text)) == nil {
			l.wrong(at.key("monthly"), "is nothing", "leave the channel out of what you publish to, or give it a budget")
		}
	}
}
