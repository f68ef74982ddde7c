package app

import (
	"fmt"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/publisher/config"
)

// A Kind of publishing: mail, posts, or both.
type Kind int

const (
	Both  Kind = iota // publish
	Mails             // send
	Posts             // post
)

// A Selection narrows what an article goes to; the zero value is everything.
type Selection struct {
	Kind        Kind
	Only, Skip  []string // names of newsletters and channels
	Newsletters []string
	Lists       []string // newsletters that go to one of these lists
}

// targets is what a Selection comes to, in the configuration's order.
type targets struct {
	newsletters []config.Newsletter
	channels    []config.Channel
	warnings    map[string]string // by channel: of articles that have no content warning of their own
}

func (a *App) targets(s Selection) (targets, error) {
	var known, lists, letters []string
	for _, n := range a.conf.Newsletters {
		known, letters = append(known, n.Name), append(letters, n.Name)
	}
	for _, c := range a.conf.Channels {
		known = append(known, c.Name)
	}
	for _, l := range a.conf.Lists {
		lists = append(lists, l.Name)
	}
	for flag, c := range map[string]struct{ given, known []string }{
		"--only": {s.Only, known}, "--skip": {s.Skip, known}, "--newsletter": {s.Newsletters, letters}, "--list": {s.Lists, lists},
	} {
		for _, name := range c.given {
			if !slices.Contains(c.known, name) {
				return targets{}, &publisher.Error{Kind: publisher.Invalid, Op: "choose channels", Where: flag,
					Err: fmt.Errorf("no %q in the configuration", name), Hint: "there are: " + strings.Join(c.known, ", ")}
			}
		}
	}
	wanted := func(name string) bool {
		return (len(s.Only) == 0 || slices.Contains(s.Only, name)) && !slices.Contains(s.Skip, name)
	}
	var t targets
	if s.Kind != Posts {
		for _, n := range a.conf.Newsletters {
			if wanted(n.Name) && (len(s.Newsletters) == 0 || slices.Contains(s.Newsletters, n.Name)) &&
				(len(s.Lists) == 0 || slices.Contains(s.Lists, n.List)) {
				t.newsletters = append(t.newsletters, n)
			}
		}
	}
	if s.Kind != Mails && len(s.Newsletters) == 0 && len(s.Lists) == 0 {
		for _, c := range a.conf.Channels {
			if wanted(c.Name) {
				t.channels = append(t.channels, c)
			}
		}
	}
	if len(known) == 0 {
		return targets{}, &publisher.Error{Kind: publisher.Invalid, Op: "choose channels", Where: a.conf.File, Err: fmt.Errorf("it has no newsletter and no channel"),
			Hint: "add one below newsletters: or channels:"}
	}
	if len(t.newsletters)+len(t.channels) == 0 {
		return targets{}, &publisher.Error{Kind: publisher.Invalid, Op: "choose channels", Err: fmt.Errorf("nothing is left to send to"),
			Hint: "the configuration has: " + strings.Join(known, ", ")}
	}
	return t, nil
}
