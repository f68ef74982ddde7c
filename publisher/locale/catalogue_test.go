package locale_test

import (
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"crieur/publisher"
	"crieur/publisher/locale"
	"crieur/templates"
)

func builtIn(t *testing.T) fs.FS {
	t.Helper()
	f, err := fs.Sub(templates.FS, "locale")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func catalogue(t *testing.T) *locale.Catalogue {
	t.Helper()
	c, err := locale.New(builtIn(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryLanguageHasEveryKey(t *testing.T) {
	c := catalogue(t)
	if diff := cmp.Diff([]string{"en", "fr"}, c.Languages()); diff != "" {
		t.Error(diff)
	}
	want := c.Keys("en")
	if len(want) < 50 {
		t.Fatalf("only %d messages in English", len(want))
	}
	for _, lang := range c.Languages() {
		if diff := cmp.Diff(want, c.Keys(lang)); diff != "" {
			t.Errorf("keys of %s differ from English (-en +%s):\n%s", lang, lang, diff)
		}
	}
}

var placeholder = regexp.MustCompile(`{{\s*\.(\w+)\s*}}`)

func placeholders(s string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// messages reads a language's file as tables, so that a test sees the texts
// themselves: id → form → text, form "" where a message is a plain string.
func messages(t *testing.T, lang string) map[string]map[string]string {
	t.Helper()
	data, err := fs.ReadFile(builtIn(t), lang+".toml")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	var walk func(id string, node map[string]any)
	walk = func(id string, node map[string]any) {
		for key, value := range node {
			full := strings.TrimPrefix(id+"."+key, ".")
			switch v := value.(type) {
			case map[string]any:
				walk(full, v)
			case string:
				form := ""
				if _, plural := node["other"].(string); plural {
					full, form = id, key
				}
				if all[full] == nil {
					all[full] = map[string]string{}
				}
				all[full][form] = v
			}
		}
	}
	walk("", tree)
	return all
}

func TestEveryMessageHasEveryFormAndPlaceholder(t *testing.T) {
	c := catalogue(t)
	english := messages(t, "en")
	for _, lang := range c.Languages() {
		for id, forms := range messages(t, lang) {
			if _, plain := forms[""]; plain {
				if diff := cmp.Diff(placeholders(english[id][""]), placeholders(forms[""])); diff != "" {
					t.Errorf("%s: %s: placeholders differ from English:\n%s", lang, id, diff)
				}
				continue
			}
			for _, n := range []int{0, 1, 2, 3, 5, 11, 21, 100, 1_000_000, 2_000_000} {
				if got := c.For(lang).T(id, "Count", n); got == id {
					t.Errorf("%s: %s has no form for %d", lang, id, n)
				}
			}
			if diff := cmp.Diff(placeholders(english[id]["other"]), placeholders(forms["other"])); diff != "" {
				t.Errorf("%s: %s: placeholders differ from English:\n%s", lang, id, diff)
			}
		}
	}
}

func TestFrenchMessagesAreSetInFrench(t *testing.T) {
	for id, forms := range messages(t, "fr") {
		for _, text := range forms {
			// An action is no text: "{{.Host}} :" must not end the word it follows.
			text = placeholder.ReplaceAllString(text, "x")
			if got := locale.French(text); got != text {
				t.Errorf("%s: %q wants to be %q", id, text, got)
			}
			if strings.Contains(text, "'") {
				t.Errorf("%s: %q has a typewriter apostrophe", id, text)
			}
		}
	}
}

func TestFor(t *testing.T) {
	c := catalogue(t)
	for lang, want := range map[string]string{
		"fr": "fr", "fr-CH": "fr", "FR": "fr", "en-GB": "en", "de": "en", "br": "en", "": "en", "../../etc": "en",
	} {
		if got := c.For(lang).Lang(); got != want {
			t.Errorf("For(%q) speaks %q, want %q", lang, got, want)
		}
	}
}

func TestT(t *testing.T) {
	over := fstest.MapFS{
		"fr.toml": {Data: []byte("[mail]\nview = \"Voir\"\n")},
		"de.toml": {Data: []byte("[mail]\nview = \"Online lesen\"\n[count]\none = \"{{.Count}} Leser\"\nother = \"{{.Count}} Leser\"")},
		"en.toml": {Data: []byte("[count]\none = \"{{.Count}} reader\"\nother = \"{{.Count}} readers\"")},
	}
	c, err := locale.New(builtIn(t), over)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		lang, id string
		args     []any
		want     string
	}{
		"an owner's wording":        {"fr", "mail.view", nil, "Voir"},
		"the others stay":           {"fr", "mail.leave", nil, "Se désinscrire"},
		"an owner's language":       {"de-AT", "mail.view", nil, "Online lesen"},
		"in English where missing":  {"de", "mail.leave", nil, "Unsubscribe"},
		"pairs":                     {"en", "mail.by", []any{"Author", "Ada"}, "By Ada"},
		"a map":                     {"en", "mail.by", []any{map[string]any{"Author": "Ada"}}, "By Ada"},
		"singular":                  {"en", "count", []any{"Count", 1}, "1 reader"},
		"plural":                    {"en", "count", []any{"Count", 12000}, "12,000 readers"},
		"values are not templates":  {"en", "mail.by", []any{"Author", "{{.Count}} <b>"}, "By {{.Count}} <b>"},
		"no such message":           {"en", "no.such", nil, "no.such"},
		"a value without a partner": {"en", "mail.view", []any{"Author"}, "Read online"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := c.For(tt.lang).T(tt.id, tt.args...); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBadFiles(t *testing.T) {
	tests := map[string]struct {
		name, data, where string
	}{
		"broken TOML":   {"fr.toml", "[mail]\nview = \"a\nb\"", "templates/locale/fr.toml:2"},
		"name":          {"french language.toml", "", "templates/locale/french language.toml"},
		"not a string":  {"fr.toml", "[mail]\nview = 3", "templates/locale/fr.toml"},
		"no such form":  {"fr.toml", "[count]\nother = \"a\"\nlots = \"b\"", "templates/locale/fr.toml"},
		"broken action": {"fr.toml", "[mail]\nby = \"Par {{.Author\"", "templates/locale/fr.toml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := locale.New(builtIn(t), fstest.MapFS{tt.name: {Data: []byte(tt.data)}})
			var e *publisher.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *publisher.Error", err)
			}
			if e.Kind != publisher.Invalid || e.Where != tt.where || e.Hint == "" {
				t.Errorf("kind %v, where %q, hint %q; want invalid at %q with a hint", e.Kind, e.Where, e.Hint, tt.where)
			}
		})
	}
}

func TestDates(t *testing.T) {
	c := catalogue(t)
	first := time.Date(2027, 2, 1, 18, 5, 0, 0, time.UTC)
	later := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct{ got, want string }{
		"fr, first":   {c.For("fr").Date(first), "lundi 1er février 2027"},
		"fr":          {c.For("fr").Date(later), "lundi 23 novembre 2026"},
		"fr, short":   {c.For("fr").ShortDate(first), "1er février 2027"},
		"fr, time":    {c.For("fr").Time(first), "18" + nb + "h" + nb + "05"},
		"en, first":   {c.For("en").Date(first), "Monday 1 February 2027"},
		"en, short":   {c.For("en").ShortDate(later), "23 November 2026"},
		"en, time":    {c.For("en").Time(later), "0:00"},
		"fr, number":  {c.For("fr").Number(1234567), "1" + nn + "234" + nn + "567"},
		"en, number":  {c.For("en").Number(1234567), "1,234,567"},
		"fr, small":   {c.For("fr").Number(-7), "-7"},
		"direction":   {locale.Direction("ar"), "rtl"},
		"dir, Persia": {locale.Direction("fa-IR"), "rtl"},
		"dir, Latin":  {locale.Direction("ku-Latn"), "ltr"},
		"dir, junk":   {locale.Direction("\n"), "ltr"},
	}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", name, tt.got, tt.want)
		}
	}
}
