package config

import (
	"fmt"
	"slices"
	"strings"

	"crieur/publisher"
)

// A Problem is one thing that is wrong with the configuration, where it stands
// and what to do about it. It holds no secret.
type Problem struct {
	File    string `json:"file"`           // as the user knows it: "config.yaml", ".env", "environment variable X", "command line"
	Line    int    `json:"line,omitempty"` // counted from 1; 0 where there is none
	Key     string `json:"key,omitempty"`  // "smtp.main.port"; "" where no key is concerned
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error gives "file:line: key: message", leaving out what is empty.
func (p Problem) Error() string {
	s := p.Message
	if p.Key != "" {
		s = p.Key + ": " + s
	}
	switch {
	case p.File != "" && p.Line > 0:
		s = fmt.Sprintf("%s:%d: %s", p.File, p.Line, s)
	case p.File != "":
		s = p.File + ": " + s
	}
	return s
}

// Problems is everything that is wrong with a configuration, in the order of its
// lines. Load and Decode return it inside a *publisher.Error of kind Invalid.
type Problems struct{ List []Problem }

var _ error = (*Problems)(nil)

// Error gives one line for each problem. Where there are several, each ends with
// its hint in brackets; a single one's hint is the surrounding error's.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = one.Error()
		if len(p.List) > 1 && one.Hint != "" {
			lines[i] += " (" + one.Hint + ")"
		}
	}
	return strings.Join(lines, "\n")
}

// failure wraps problems as an error; nil where there is none. Those of the file
// main come first, then by line.
func failure(list []Problem, main string) error {
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		if (a.File == main) != (b.File == main) {
			if a.File == main {
				return -1
			}
			return 1
		}
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	e := &publisher.Error{Kind: publisher.Invalid, Err: &Problems{List: list}}
	if len(list) == 1 {
		e.Hint = list[0].Hint
	}
	return e
}
