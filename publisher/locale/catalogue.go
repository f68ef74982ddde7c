// Package locale holds the words that crieur itself says in letters and on pages,
// in every language it speaks: messages with their plurals, dates, numbers, and
// French typographic spaces. A language is one file, <tag>.toml; an owner's file of
// the same name changes messages one by one, and a file of a new name adds a
// language. It translates no article.
package locale

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	"crieur/publisher"
)

// fallback is the language in which every message exists.
const fallback = "en"

// A Catalogue holds all messages of all languages. It does not change after New;
// safe for concurrent use.
type Catalogue struct {
	bundle     *i18n.Bundle
	keys       map[string]map[string]bool
	localizers map[string]*Localizer
}

// New reads every <tag>.toml at the root of fsys, then those of overrides over them;
// overrides may be nil. Errors are of kind Invalid and say in which file and line.
func New(fsys, overrides fs.FS) (*Catalogue, error) {
	c := &Catalogue{
		bundle:     i18n.NewBundle(language.MustParse(fallback)),
		keys:       map[string]map[string]bool{},
		localizers: map[string]*Localizer{},
	}
	for _, f := range []fs.FS{fsys, overrides} {
		if f == nil {
			continue
		}
		if err := c.load(f); err != nil {
			return nil, err
		}
	}
	if len(c.keys[fallback]) == 0 {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read messages", Where: "templates/locale",
			Err: fmt.Errorf("no %s.toml", fallback)}
	}
	for lang := range c.keys {
		c.localizers[lang] = newLocalizer(c.bundle, lang)
	}
	return c, nil
}

func (c *Catalogue) load(fsys fs.FS) error {
	names, err := fs.Glob(fsys, "*.toml")
	if err != nil {
		return &publisher.Error{Op: "read messages", Err: err}
	}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return invalid(name, 0, err)
		}
		tag, err := language.Parse(strings.TrimSuffix(name, path.Ext(name)))
		if err != nil {
			return invalid(name, 0, errors.New("the file's name is no language tag"))
		}
		var tree map[string]any
		if err := toml.Unmarshal(data, &tree); err != nil {
			line := 0
			if at, ok := errors.AsType[*toml.DecodeError](err); ok {
				line, _ = at.Position()
			}
			return invalid(name, line, err)
		}
		if err := c.add(tag, "", tree); err != nil {
			return invalid(name, 0, err)
		}
	}
	return nil
}

// add takes up the messages of one table: a string is a message, a table with a
// string called "other" the plural forms of one, and any other table a group.
func (c *Catalogue) add(tag language.Tag, group string, table map[string]any) error {
	for key, value := range table {
		id := key
		if group != "" {
			id = group + "." + key
		}
		m := &i18n.Message{ID: id}
		switch v := value.(type) {
		case string:
			m.Other = v
		case map[string]any:
			if _, plural := v["other"].(string); !plural {
				if err := c.add(tag, id, v); err != nil {
					return err
				}
				continue
			}
			if err := forms(m, v); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is neither text nor a table", id)
		}
		// i18n parses a message when it is first used, which may be in the middle of a
		// letter.
		for _, form := range []string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other} {
			if !strings.Contains(form, "{{") {
				continue
			}
			if _, err := template.New(id).Parse(form); err != nil {
				return err
			}
		}
		if err := c.bundle.AddMessages(tag, m); err != nil {
			return err
		}
		if c.keys[tag.String()] == nil {
			c.keys[tag.String()] = map[string]bool{}
		}
		c.keys[tag.String()][id] = true
	}
	return nil
}

// forms reads the plural forms of a message.
func forms(m *i18n.Message, table map[string]any) error {
	for form, value := range table {
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("%s.%s is no text", m.ID, form)
		}
		switch form {
		case "zero":
			m.Zero = text
		case "one":
			m.One = text
		case "two":
			m.Two = text
		case "few":
			m.Few = text
		case "many":
			m.Many = text
		case "other":
			m.Other = text
		default:
			return fmt.Errorf("%s has a plural form called %q: there are zero, one, two, few, many and other", m.ID, form)
		}
	}
	return nil
}

func invalid(name string, line int, err error) error {
	where := path.Join("templates/locale", name)
	if line > 0 {
		where = fmt.Sprintf("%s:%d", where, line)
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: "read messages", Where: where, Err: err,
		Hint: "a file of messages is named for its language, as fr.toml, and holds tables of strings"}
}

// For gives the messages of lang, a BCP 47 tag: those of the exact tag, else of its
// primary language, else English.
func (c *Catalogue) For(lang string) *Localizer {
	if l := c.localizers[lang]; l != nil {
		return l
	}
	if tag, err := language.Parse(lang); err == nil {
		base, _ := tag.Base()
		for _, t := range []string{tag.String(), base.String()} {
			if l := c.localizers[t]; l != nil {
				return l
			}
		}
	}
	return c.localizers[fallback]
}

// Languages lists the tags of all languages, sorted.
func (c *Catalogue) Languages() []string { return slices.Sorted(maps.Keys(c.keys)) }

// Keys lists the ids of the messages that lang itself has, sorted.
func (c *Catalogue) Keys(lang string) []string { return slices.Sorted(maps.Keys(c.keys[lang])) }
