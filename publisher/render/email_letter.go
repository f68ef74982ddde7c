package render

import (
	htmltemplate "html/template"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"crieur/publisher"
	"crieur/publisher/locale"
)

// A letter is what the templates of letters and pages see. All texts are final: set
// in their language's typography, on one line each, links absolute.
type letter struct {
	Article    article   // of a digest: what stands for all of it, its Title being that of the first and how many more
	Articles   []article // all, in order; a letter with one article has that one
	Count      int       // of Articles
	Sections   []section // digests only: the same articles, as they stand below each other
	Site       site
	Newsletter Newsletter
	Lang       string // BCP 47, of the letter; its article may have another
	Subject    string // letters only
	Preheader  string // the article's beginning
	Date       string // "lundi 1er mars 2027"; "" where there is none
	DateLine   string // the same as a line of its own: "Lundi 1er mars 2027"
	Accent     string // CSS colour, readable on paper
	AccentDark string // the same in the dark scheme
	ViewURL    string
	Blocks     []block
	Merge      merge // letters only: markers

	words *locale.Localizer
	nonce string
}

// T gives one of crieur's own messages: see locale.Localizer.T.
func (l *letter) T(id string, args ...any) string { return l.words.T(id, args...) }

// WordsLang and WordsDir are those of crieur's own words: English where the
// letter's language has no catalogue.
func (l *letter) WordsLang() string { return l.words.Lang() }
func (l *letter) WordsDir() string  { return l.words.Dir() }

// Wrap breaks a paragraph of plain text into lines of 72 columns.
func (l *letter) Wrap(s string) string { return wrapText(s, textColumns, "", "") }

// Heading gives a paragraph of plain text underlined.
func (l *letter) Heading(s string) string { return underline(l.Wrap(s), "=") }

// Rule draws a line of c across plain text.
func (l *letter) Rule(c string) string { return strings.Repeat(c, textColumns) }

// Pair writes a label and, on the same line, what it stands for: never broken.
func (l *letter) Pair(label, value string) string {
	return l.T("mail.pair", "Label", label, "Value", value)
}

// An article is a publisher.Article as it is set.
type article struct {
	Title, Lead, Author string
	Language, Dir       string
	URL                 string // the site's own page; "" for none
	OriginalURL         string
	Tags                []string
	Published           string // "1er mars 2027"
	Image               *photo
	Body                htmltemplate.HTML // letters with one article only
	Large               bool              // in a digest: it stands first, with its picture across the column

	nodes []*html.Node
	words *locale.Localizer
}

// Text gives the body as plain text of 72 columns; its links are notes at the end.
func (a article) Text() string { return bodyText(a.nodes, a.words) }

// Byline says who wrote it, and when: "By Jane Roe · 1 March 2027".
func (a article) Byline() string {
	var parts []string
	if a.Author != "" {
		parts = append(parts, a.words.T("mail.by", "Author", a.Author))
	}
	if a.Published != "" {
		parts = append(parts, a.Published)
	}
	return strings.Join(parts, " · ")
}

// A photo stands in a letter by its absolute URL.
type photo struct{ URL, Alt, Caption, Credit string }

// A site is a Site as it is shown.
type site struct {
	Name, URL, Host, Logo, Sender, PrivacyURL string
	Address                                   []string // the postal address, line by line
}

// A merge holds the markers for what differs from reader to reader.
type merge struct{ Name, Greeting, Email, Since, Unsubscribe, Preferences, View string }

// newLetter sets everything of in. personal says whether markers may stand in it.
func (s *Set) newLetter(in *MailInput, personal bool) (*letter, error) {
	l, err := s.newFrame(in, []publisher.Article{in.Article}, personal)
	if err != nil {
		return nil, err
	}
	if err := l.setArticle(in, personal); err != nil {
		return nil, err
	}
	l.Articles, l.Count = []article{l.Article}, 1
	l.Blocks, err = l.blocks(in, personal)
	return l, err
}

