// Package route decides where an article goes: which newsletters and channels its
// source, tags, language and author send it to. It is a pure function of the rules;
// when something goes out is package calendar's.
//
// All rules that match add up, and each newsletter and channel is reached once: the
// first rule that names it gives its slot, its delay and its warning. So a broad rule
// can stand at the end and a special one before it, and a second rule never takes
// away what a first one gave.
package route

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"crieur/publisher"
)

// A Rule says where articles of one sort go. Each list of patterns is about one
// property of the article, and all of them must match; an empty list does. A pattern
// is a word that the property must be, or with a ! before it, must not be; * is any.
// Of the words one must match, and none of those with a !. Words are compared without
// regard to case and to how letters are composed. A language matches its regional
// kinds as well: fr matches fr-CA.
type Rule struct {
	Name      string
	Sources   []string
	Tags      []string
	Languages []string
	Authors   []string

	Newsletters []string
	Channels    []string
	Slot        string        // name of the slot; "" for the channel's own, or none
	Delay       time.Duration // after publication; 0: the channel's own, or none
	Warning     string        // content warning; "" for the article's own
}

// A Target is a newsletter or channel that an article goes to.
type Target struct {
	Name       string
	Newsletter bool
	Rule       string // the first one that named it
	Slot       string
	Delay      time.Duration
	Warning    string
}

// Match gives the targets of an article that came from a source, in the order in which
// the rules name them: none where no rule matches.
func Match(rules []Rule, a publisher.Article, source string) []Target {
	var targets []Target
	for _, r := range rules {
		if !r.matches(a, source) {
			continue
		}
		for i, names := range [][]string{r.Newsletters, r.Channels} {
			for _, name := range names {
				if !slices.ContainsFunc(targets, func(t Target) bool { return t.Name == name }) {
					targets = append(targets, Target{Name: name, Newsletter: i == 0, Rule: r.Name, Slot: r.Slot, Delay: r.Delay, Warning: r.Warning})
				}
			}
		}
	}
	return targets
}

func (r Rule) matches(a publisher.Article, source string) bool {
	return allows(r.Sources, same, source) && allows(r.Tags, same, a.Tags...) &&
		allows(r.Languages, sameLanguage, a.Language) && allows(r.Authors, same, a.Author)
}

// allows reports whether what a property has agrees with the patterns.
func allows(patterns []string, is func(pattern, has string) bool, has ...string) bool {
	wanted, found := false, false
	for _, p := range patterns {
		word, not := strings.CutPrefix(strings.TrimSpace(p), "!")
		hit := word == "*" || slices.ContainsFunc(has, func(h string) bool { return is(word, h) })
		if not && hit {
			return false
		}
		wanted, found = wanted || !not, found || !not && hit
	}
	return found || !wanted
}

func same(pattern, has string) bool {
	return strings.EqualFold(norm.NFC.String(strings.TrimSpace(pattern)), norm.NFC.String(strings.TrimSpace(has)))
}

func sameLanguage(pattern, has string) bool {
	if len(has) > len(pattern) && has[len(pattern)] == '-' {
		has = has[:len(pattern)]
	}
	return same(pattern, has)
}
