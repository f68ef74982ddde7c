package render

import "strings"

// Body gives the article's text as at most n texts that each fit a post. One ends
// with a paragraph where that leaves at most half of its room empty, else with a
// sentence, else with a word. What n posts cannot hold is left out, and the last
// one says so with "[…]".
func (p *post) Body(n int) []string {
	const more = "\u00a0[…]"
	fits := func(text string) bool {
		f := fitter{limits: p.limits, segments: []segment{{text: text}}}
		return f.fits()
	}
	rest := strings.Join(p.Article.Paragraphs(), "\n\n")
	var parts []string
	for rest != "" && len(parts) < n {
		if fits(rest) {
			return append(parts, rest)
		}
		room := fits
		if len(parts) == n-1 {
			room = func(text string) bool { return fits(text + more) }
		}
		text, next := divide(rest, room)
		if len(parts) == n-1 {
			text += more
		}
		parts, rest = append(parts, text), rest[next:]
	}
	return parts
}

// divide gives the beginning of s that fits, and where the rest begins.
func divide(s string, fits func(string) bool) (string, int) {
	c, ok := bestCut(s, shortestStump, fits)
	if !ok {
		// Fit will refuse it and say why.
		return s, len(s)
	}
	if end := strings.LastIndex(s[:c.next], "\n\n"); 2*end >= c.end {
		return s[:end], end + len("\n\n")
	}
	return c.text(s), c.next
}
