package doctor

import "strings"

// readTags reads a list of NAME=VALUE between semicolons, as DKIM and DMARC records
// are written (RFC 6376 §3.2). Names are in lower case; values have no white space
// around them. ok is false where a piece is no tag or a name stands twice.
func readTags(s string) (tags map[string]string, ok bool) {
	tags = map[string]string{}
	for piece := range strings.SplitSeq(s, ";") {
		if strings.TrimSpace(piece) == "" {
			continue
		}
		name, value, found := strings.Cut(piece, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := tags[name]; !found || name == "" || twice {
			return nil, false
		}
		tags[name] = strings.TrimSpace(value)
	}
	return tags, true
}

// listed reports whether a list with colons holds a word; an empty one holds all.
func listed(list, word string) bool {
	if list == "" {
		return true
	}
	for one := range strings.SplitSeq(list, ":") {
		if one = strings.TrimSpace(one); one == "*" || strings.EqualFold(one, word) {
			return true
		}
	}
	return false
}
