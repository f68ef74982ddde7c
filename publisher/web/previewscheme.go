package web

import (
	"regexp"
	"strings"
)

var (
	// Where a mail can ask for the reader's scheme: in style sheets and on sources.
	asking   = regexp.MustCompile(`(?is)<style\b.*?</style\s*>|<(?:source|link)\b[^>]*>`)
	question = regexp.MustCompile(`(?i)\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)`)
	declared = regexp.MustCompile(`(?i)\bcolor-scheme\s*:\s*[a-z ]+`)
)

// inScheme gives a mail's HTML as a reader with that scheme, "light" or "dark", sees
// it, whatever the owner's own browser prefers. A frame's color-scheme would ask for
// the same, but not every browser passes it on to media queries.
func inScheme(html, scheme string) string {
	return asking.ReplaceAllStringFunc(html, func(s string) string {
		s = question.ReplaceAllStringFunc(s, func(q string) string {
			if strings.EqualFold(question.FindStringSubmatch(q)[1], scheme) {
				return "(min-width: 0)"
			}
			return "(max-width: 0)"
		})
		return declared.ReplaceAllStringFunc(s, func(d string) string {
			name, _, _ := strings.Cut(d, ":")
			return name + ": " + scheme
		})
	})
}
