package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"

	"crieur/publisher"
)

// MailInput is all that a letter, or the public copy of it, is made of.
type MailInput struct {
	Article    publisher.Article
	Site       Site
	Newsletter Newsletter
	Blocks     Blocks
	Language   string    // BCP 47: what crieur's own words are in; the article keeps its language
	Date       time.Time // as the masthead shows it, in its own location
	ViewURL    string    // the neutral copy, the same for everyone; "" for none
	// MediaURL gives the absolute URL at which a picture can be fetched, "" for
	// nowhere. Nil: the picture's own URL.
	MediaURL func(publisher.Image) string
	// UTM gives a link its campaign parameters. It is asked for links to the site's own
	// host only. Nil: links stay as they are.
	UTM func(url string) string
	// Errata are corrections of what earlier letters said. They stand after the text,
	// before the blocks.
	Errata []Erratum
}

// A Newsletter is what a letter says about the series it belongs to.
type Newsletter struct {
	Name     string // in the configuration
	Title    string
	Subject  string // a text template of .Article, .Articles, .Count, .Newsletter, .Site and .Date; "" for the article's title
	Template string // of templates/email, for a letter with one article; "" for "article"
	From     string
}

// Blocks is what can stand around an article, and which of it does.
type Blocks struct {
	Share        []string // networks to share on, in order: see ShareNetworks
	Forward      bool
	Subscribe    LinkBlock
	Sponsors     []Sponsor
	SponsorLabel string // "" for "Advertisement" in the letter's language
	Donate       LinkBlock
	Show         []publisher.Block // in order; a block with nothing to say is left out
}

// A LinkBlock is one line and one link. Without a URL it is not shown; without a text
// it has crieur's own.
type LinkBlock struct{ URL, Text string }

// A Sponsor is one advertisement.
type Sponsor struct{ Name, Text, URL, Image, Alt string }

// openMail parses the templates of letters and pages and runs each of them once, so
// that a misspelt field is found before there is an article.
func (s *Set) openMail() error {
	s.html = htmltemplate.New("email").Funcs(htmltemplate.FuncMap{"outlook": outlook})
	for _, name := range slices.Concat(s.under("email", ".html.tmpl"), s.under("email", ".css"), []string{pageStyle}) {
		data, err := fs.ReadFile(s.fsys, name)
		if err == nil {
			_, err = s.html.New(name).Parse(string(data))
		}
		if err != nil {
			return s.templateError("read template", name, err)
		}
	}
	var err error
	if s.text, err = s.parseText("email", nil); err != nil {
		return err
	}
	for _, in := range []MailInput{fullSpecimen(), {Article: publisher.Article{Title: "x"}}} {
		l, err := s.newLetter(&in, true)
		if err == nil {
			err = s.tryLetter(l, s.Letters())
		}
		if err != nil {
			return err
		}
	}
	for _, in := range digestSpecimens() {
		l, err := s.newDigest(&in, 0, true)
		if err == nil {
			err = s.tryLetter(l, []string{digestTemplate})
		}
		if err != nil {
			return err
		}
	}
	return s.tryNotice()
}

// tryLetter runs the page's template and those of the named letters on l.
func (s *Set) tryLetter(l *letter, names []string) error {
	if err := s.html.ExecuteTemplate(io.Discard, pageTemplate, l); err != nil {
		return s.templateError("run template", pageTemplate, err)
	}
	for _, name := range names {
		if err := s.html.ExecuteTemplate(io.Discard, htmlName(name), l); err != nil {
			return s.templateError("run template", htmlName(name), err)
		}
		if err := s.text.ExecuteTemplate(io.Discard, textName(name), l); err != nil {
			return s.templateError("run template", textName(name), err)
		}
	}
	return nil
}

func htmlName(name string) string { return "email/" + name + ".html.tmpl" }
func textName(name string) string { return "email/" + name + ".txt.tmpl" }

// outlook wraps markup in a comment that only Outlook for Windows reads.
// html/template drops comments that stand in a template itself.
func outlook(markup string) htmltemplate.HTML {
	return htmltemplate.HTML("<!--[if mso]>" + markup + "<![endif]-->")
}

// Letters lists the names that Newsletter.Template can have, sorted: those with an
// HTML and a text template, but for digests and notices.
func (s *Set) Letters() []string {
	var names []string
	for _, f := range s.under("email", ".html.tmpl") {
		name := strings.TrimSuffix(strings.TrimPrefix(f, "email/"), ".html.tmpl")
		if name != digestTemplate && name != noticeTemplate && s.text.Lookup(textName(name)) != nil {
			names = append(names, name)
		}
	}
	return names
}

