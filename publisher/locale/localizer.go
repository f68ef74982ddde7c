package locale

import (
	"fmt"
	"maps"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// A Localizer speaks one language. Safe for concurrent use.
type Localizer struct {
	lang     string
	dir      string
	messages *i18n.Localizer
	numbers  *message.Printer
	weekdays [7]string
	months   [12]string
}

func newLocalizer(b *i18n.Bundle, lang string) *Localizer {
	l := &Localizer{
		lang:     lang,
		dir:      Direction(lang),
		messages: i18n.NewLocalizer(b, lang),
		numbers:  message.NewPrinter(language.Make(lang)),
	}
	for i, id := range weekdayIDs {
		l.weekdays[i] = l.T("date.weekday." + id)
	}
	for i, id := range monthIDs {
		l.months[i] = l.T("date.month." + id)
	}
	return l
}

// Lang gives the BCP 47 tag of the messages: "fr".
func (l *Localizer) Lang() string { return l.lang }

// Dir gives "ltr" or "rtl".
func (l *Localizer) Dir() string { return l.dir }

// T gives the message id, filled in with args: names and values by turns, or one
// map[string]any. An int named Count chooses the plural form and is written as
// Number writes it. A message that the language lacks is given in English; one that
// English lacks too, as its id.
func (l *Localizer) T(id string, args ...any) string {
	data := arguments(args)
	config := i18n.LocalizeConfig{MessageID: id, TemplateData: data}
	if n, ok := data["Count"].(int); ok {
		config.PluralCount = n
		data["Count"] = l.Number(n)
	}
	// The error only tells that the fallback language was used or that there is no
	// such message, which the empty text tells as well.
	text, _, _ := l.messages.LocalizeWithTag(&config)
	if text == "" {
		return id
	}
	return text
}

func arguments(args []any) map[string]any {
	if len(args) == 1 {
		if m, ok := args[0].(map[string]any); ok {
			return maps.Clone(m)
		}
	}
	data := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		data[fmt.Sprint(args[i])] = args[i+1]
	}
	return data
}

// Number writes n with the language's separators of thousands; the French one is
// a narrow no-break space.
func (l *Localizer) Number(n int) string {
	s := l.numbers.Sprintf("%d", n)
	if l.lang == "fr" || strings.HasPrefix(l.lang, "fr-") {
		s = strings.ReplaceAll(s, nbsp, narrow)
	}
	return s
}

// Direction gives the direction in which a language, by its BCP 47 tag, is
// written: "rtl" or "ltr".
func Direction(lang string) string {
	tag, err := language.Parse(lang)
	if err != nil {
		return "ltr"
	}
	switch script, _ := tag.Script(); script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm":
		return "rtl"
	}
	return "ltr"
}
