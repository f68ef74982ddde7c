package config

import "crieur/publisher"

// Warmup is how a new sender is made known to mailbox providers, by its domain.
type Warmup struct {
	Name  string  `mapstructure:"-"`
	First int     `mapstructure:"first" default:"200" min:"1" max:"1000000" desc:"Mails on the first day."`
	Grow  float64 `mapstructure:"grow" default:"1.5" desc:"So many times as many as on the best day before may go out on the next one."`
	Until int     `mapstructure:"until" default:"100000" min:"1" desc:"Once a day may have more than this, there is no limit any more."`
}

func (l *loader) checkWarmup(c *Config) {
	for _, w := range c.Warmup {
		at := path("warmup").key(w.Name)
		if _, _, err := publisher.SplitEmail("x@" + w.Name); err != nil {
			l.wrong(at, "is no domain", "name the domain after the @ of the sender, such as gazette.example")
		}
		if w.Grow <= 1 || w.Grow > 10 {
			l.wrong(at.key("grow"), "want a number above 1 and up to 10, such as 1.5", "")
		}
		if w.Until < w.First {
			l.wrong(at.key("until"), "is less than first", "it is the number of mails a day at which the warm-up ends")
		}
	}
}
