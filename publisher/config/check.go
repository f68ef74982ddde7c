package config

import (
	"slices"
	"strconv"
	"strings"

	"crieur/publisher"
)

// check looks at what no key can tell by itself: names that refer to others, and
// keys that go together.
func (l *loader) check(c *Config) {
	l.checkPace(c)
	l.checkWarmup(c)
	l.checkNewsletters(c)
	l.checkChannels(c)
	l.checkReturns(c)
	for _, s := range c.SMTP {
		at := path("smtp").key(s.Name)
		switch {
		case s.User == "" && s.Auth != "auto" && s.Auth != "none" && s.Auth != "":
			l.wrong(at.key("auth"), "wants a login, and there is no user", "add user: and password:, or take auth: auto")
		case l.live && s.User != "" && s.Password == "" && s.Auth != "none" && l.value(at.key("password")) == nil:
			l.wrong(at.key("user"), "has no password", "add password: ${env:NAME} beside it")
		}
	}
	l.checkDKIM(c)
	l.checkWhen(c)
	l.checkBudgets(c)
	l.checkAPI(c)
	l.checkSources(c)
	if c.Preflight.SizeWarn > c.Preflight.SizeFail {
		l.wrong("preflight\x00size_warn", "is larger than preflight.size_fail", "a warning comes before the failure")
	}
	if c.Blocks.Donate.Text != "" && c.Blocks.Donate.URL == "" {
		l.wrong("blocks\x00donate", "has no url", "add url: with the donation page")
	}
	if c.Blocks.Subscribe.Text != "" && c.Blocks.Subscribe.URL == "" {
		l.wrong("blocks\x00subscribe", "has no url", "add url: with the sign-up page")
	}
}

func (l *loader) checkNewsletters(c *Config) {
	var lists []string
	for _, one := range c.Lists {
		lists = append(lists, one.Name)
	}
	for _, n := range c.Newsletters {
		at := path("newsletters").key(n.Name)
		if n.List != "" && !slices.Contains(lists, n.List) {
			hint := unless(n.List, lists)
			if hint == "" {
				hint = "add it under lists:"
			}
			l.wrong(at.key("list"), "unknown list"+l.repeated(at.key("list")), hint)
		}
		for _, b := range n.Blocks {
			if key := unset(b, c.Blocks); key != "" {
				l.wrong(at.key("blocks"), "asks for the block "+string(b)+", and "+key+" is not set", "set it, or leave the block out")
			}
		}
	}
	if l.live && len(c.Newsletters) > 0 && len(c.SMTP) == 0 {
		l.wrong("newsletters", "cannot be sent: there is no server", "add one under smtp:")
	}
}

// unset gives the key without which a block that a newsletter asks for is empty.
func unset(b publisher.Block, c Blocks) string {
	switch {
	case b == publisher.BlockDonate && c.Donate.URL == "":
		return "blocks.donate.url"
	case b == publisher.BlockSubscribe && c.Subscribe.URL == "":
		return "blocks.subscribe.url"
	case b == publisher.BlockSponsors && len(c.Sponsors.Items) == 0:
		return "blocks.sponsors.items"
	case b == publisher.BlockShare && len(c.Share.Networks) == 0:
		return "blocks.share.networks"
	case b == publisher.BlockForward && !c.Forward.Enabled:
		return "blocks.forward.enabled"
	}
	return ""
}

func (l *loader) checkChannels(c *Config) {
	var newsletters []string
	for _, n := range c.Newsletters {
		newsletters = append(newsletters, n.Name)
	}
	for _, ch := range c.Channels {
		// Receipts and --only know both by name alone.
		if slices.Contains(newsletters, ch.Name) {
			l.wrong(ch.at, "has the name of a newsletter", "give one of them another name")
		}
		if ch.Kind == "" || l.options.Channel == nil {
			continue
		}
		if _, ok := l.target(ch.Kind); !ok {
			l.wrong(ch.at.key("kind"), "unknown network"+l.repeated(ch.at.key("kind")), unless(ch.Kind, l.options.Kinds))
		}
	}
}

// repeated gives the value of a key in quotes after a blank, or nothing where it is
// not the file's own to show.
func (l *loader) repeated(at path) string {
	n := l.value(at)
	if n == nil || n.layer == fromEnvironment || strings.Contains(n.text, "${") {
		return ""
	}
	return " " + quote(n.text)
}

func quote(s string) string { return strconv.Quote(shortened(s)) }
