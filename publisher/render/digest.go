package render

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/publisher/locale"
)

const digestTemplate = "digest"

// DigestInput is what a letter with several articles is made of: all that a letter
// is, with MailInput.Article left empty, and the articles.
type DigestInput struct {
	MailInput
	Articles []DigestArticle // in the order in which they stand; at least one
	Limit    int             // bytes of HTML above which leads are shortened and pictures left out; 0: none
}

// A DigestArticle is one article of a digest.
type DigestArticle struct {
	Article publisher.Article
	Group   string // title of the section that it stands in; neighbours with the same share one
	URL     string // where the reader reads on; "" for the article's own page
}

// A section is a run of articles, perhaps under a title.
type section struct {
	Title    string
	Articles []article
}

// A tightness is how much a digest leaves out to stay within its limit.
type tightness struct {
	lead     int  // columns of a lead; 0: leads of the first article only
	pictures bool // pictures of other articles than the first
	says     string
}

// tightnesses are tried in order until the letter is within its limit.
func tightnesses() []tightness {
	return []tightness{
		{lead: 1 << 20, pictures: true},
		{lead: 280, pictures: true, says: "leads are shortened"},
		{lead: 140, pictures: true, says: "leads are cut to a line or two"},
		{lead: 140, says: "leads are cut to a line or two, and only the first article keeps its picture"},
		{says: "only the first article keeps its lead and picture"},
	}
}

// excerpt is how many columns of its text an article without a lead shows instead.
const excerpt = 300

// Digest renders a letter with several articles: each with headline, lead, picture
// and the way to its text; the first one large. What Mail promises holds for it as
// well. Where the letter would be larger than its limit, it leaves something out and
// says so in warnings. It is not tighter than it can be: the result may still be
// over the limit.
func (s *Set) Digest(in DigestInput) (r publisher.Rendering, warnings []string, err error) {
	for i, t := range tightnesses() {
		l, err := s.newDigest(&in, i, true)
		if err != nil {
			return r, nil, err
		}
		if r, err = s.write(l, digestTemplate); err != nil {
			return r, nil, err
		}
		if warnings = nil; t.says != "" {
			warnings = []string{"the letter has too much for one mail: " + t.says}
		}
		if in.Limit <= 0 || len(r.HTML) <= in.Limit {
			break
		}
	}
	return r, warnings, nil
}

// DigestPage renders the neutral copy of a digest, as Page does of a letter. It
// leaves nothing out.
func (s *Set) DigestPage(in DigestInput) ([]byte, error) {
	l, err := s.newDigest(&in, 0, false)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := s.html.ExecuteTemplate(&b, pageTemplate, l); err != nil {
		return nil, s.templateError("render page", pageTemplate, err)
	}
	return b.Bytes(), nil
}

// DigestTitle gives what a digest is called: the title of its first article, and how
// many more there are. It is the default of its subject.
func (s *Set) DigestTitle(in DigestInput) (string, error) {
	l, err := s.newDigest(&in, 0, true)
	if err != nil {
		return "", err
	}
	return l.Article.Title, nil
}

// newDigest sets everything of in, as tight as the step of that number.
func (s *Set) newDigest(in *DigestInput, step int, personal bool) (*letter, error) {
	if len(in.Articles) == 0 {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "render digest", Where: "newsletters." + in.Newsletter.Name,
			Err: errors.New("it has no articles")}
	}
	frame := in.MailInput
	if frame.Language == "" {
		frame.Language = in.Articles[0].Article.Language
	}
	var articles []publisher.Article
	for _, a := range in.Articles {
		articles = append(articles, a.Article)
	}
	l, err := s.newFrame(&frame, articles, personal)
	if err != nil {
		return nil, err
	}
	for i, a := range in.Articles {
		set, err := l.item(&frame, a, i == 0, tightnesses()[step])
		if err != nil {
			return nil, err
		}
		l.Articles = append(l.Articles, set)
		title := l.set(a.Group)
		if last := len(l.Sections) - 1; last >= 0 && l.Sections[last].Title == title {
			l.Sections[last].Articles = append(l.Sections[last].Articles, set)
		} else {
			l.Sections = append(l.Sections, section{Title: title, Articles: []article{set}})
		}
	}
	l.Count = len(l.Articles)
	first := l.Articles[0]
	l.Article = article{Title: first.Title, Lead: first.Lead, Language: l.Lang, Dir: locale.Direction(l.Lang), Image: first.Image, words: l.words}
	l.Preheader = beginning(first.Lead, nil, preheaderLength)
	if more := l.Count - 1; more > 0 {
		l.Article.Title = l.T("digest.title", "Title", first.Title, "Count", more)
		l.Preheader = beginning(l.others(), nil, preheaderLength)
	}
	l.Blocks, err = l.blocks(&frame, personal)
	return l, err
}

// others names the articles that a digest's subject does not.
func (l *letter) others() string {
	var titles []string
	for _, a := range l.Articles[1:] {
		titles = append(titles, a.Title)
	}
	return strings.Join(titles, " · ")
}

// item sets one article of a digest.
func (l *letter) item(frame *MailInput, a DigestArticle, large bool, t tightness) (article, error) {
	in := *frame
	in.Article = a.Article
	set := l.head(&in)
	set.Large = large
	if a.URL != "" {
		set.URL = in.tagged(a.URL)
	}
	if set.Lead == "" {
		root, err := parseBody(a.Article)
		if err != nil {
			return set, err
		}
		if isFrench(set.Language) {
			setFrench(root)
		}
		set.Lead = beginning("", slices.Collect(root.ChildNodes()), excerpt)
	}
	switch {
	case large: // it keeps its lead, but for one that is a text of its own
		set.Lead = beginning(set.Lead, nil, max(t.lead, 280))
	case t.lead == 0:
		set.Lead = ""
	default:
		set.Lead = beginning(set.Lead, nil, t.lead)
	}
	picture := a.Article.Image
	if picture == nil && len(a.Article.Images) > 0 {
		picture = &a.Article.Images[0]
	}
	if picture == nil || !large && !t.pictures {
		return set, nil
	}
	var err error
	set.Image, err = in.photo(*picture, set.Language)
	return set, err
}