// newFrame sets what stands around articles, but for the blocks.
func (s *Set) newFrame(in *MailInput, articles []publisher.Article, personal bool) (*letter, error) {
	lang := in.Language
	if lang == "" {
		lang = in.Article.Language
	}
	l := &letter{Lang: lang, Newsletter: in.Newsletter, words: s.words.For(lang), ViewURL: in.ViewURL}
	l.Newsletter.Title = l.set(in.Newsletter.Title)
	if err := l.setSite(in); err != nil {
		return nil, err
	}
	if !in.Date.IsZero() {
		l.Date = l.words.Date(in.Date)
		l.DateLine = capitalise(l.Date)
	}
	l.Accent, l.AccentDark = accents(in.Site.Accent)
	if personal {
		l.nonce = nonceFor(in.Newsletter, articles)
		m := func(f publisher.MergeField) string { return publisher.Marker(l.nonce, f) }
		l.Merge = merge{Name: m(publisher.MergeName), Greeting: m(publisher.MergeGreeting), Email: m(publisher.MergeEmail),
			Since: m(publisher.MergeSince), Unsubscribe: m(publisher.MergeUnsubscribe),
			Preferences: m(publisher.MergePreferences), View: m(publisher.MergeView)}
	}
	return l, nil
}

// set gives a text of the owner's in the letter's typography.
func (l *letter) set(s string) string { return setLine(s, l.words.Lang()) }

// setLine puts s on one line, in the typography of lang.
func setLine(s, lang string) string {
	if s = oneLine(s); isFrench(lang) {
		s = locale.French(s)
	}
	return s
}

func isFrench(lang string) bool {
	primary, _, _ := strings.Cut(strings.ToLower(lang), "-")
	return primary == "fr"
}

func (l *letter) setSite(in *MailInput) error {
	l.Site = site{Name: l.set(in.Site.Name), URL: in.Site.URL, Host: hostOf(in.Site.URL), Sender: l.set(in.Site.Sender),
		PrivacyURL: in.Site.PrivacyURL}
	for line := range strings.FieldsFuncSeq(in.Site.PostalAddress, func(r rune) bool { return r == '\n' }) {
		if line = l.set(line); line != "" {
			l.Site.Address = append(l.Site.Address, line)
		}
	}
	if in.Site.Logo == "" {
		return nil
	}
	var err error
	l.Site.Logo, err = in.mediaURL(imageAt(in.Site.Logo))
	return err
}

// imageAt tells a URL from a path.
func imageAt(s string) publisher.Image {
	if u, err := url.Parse(s); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		return publisher.Image{URL: s}
	}
	return publisher.Image{Path: s}
}

func (l *letter) setArticle(in *MailInput, personal bool) error {
	l.Article = l.head(in)
	body, err := setBody(in, l.Article.Language, personal)
	if err != nil {
		return err
	}
	l.Article.Image, l.Article.Body, l.Article.nodes = body.lead, body.html, body.nodes
	l.Preheader = beginning(l.Article.Lead, body.nodes, preheaderLength)
	return nil
}

// head sets all of in.Article but its text and its picture.
func (l *letter) head(in *MailInput) article {
	a := in.Article
	lang := a.Language
	if lang == "" {
		lang = l.Lang
	}
	set := article{Title: setLine(a.Title, lang), Lead: setLine(a.Lead, lang), Author: setLine(a.Author, lang),
		Language: lang, Dir: a.Dir, URL: in.tagged(a.CanonicalURL), OriginalURL: a.OriginalURL, words: l.words}
	if a.Dir == "" {
		set.Dir = locale.Direction(lang)
	}
	for _, t := range a.Tags {
		set.Tags = append(set.Tags, setLine(t, lang))
	}
	if !a.Published.IsZero() {
		set.Published = l.shortDate(in, a.Published)
	}
	return set
}

// shortDate gives a day in the site's time zone.
func (l *letter) shortDate(in *MailInput, t time.Time) string {
	if in.Site.Location != nil {
		t = t.In(in.Site.Location)
	}
	return l.words.ShortDate(t)
}

// tagged gives link its campaign parameters where it leads to the site's own host.
func (in *MailInput) tagged(link string) string {
	if in.UTM == nil || link == "" {
		return link
	}
	if host := hostOf(link); host != "" && host == hostOf(in.Site.URL) {
		return in.UTM(link)
	}
	return link
}

// hostOf gives the host of an absolute http(s) URL without "www.", "" for none.
func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

func capitalise(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
