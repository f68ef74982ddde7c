package source

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// readMarkdown takes CommonMark with GitHub's tables, strikethrough, task lists
// and bare links, footnotes, and HTML, which is sanitised like everything else.
func (d *draft) readMarkdown(c Config) error {
	lang := first(languageTag(c.DeclaredLanguage), d.meta.language)
	if lang == "" {
		lang, _ = detect(d.text)
	}
	d.meta.title, d.meta.lead = typeset(lang, d.meta.title), typeset(lang, d.meta.lead)
	if p := d.meta.image; p != nil {
		p.alt, p.caption = typeset(lang, p.alt), typeset(lang, p.caption)
	}
	md := goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough, extension.TaskList, extension.NewFootnote(),
			// Styles do not come through; the attribute does.
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			extension.NewCJK(extension.WithEastAsianLineBreaks()), typographer(lang, d.text)),
		goldmark.WithRendererOptions(html.WithUnsafe()),
	)
	text := withoutControls(d.text)
	if n := tangle(text); n > 0 {
		return invalid(line(d.in.where, n), "take out the repeated brackets, quote marks or list marks", "the Markdown is too tangled to be read")
	}
	var out bytes.Buffer
	if err := md.Convert([]byte(text), &out); err != nil {
		return invalid(d.in.where, "check the file, or give it as HTML", "the Markdown cannot be read: %w", err)
	}
	body, err := parseFragment(out.String())
	if err != nil {
		return invalid(d.in.where, "take out some of the nested lists, quotes or boxes", "the Markdown cannot be read: %w", err)
	}
	d.blocks = flatten(body)
	return nil
}

// typographer sets apostrophes, dashes and ellipses, and straight double quotes as
// the language has them. Quotes stay as typed where their number is odd, or where
// the language's own are not known: a wrong quote is worse than a plain one.
func typographer(lang, text string) goldmark.Extender {
	sub := extension.TypographicSubstitutions{
		extension.LeftSingleQuote: nil, extension.RightSingleQuote: nil,
		extension.LeftDoubleQuote: nil, extension.RightDoubleQuote: nil,
		extension.LeftAngleQuote: nil, extension.RightAngleQuote: nil,
		extension.Apostrophe: []byte("’"), extension.EnDash: []byte("–"), extension.EmDash: []byte("—"), extension.Ellipsis: []byte("…"),
	}
	if q, ok := quotes(lang); ok && strings.Count(text, `"`)%2 == 0 {
		sub[extension.LeftDoubleQuote], sub[extension.RightDoubleQuote] = []byte(q[0]), []byte(q[1])
	}
	if lang == "fr" && strings.Count(text, "<<") == strings.Count(text, ">>") {
		sub[extension.LeftAngleQuote], sub[extension.RightAngleQuote] = []byte("«"), []byte("»")
	}
	return extension.NewTypographer(extension.WithTypographicSubstitutions(sub))
}

// typeset does to a line of front matter what the typographer does to the text, so
// that a title has the apostrophes of its article.
func typeset(lang, s string) string {
	if !strings.ContainsAny(s, `'"-.<`) {
		return s
	}
	paragraphs := parser.NewParser(parser.WithBlockParsers(util.Prioritized(parser.NewParagraphParser(), 1)))
	md := goldmark.New(goldmark.WithParser(paragraphs), goldmark.WithExtensions(typographer(lang, s)))
	var out bytes.Buffer
	if err := md.Convert([]byte(strings.ReplaceAll(oneLine(s), `\`, `\\`)), &out); err != nil {
		return s
	}
	body, err := parseFragment(out.String())
	if err != nil {
		return s
	}
	return oneLine(textOf(body))
}

// quotes gives a language's opening and closing quote, with the space that belongs
// to it.
func quotes(lang string) ([2]string, bool) {
	switch lang {
	case "fr":
		return [2]string{"«\u00A0", "\u00A0»"}, true
	case "en", "pt", "tr", "ko", "vi", "id":
		return [2]string{"“", "”"}, true
	case "de", "cs", "sk", "sl", "bg", "et", "lt", "is":
		return [2]string{"„", "“"}, true
	case "es", "it", "ca", "gl", "el", "ru", "uk", "be", "nb", "nn", "no":
		return [2]string{"«", "»"}, true
	case "nl", "ro", "pl", "hu", "hr":
		return [2]string{"„", "”"}, true
	case "sv", "fi":
		return [2]string{"”", "”"}, true
	}
	return [2]string{}, false
}
