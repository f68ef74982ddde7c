package config

import (
	"slices"
	"strings"
)

// Pace is how fast mail goes to a group of recipient domains.
type Pace struct {
	Name       string   `mapstructure:"-"`
	Domains    []string `mapstructure:"domains" format:"domain" desc:"Domains that belong to the group, beside those that crieur knows, such as example.org, or example.* for all that begin so."`
	Rate       Rate     `mapstructure:"rate" desc:"Most mails in a time, such as 20/s, 600/h or 5000/d. Left out: no limit, until the provider asks for less."`
	Concurrent int      `mapstructure:"concurrent" default:"0" min:"0" max:"100" desc:"Most mails on their way to it at the same time. 0: no limit."`
}

// checkPace looks for groups that no address can belong to, and for domains of two.
func (l *loader) checkPace(c *Config) {
	owner := map[string]string{}
	for _, p := range c.Pace {
		at := path("pace").key(p.Name)
		if len(p.Domains) == 0 && !slices.Contains(l.options.Groups, p.Name) {
			l.wrong(at, "is no provider that crieur knows, and has no domains", "add domains: [example.org], or take one of "+strings.Join(l.options.Groups, ", "))
		}
		for _, d := range p.Domains {
			if other := owner[strings.ToLower(d)]; other != "" {
				l.wrong(at.key("domains"), "names "+d+", and so does pace."+other, "leave it in one of them")
			}
			owner[strings.ToLower(d)] = p.Name
		}
	}
}
