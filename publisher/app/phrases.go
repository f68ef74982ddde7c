package app

import (
	"strings"
	"sync"
	"time"

	"crieur/publisher/locale"
)

// phrases is what letters in one language say to each of their readers, worked out
// once: a message is a template, and to run it for each of many readers costs as much
// as to send them their mail. Safe for concurrent use.
type phrases struct {
	words         *locale.Localizer
	plain         string // to a reader without a name
	before, after string // a reader's name in the greeting
	whole         bool   // the greeting depends on the name in some other way
	days          sync.Map
}

func (a *App) phrases(language string) *phrases {
	if known, ok := a.said.Load(language); ok {
		return known.(*phrases)
	}
	p := &phrases{words: a.catalogue.For(language)}
	p.plain = p.words.T("mail.greeting.plain")
	// Two names that nobody has show where the name stands, and that nothing else hangs on it.
	const one, other = "\ue000", "\ue000\ue001"
	p.before, p.after, _ = strings.Cut(p.named(one), one)
	p.whole = p.before+other+p.after != p.named(other) || strings.Contains(p.before+p.after, one)
	known, _ := a.said.LoadOrStore(language, p)
	return known.(*phrases)
}

func (p *phrases) named(name string) string { return p.words.T("mail.greeting.named", "Name", name) }

func (p *phrases) greeting(name string) string {
	switch {
	case name == "":
		return p.plain
	case p.whole:
		return p.named(name)
	}
	return p.before + name + p.after
}

// day gives a date as ShortDate does. There are far fewer days than readers.
func (p *phrases) day(t time.Time) string {
	key := t.Year()*1000 + t.YearDay()
	if text, ok := p.days.Load(key); ok {
		return text.(string)
	}
	text := p.words.ShortDate(t)
	p.days.Store(key, text)
	return text
}
