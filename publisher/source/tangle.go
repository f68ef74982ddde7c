package source

import (
	"regexp"
	"strings"
)

// codeFence finds the line above and below code, in which brackets are free.
var codeFence = regexp.MustCompile("^ {0,3}(```|~~~)")

// tangle gives the first line of what no one writes, and what takes the Markdown
// parser a time or a room that grows with its square; 0 where there is none. It
// is a bound, not a judgement: everything under it is left to the parser.
func tangle(text string) int {
	const (
		deepest = 64      // quotes and lists that one line opens
		signs   = 4000    // brackets and emphases in one paragraph
		cells   = 200_000 // of one table, which is filled up to its widest row
	)
	fence := ""
	marks, rows, columns := 0, 0, 0
	for i, l := range strings.Split(text, "\n") {
		if m := codeFence.FindString(l); m != "" && (fence == "" || fence == strings.TrimSpace(m)) {
			if fence != "" {
				m = ""
			}
			fence = strings.TrimSpace(m)
			continue
		}
		if fence != "" {
			continue
		}
		if isBlank(l) {
			marks, rows, columns = 0, 0, 0
			continue
		}
		for _, sign := range []string{"[", "*", "_", "~", "`"} {
			marks += strings.Count(l, sign)
		}
		rows, columns = rows+1, max(columns, strings.Count(l, "|"))
		if rule := isRule(l); !rule && (marks > signs || nesting(l) > deepest) || rows*columns > cells {
			return i + 1
		}
	}
	return 0
}

// nesting counts the quotes and lists that one line opens.
func nesting(l string) int {
	n := 0
	for i := range len(l) {
		switch c := l[i]; {
		case c == '>':
			n++
		case c == '-' || c == '*' || c == '+' || c == '.' || c == ')':
			if i+1 < len(l) && l[i+1] == ' ' {
				n++
			}
		case c != ' ' && c != '\t' && (c < '0' || c > '9'):
			return n
		}
	}
	return n
}
