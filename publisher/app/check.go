package app

import (
	"fmt"

	"crieur/publisher/config"
	"crieur/publisher/social"
)

// A CheckReport says what a correct configuration comes to.
type CheckReport struct {
	Config      string   `json:"config"`
	Mode        string   `json:"mode"`
	Newsletters int      `json:"newsletters"`
	Channels    int      `json:"channels"`
	Lists       int      `json:"lists"`
	Templates   int      `json:"templates"`
	Own         int      `json:"own_templates"`
	Warnings    []string `json:"warnings"`
}

// Summary gives the report in one line.
func (r CheckReport) Summary() string {
	s := fmt.Sprintf("in order; mode %s, %s, %s, %s, %d templates", r.Mode, several(r.Newsletters, "newsletter"),
		several(r.Channels, "channel"), several(r.Lists, "list"), r.Templates)
	if r.Own > 0 {
		s += fmt.Sprintf(" (%d your own)", r.Own)
	}
	return s
}

func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Mode gives sandbox or live.
func (a *App) Mode() string { return a.conf.Mode }

// Check reports on a configuration that Open found in order, and warns of what
// would stop a newsletter in mode live.
func (a *App) Check() CheckReport {
	r := CheckReport{Config: a.conf.File, Mode: a.conf.Mode, Newsletters: len(a.conf.Newsletters), Channels: len(a.conf.Channels), Lists: len(a.conf.Lists), Warnings: []string{}}
	for _, t := range a.Templates() {
		r.Templates++
		if t.Own {
			r.Own++
		}
	}
	if a.Live() {
		for _, n := range a.conf.Newsletters {
			for _, why := range a.liveReasons(n) {
				r.Warnings = append(r.Warnings, "newsletter "+n.Name+" will not go out: "+why)
			}
		}
	}
	return r
}

// Schema gives the JSON schema of config.yaml, with every network's own keys.
func Schema() ([]byte, error) {
	kinds := map[string]any{}
	for _, k := range social.Kinds() {
		kinds[k.Name] = k.Config()
	}
	return config.Schema(kinds)
}
