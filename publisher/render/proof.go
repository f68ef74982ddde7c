package render

import (
	"bytes"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crieur/publisher"
)

const proofTemplate = "email/proof.html.tmpl"

// ProofInput is what stands above a letter that is sent to those who decide over it.
// Its texts are in its language already.
type ProofInput struct {
	Site     Site
	Language string
	Subject  string // of the proof
	Lead     string
	Lines    []string
	Links    []NoticeLink
}

// A proof is what its template sees.
type proof struct {
	*letter
	Lead  string
	Lines []string
	Links []NoticeLink
}

var bodyTag = regexp.MustCompile(`(?i)<body[^>]*>`)

// Proof puts a head above a frozen letter, whose every byte stays as it is.
func (s *Set) Proof(r publisher.Rendering, in ProofInput) (publisher.Rendering, error) {
	l, err := s.newFrame(&MailInput{Site: in.Site, Language: in.Language}, nil, false)
	if err != nil {
		return r, err
	}
	p := &proof{letter: l, Lead: l.set(in.Lead), Links: in.Links}
	text := []string{l.T("proof.label"), "", l.Wrap(p.Lead)}
	for _, line := range in.Lines {
		p.Lines = append(p.Lines, l.set(line))
		text = append(text, l.Wrap(l.set(line)))
	}
	text = append(text, "")
	for _, link := range in.Links {
		text = append(text, l.Pair(link.Text, link.URL))
	}
	var page bytes.Buffer
	if err := s.html.ExecuteTemplate(&page, proofTemplate, p); err != nil {
		return r, s.templateError("render proof", proofTemplate, err)
	}
	head, err := inlineStyles(page.String())
	if err == nil {
		head, err = inBody(head)
	}
	if err != nil {
		return r, s.templateError("inline styles", proofTemplate, err)
	}
	at := 0
	if tag := bodyTag.FindStringIndex(r.HTML); tag != nil {
		at = tag[1]
	}
	r.HTML = r.HTML[:at] + head + r.HTML[at:]
	r.Text = strings.Join(text, "\n") + "\n\n" + l.Rule("=") + "\n\n" + r.Text
	r.Subject = oneLine(in.Subject)
	return r, nil
}

// inBody gives what stands in a document's body.
func inBody(document string) (string, error) {
	doc, err := html.Parse(strings.NewReader(document))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for n := range find(doc, atom.Body).ChildNodes() {
		if err := html.Render(&b, n); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(b.String()), nil
}