// Mail renders a letter: subject, preheader, HTML with its styles inline, text, and
// the nonce of their merge markers. What only the caller knows stays empty: IssueID,
// Channel and Created. Errors are of kind Invalid.
func (s *Set) Mail(in MailInput) (publisher.Rendering, error) {
	name := in.Newsletter.Template
	if name == "" {
		name = "article"
	}
	if s.html.Lookup(htmlName(name)) == nil || s.text.Lookup(textName(name)) == nil {
		return publisher.Rendering{}, &publisher.Error{Kind: publisher.Invalid, Op: "render letter",
			Where: "newsletters." + in.Newsletter.Name + ".template", Err: fmt.Errorf("no letter template %q", name),
			Hint: "there are: " + strings.Join(s.Letters(), ", ")}
	}
	l, err := s.newLetter(&in, true)
	if err != nil {
		return publisher.Rendering{}, err
	}
	return s.write(l, name)
}

// write runs the letter template called name.
func (s *Set) write(l *letter, name string) (publisher.Rendering, error) {
	var err error
	if l.Subject, err = l.subject(); err != nil {
		return publisher.Rendering{}, err
	}
	var page, text bytes.Buffer
	if err := s.html.ExecuteTemplate(&page, htmlName(name), l); err != nil {
		return publisher.Rendering{}, s.templateError("render letter", htmlName(name), err)
	}
	if err := s.text.ExecuteTemplate(&text, textName(name), l); err != nil {
		return publisher.Rendering{}, s.templateError("render letter", textName(name), err)
	}
	html, err := inlineStyles(page.String())
	if err != nil {
		return publisher.Rendering{}, s.templateError("inline styles", htmlName(name), err)
	}
	r := publisher.Rendering{Language: l.Lang, Subject: l.Subject, Preheader: l.Preheader,
		HTML: html, Text: tidyText(text.String()), Nonce: l.nonce}
	r.Hash = hashOf(r.Language, r.Subject, r.Preheader, r.HTML, r.Text, r.Nonce)
	return r, nil
}

// Subject renders a letter's subject alone. Errors are of kind Invalid.
func (s *Set) Subject(in MailInput) (string, error) {
	l, err := s.newLetter(&in, true)
	if err != nil {
		return "", err
	}
	return l.subject()
}

// subject runs the newsletter's subject template.
func (l *letter) subject() (string, error) {
	where := "newsletters." + l.Newsletter.Name + ".subject"
	subject := l.Article.Title
	if l.Newsletter.Subject != "" {
		t, err := template.New("subject").Parse(l.Newsletter.Subject)
		var b strings.Builder
		if err == nil {
			err = t.Execute(&b, l)
		}
		if err != nil {
			return "", &publisher.Error{Kind: publisher.Invalid, Op: "write subject", Where: where, Err: err,
				Hint: "a subject can hold {{.Article.Title}}, {{.Count}}, {{.Newsletter.Title}}, {{.Site.Name}} and {{.Date}}"}
		}
		subject = b.String()
	}
	if subject = oneLine(subject); subject == "" {
		return "", &publisher.Error{Kind: publisher.Invalid, Op: "write subject", Where: where,
			Err: errors.New("it came out empty"), Hint: "give the article a title, or the newsletter another subject"}
	}
	return subject, nil
}

// oneLine makes s fit for a header or a title: no control characters, no line
// ends, single plain spaces. No-break spaces stay.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

// hashOf gives the hex SHA-256 over parts, each told apart from its neighbours.
func hashOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// nonceFor gives the nonce of a letter's markers: 12 hex digits that depend on the
// content alone, and with which no marker stands in the content by itself.
func nonceFor(n Newsletter, articles []publisher.Article) string {
	content, hashes := []string{n.Title, n.Subject}, []string{}
	for _, a := range articles {
		content = append(content, a.Title, a.Lead, a.Body)
		hashes = append(hashes, a.Hash)
	}
	for i := 0; ; i++ {
		nonce := hashOf(append(hashes, n.Name, fmt.Sprint(i))...)[:12]
		if !strings.Contains(strings.Join(content, "\x00"), publisher.Marker(nonce, "")[:len("crieurmerge")+12]) {
			return nonce
		}
	}
}
