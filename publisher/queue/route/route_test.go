package route_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/queue/route"
)

func TestPatterns(t *testing.T) {
	article := publisher.Article{Tags: []string{"Politique", "École", "La une"}, Language: "fr-CA", Author: "Inès Dubois"}
	for name, c := range map[string]struct {
		rule route.Rule
		want bool
	}{
		"no pattern":                    {route.Rule{}, true},
		"source":                        {route.Rule{Sources: []string{"site"}}, true},
		"another source":                {route.Rule{Sources: []string{"blog"}}, false},
		"one of two sources":            {route.Rule{Sources: []string{"blog", "site"}}, true},
		"tag, case":                     {route.Rule{Tags: []string{"POLITIQUE"}}, true},
		"tag, accents and case":         {route.Rule{Tags: []string{"école"}}, true},
		"tag, composed otherwise":       {route.Rule{Tags: []string{"e\u0301cole"}}, true},
		"tag, without its accent":       {route.Rule{Tags: []string{"ecole"}}, false},
		"no part of a tag":              {route.Rule{Tags: []string{"une"}}, false},
		"not a tag":                     {route.Rule{Tags: []string{"!sport"}}, true},
		"not a tag that it has":         {route.Rule{Tags: []string{"!politique"}}, false},
		"a tag, and not another":        {route.Rule{Tags: []string{"politique", "!sport"}}, true},
		"a tag, and not its other":      {route.Rule{Tags: []string{"politique", "!école"}}, false},
		"the order of both":             {route.Rule{Tags: []string{"!école", "politique"}}, false},
		"not two":                       {route.Rule{Tags: []string{"!sport", "!météo"}}, true},
		"not a tag, but another that …": {route.Rule{Tags: []string{"météo", "!sport"}}, false},
		"any tag":                       {route.Rule{Tags: []string{"*"}}, true},
		"any but":                       {route.Rule{Tags: []string{"*", "!politique"}}, false},
		"language":                      {route.Rule{Languages: []string{"fr"}}, true},
		"language, region":              {route.Rule{Languages: []string{"FR-ca"}}, true},
		"language, other region":        {route.Rule{Languages: []string{"fr-CH"}}, false},
		"language, no part of it":       {route.Rule{Languages: []string{"f"}}, false},
		"not a language":                {route.Rule{Languages: []string{"!fr"}}, false},
		"author":                        {route.Rule{Authors: []string{"inès dubois"}}, true},
		"not an author":                 {route.Rule{Authors: []string{"!Inès Dubois"}}, false},
		"all of them":                   {route.Rule{Sources: []string{"site"}, Tags: []string{"école"}, Languages: []string{"fr"}, Authors: []string{"*"}}, true},
		"all but one":                   {route.Rule{Sources: []string{"site"}, Tags: []string{"école"}, Languages: []string{"en"}}, false},
	} {
		c.rule.Channels = []string{"c"}
		if got := len(route.Match([]route.Rule{c.rule}, article, "site")) == 1; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// An article without tags, language and author has nothing that is refused, and
// nothing that is asked for.
func TestPatternsOnNothing(t *testing.T) {
	for name, c := range map[string]struct {
		rule route.Rule
		want bool
	}{
		"tag":   {route.Rule{Tags: []string{"politique"}}, false},
		"not":   {route.Rule{Tags: []string{"!politique"}, Authors: []string{"!x"}, Languages: []string{"!fr"}}, true},
		"any":   {route.Rule{Tags: []string{"*"}, Authors: []string{"*"}, Languages: []string{"*"}}, true},
		"empty": {route.Rule{Authors: []string{""}}, true},
	} {
		c.rule.Channels = []string{"c"}
		if got := len(route.Match([]route.Rule{c.rule}, publisher.Article{}, "-")) == 1; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRulesAddUp(t *testing.T) {
	rules := []route.Rule{
		{Name: "urgent", Tags: []string{"urgent"}, Newsletters: []string{"alertes"}, Channels: []string{"mastodon"}},
		{Name: "sport", Tags: []string{"sport"}, Channels: []string{"mastodon", "x"}, Slot: "soir", Warning: "Sport"},
		{Name: "all", Sources: []string{"*"}, Newsletters: []string{"quotidien"}, Channels: []string{"mastodon", "bluesky", "x"}, Slot: "journée", Delay: time.Hour},
	}
	for name, c := range map[string]struct {
		rules []route.Rule
		tags  []string
		want  []route.Target
	}{
		"the last alone": {rules, []string{"école"}, []route.Target{
			{Name: "quotidien", Newsletter: true, Rule: "all", Slot: "journée", Delay: time.Hour},
			{Name: "mastodon", Rule: "all", Slot: "journée", Delay: time.Hour},
			{Name: "bluesky", Rule: "all", Slot: "journée", Delay: time.Hour},
			{Name: "x", Rule: "all", Slot: "journée", Delay: time.Hour},
		}},
		"the first that names it gives its options": {rules, []string{"sport", "urgent"}, []route.Target{
			{Name: "alertes", Newsletter: true, Rule: "urgent"},
			{Name: "mastodon", Rule: "urgent"},
			{Name: "x", Rule: "sport", Slot: "soir", Warning: "Sport"},
			{Name: "quotidien", Newsletter: true, Rule: "all", Slot: "journée", Delay: time.Hour},
			{Name: "bluesky", Rule: "all", Slot: "journée", Delay: time.Hour},
		}},
		"none":     {rules[:2], []string{"école"}, nil},
		"no rules": {nil, []string{"école"}, nil},
	} {
		got := route.Match(c.rules, publisher.Article{Tags: c.tags}, "site")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
