package render

import "bytes"

const (
	pageTemplate = "email/page.html.tmpl" // the public copy of every letter
	pageStyle    = "web/style.css"        // which it shares with the other public pages
)

// Page renders the neutral copy of an issue: the letter's article and blocks as a
// web page of its own, without scripts, without anything personal and without merge
// markers. Its style stands in the page; its pictures are where MediaURL says.
// Errors are of kind Invalid.
func (s *Set) Page(in MailInput) ([]byte, error) {
	l, err := s.newLetter(&in, false)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := s.html.ExecuteTemplate(&b, pageTemplate, l); err != nil {
		return nil, s.templateError("render page", pageTemplate, err)
	}
	return b.Bytes(), nil
}
