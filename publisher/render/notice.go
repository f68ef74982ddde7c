package render

import (
	"bytes"
	"io"
	"time"

	"crieur/publisher"
	"crieur/publisher/locale"
)

const noticeTemplate = "notice"

// NoticeInput is what a letter to the owner says: how an issue ended, what waits for
// a person, what will expire. Its texts are in its language already.
type NoticeInput struct {
	Site     Site
	Language string
	Date     time.Time
	Title    string // its subject as well
	Lead     string
	Facts    []NoticeFact
	Parts    []NoticePart
	Links    []NoticeLink
}

type (
	// A NoticeFact is a figure with its name.
	NoticeFact struct{ Label, Value string }
	// A NoticePart is a list under a title.
	NoticePart struct {
		Title string
		Lines []NoticeLine
	}
	// A NoticeLine is one thing of a list, with what there is to say of it.
	NoticeLine struct{ Text, Note, URL string }
	// A NoticeLink leads to where something can be done.
	NoticeLink struct{ Text, URL string }
)

// A notice is what its templates see.
type notice struct {
	*letter
	Title string
	Lead  string
	Facts []NoticeFact
	Parts []NoticePart
	Links []NoticeLink
}

// Underlined gives a title of plain text with a line under it.
func (n *notice) Underlined(s string) string { return underline(n.Wrap(s), "-") }

// Notice renders a letter to the owner. It has no merge markers.
func (s *Set) Notice(in NoticeInput) (publisher.Rendering, error) {
	n, err := s.newNotice(in)
	if err != nil {
		return publisher.Rendering{}, err
	}
	var page, text bytes.Buffer
	if err := s.html.ExecuteTemplate(&page, htmlName(noticeTemplate), n); err != nil {
		return publisher.Rendering{}, s.templateError("render notice", htmlName(noticeTemplate), err)
	}
	if err := s.text.ExecuteTemplate(&text, textName(noticeTemplate), n); err != nil {
		return publisher.Rendering{}, s.templateError("render notice", textName(noticeTemplate), err)
	}
	html, err := inlineStyles(page.String())
	if err != nil {
		return publisher.Rendering{}, s.templateError("inline styles", htmlName(noticeTemplate), err)
	}
	r := publisher.Rendering{Language: n.Lang, Subject: n.Subject, Preheader: n.Preheader, HTML: html, Text: tidyText(text.String()),
		Nonce: hashOf(n.Subject, n.Lead)[:12]}
	r.Hash = hashOf(r.Language, r.Subject, r.HTML, r.Text)
	return r, nil
}

func (s *Set) newNotice(in NoticeInput) (*notice, error) {
	l, err := s.newFrame(&MailInput{Site: in.Site, Language: in.Language, Date: in.Date}, nil, false)
	if err != nil {
		return nil, err
	}
	l.Article = article{Language: l.words.Lang(), Dir: locale.Direction(l.words.Lang()), words: l.words}
	n := &notice{letter: l, Title: l.set(in.Title), Lead: l.set(in.Lead), Links: in.Links}
	l.Subject, l.Preheader = n.Title, beginning(n.Lead, nil, preheaderLength)
	for _, f := range in.Facts {
		n.Facts = append(n.Facts, NoticeFact{l.set(f.Label), l.set(f.Value)})
	}
	for _, p := range in.Parts {
		part := NoticePart{Title: l.set(p.Title)}
		for _, line := range p.Lines {
			part.Lines = append(part.Lines, NoticeLine{oneLine(line.Text), oneLine(line.Note), line.URL})
		}
		n.Parts = append(n.Parts, part)
	}
	return n, nil
}

// noticeSpecimen has everything that its templates can ask for.
func noticeSpecimen() NoticeInput {
	full := fullSpecimen()
	return NoticeInput{Site: full.Site, Language: full.Language, Date: full.Date, Title: "Title", Lead: "Lead", Facts: []NoticeFact{{"Label", "Value"}},
		Parts: []NoticePart{{"Title", []NoticeLine{{"Text", "Note", full.Site.URL}, {Text: "Text"}}}}, Links: []NoticeLink{{"Text", full.Site.URL}}}
}

// tryNotice runs the templates of letters to the owner once.
func (s *Set) tryNotice() error {
	for _, in := range []NoticeInput{noticeSpecimen(), {Title: "x"}} {
		n, err := s.newNotice(in)
		if err != nil {
			return err
		}
		if err := s.html.ExecuteTemplate(io.Discard, htmlName(noticeTemplate), n); err != nil {
			return s.templateError("run template", htmlName(noticeTemplate), err)
		}
		if err := s.text.ExecuteTemplate(io.Discard, textName(noticeTemplate), n); err != nil {
			return s.templateError("run template", textName(noticeTemplate), err)
		}
		if err := s.html.ExecuteTemplate(io.Discard, proofTemplate, &proof{letter: n.letter, Links: n.Links, Lines: []string{"x"}}); err != nil {
			return s.templateError("run template", proofTemplate, err)
		}
	}
	return nil
}
