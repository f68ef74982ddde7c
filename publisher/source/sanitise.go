package source

import (
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// policy is what may stand in a body: the elements of an article, without looks,
// behaviour or anything that loads by itself but pictures. A policy is safe for
// concurrent use once built.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "figure", "figcaption",
		"ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td",
		"pre", "code", "kbd", "samp", "var", "strong", "b", "em", "i", "u", "s", "del", "ins", "mark", "small",
		"sub", "sup", "q", "cite", "abbr", "dfn", "time", "bdi", "bdo", "ruby", "rb", "rt", "rp", "wbr")

	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true) // local pictures and notes; resolve.go has judged them
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("cite").OnElements("blockquote", "q")
	p.AllowAttrs("src").OnElements("img")
	// bluemonday's own rule for alt and title drops the attribute at the first ’.
	// The text is escaped whatever it holds, so any single line will do.
	p.AllowAttrs("alt", "title").Matching(singleLine).OnElements("img", "a", "abbr", "dfn", "figure")
	p.AllowAttrs("width", "height").Matching(number).OnElements("img")
	p.AllowAttrs("colspan", "rowspan").Matching(number).OnElements("td", "th")
	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^(row|col|rowgroup|colgroup)$`)).OnElements("th")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|center|right)$`)).OnElements("td", "th")
	p.AllowAttrs("start", "value").Matching(number).OnElements("ol", "li")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^[1aAiI]$`)).OnElements("ol")
	p.AllowAttrs("datetime").Matching(regexp.MustCompile(`^[0-9TZW:.+ -]{4,40}$`)).OnElements("time")
	p.AllowAttrs("id").Matching(noteID).OnElements("li", "sup")
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)).Globally()
	p.AllowElements("figure", "bdo")
	p.SkipElementsContent("script", "style", "iframe", "object", "template", "noscript", "svg", "math")
	return p
})

var (
	singleLine = regexp.MustCompile(`^[^\x00-\x1F\x7F]*$`)
	number     = regexp.MustCompile(`^[0-9]{1,5}$`)
	// noteID is the form of goldmark's footnotes: fn:1, fnref:1, fnref1:1.
	noteID = regexp.MustCompile(`^fn(ref[0-9]*)?:[0-9]{1,4}$`)
)

// sanitise is the last to touch a body.
func sanitise(body string) string { return policy().Sanitize(body) }
