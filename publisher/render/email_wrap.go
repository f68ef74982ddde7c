package render

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// textColumns is the longest line of a letter's plain text (RFC 5322 §2.1.1 asks for
// less than 78).
const textColumns = 72

// textWidth gives the columns that s takes in a terminal or a fixed font.
func textWidth(s string) int { return uniseg.StringWidth(s) }

// wrapText breaks s at plain spaces into lines of width columns; line ends in s stay.
// first stands before the first line, rest before the others. URLs, merge markers and
// what no-break spaces hold together are never broken, whatever their length;
// text without spaces, as Chinese is written, is broken where Unicode allows (UAX #14).
func wrapText(s string, width int, first, rest string) string {
	var b strings.Builder
	prefix := first
	for paragraph := range strings.SplitSeq(s, "\n") {
		column := 0
		start := func() {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(prefix)
			column = textWidth(prefix)
			prefix = rest
		}
		start()
		empty := true
		for word := range strings.FieldsFuncSeq(paragraph, isPlainSpace) {
			for i, piece := range pieces(word) {
				gap := 0
				if i == 0 && !empty {
					gap = 1
				}
				if w := textWidth(piece); !empty && column+gap+w > width {
					start()
				} else {
					b.WriteString(" "[:gap])
					column += gap
				}
				b.WriteString(piece)
				column += textWidth(piece)
				empty = false
			}
		}
	}
	return b.String()
}

func isPlainSpace(r rune) bool { return r == ' ' || r == '\t' }

// pieces gives the parts of a word between which a line can end: one, unless the word
// is in a script that writes no spaces.
func pieces(word string) []string {
	if !strings.ContainsFunc(word, isIdeograph) || strings.Contains(word, "://") {
		return []string{word}
	}
	var all []string
	for state := -1; word != ""; {
		var piece string
		piece, word, _, state = uniseg.FirstLineSegmentInString(word, state)
		all = append(all, piece)
	}
	return all
}

func isIdeograph(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// underline draws a line of c below text, as long as its longest line.
func underline(text, c string) string {
	longest := 0
	for line := range strings.SplitSeq(text, "\n") {
		longest = max(longest, textWidth(line))
	}
	return text + "\n" + strings.Repeat(c, longest)
}

// tidyText takes spaces off the ends of lines, leaves one empty line where a
// template left more, and ends the text with one line end.
func tidyText(s string) string {
	var b strings.Builder
	blank := 0
	for line := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" {
			blank++
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
			if blank > 0 {
				b.WriteByte('\n')
			}
		}
		blank = 0
		b.WriteString(line)
	}
	b.WriteByte('\n')
	return b.String()
}
