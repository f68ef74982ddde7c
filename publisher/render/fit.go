package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"crieur/publisher"
)

// Limits is what a text has to fit into.
type Limits struct {
	Text  int              // longest text, as Len counts; 0: any
	Len   func(string) int // nil: graphemes
	Bytes int              // longest text in UTF-8 bytes as well; 0: any
}

// What a template may mark, in text that no article can hold: control characters
// are taken out of articles before. A mark is markOpen, its kind, the text, and
// markClose.
const (
	markOpen  = "\x02"
	markClose = "\x03"
	partBreak = "\x1e"

	markShrink   = 's' // is shortened first, and left out where it would be a stump
	markLast     = 'l' // is shortened last
	markHashtag  = 'h' // is left out whole, the last one first
	markOptional = 'o' // is left out whole, before anything is shortened
)

func mark(kind byte, text string) string {
	if text == "" {
		return ""
	}
	return markOpen + string(kind) + text + markClose
}

// Fit makes of a marked text one that is within the limits, and gives it without
// marks. As far as need be, and no further, it leaves out optional text, shortens
// what may shrink from the last to the first (at the end of a sentence, else of
// a word, with "…"), leaves out hashtags from the last to the first, and shortens
// what may shrink last. All else stands as it is: a text that is still too long
// is an error of kind Invalid.
//
// A cut never falls into a grapheme, a URL, a hashtag or a mention, nor between a
// word and the punctuation that a no-break space ties to it, and leaves no opening
// quotation mark or bracket at the end. The result is valid UTF-8 without control
// characters other than line ends; fitting it again changes nothing. The time
// taken grows with the limits, and only as little as reading does with the text.
func Fit(marked string, l Limits) (string, error) {
	f := fitter{limits: l, segments: parseMarks(strings.ToValidUTF8(marked, "\ufffd"))}
	if f.limits.Len == nil {
		f.limits.Len = uniseg.GraphemeClusterCount
	}
	if f.run() {
		return f.text(), nil
	}
	text := f.text()
	err := fmt.Errorf("%d characters stay that may not be shortened, and %d are allowed", f.limits.Len(clip(text, f.most())), l.Text)
	if l.Text == 0 || l.Bytes > 0 && len(text) > l.Bytes {
		err = fmt.Errorf("%d bytes stay that may not be shortened, and %d are allowed", len(text), l.Bytes)
	}
	if text == "" {
		err = errors.New("no room for any text")
	}
	return "", &publisher.Error{Kind: publisher.Invalid, Op: "fit text", Err: err,
		Hint: "mark more of the template with “shrink”, or give it less text of its own"}
}

// A segment is a stretch of text of one kind; 0 is text that stands as it is.
type segment struct {
	kind byte
	text string // what is left of it
	full string
}

// parseMarks takes a marked text apart. Marks do not nest: one that opens inside
// another ends it. A kind that does not exist marks nothing.
func parseMarks(s string) []segment {
	var segments []segment
	add := func(kind byte, text string) {
		if text = printable(text); text != "" {
			segments = append(segments, segment{kind, text, text})
		}
	}
	for s != "" {
		before, after, found := strings.Cut(s, markOpen)
		add(0, before)
		if !found {
			break
		}
		kind := byte(0)
		if after != "" && strings.IndexByte("slho", after[0]) >= 0 {
			kind, after = after[0], after[1:]
		}
		end := strings.IndexAny(after, markOpen+markClose)
		if end < 0 {
			end = len(after)
		}
		add(kind, after[:end])
		s = strings.TrimPrefix(after[end:], markClose)
	}
	return segments
}

// printable takes control characters out of s, but for line ends.
func printable(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n", "\t", " ").Replace(s)
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

type fitter struct {
	limits   Limits
	segments []segment
}

// run shortens as far as need be and reports whether that was enough.
func (f *fitter) run() bool {
	if f.fits() {
		return true
	}
	for i := range slices.Backward(f.segments) {
		if f.segments[i].kind == markOptional {
			if f.segments[i].text = ""; f.fits() {
				return true
			}
		}
	}
	for {
		if f.shrink(markShrink) || f.fits() {
			return true
		}
		if !f.dropHashtag() {
			break
		}
	}
	return f.shrink(markLast)
}

// shrink shortens the segments of a kind, from the last to the first, each only when
// those behind it are gone, and reports whether the whole fits then. Each call starts
// anew: the room of a hashtag that was left out meanwhile goes to the text.
func (f *fitter) shrink(kind byte) bool {
	for i := range f.segments {
		if f.segments[i].kind == kind {
			f.segments[i].text = f.segments[i].full
		}
	}
	for i := range slices.Backward(f.segments) {
		s := &f.segments[i]
		switch {
		case s.kind != kind:
			continue
		case f.fits():
			return true
		}
		if s.text = ""; !f.fits() {
			continue
		}
		least := 1
		if kind == markShrink {
			least = shortestStump
		}
		s.text = shorten(s.full, least, func(t string) bool { s.text = t; return f.fits() })
		if s.text != "" || kind == markShrink {
			return true
		}
	}
	return false
}

// dropHashtag leaves the last hashtag out that is still there.
func (f *fitter) dropHashtag() bool {
	for i := range slices.Backward(f.segments) {
		if s := &f.segments[i]; s.kind == markHashtag && s.text != "" {
			s.text = ""
			return true
		}
	}
	return false
}

// most is a number of bytes that no text within the limits has: a grapheme or a URL
// may be long, but not as long as that on average. It saves counting what is
// hopeless.
func (f *fitter) most() int {
	if f.limits.Bytes > 0 {
		return f.limits.Bytes
	}
	return 256 * (f.limits.Text + 16)
}

func (f *fitter) fits() bool {
	n := 0
	for _, s := range f.segments {
		n += len(s.text)
	}
	if f.limits.Text > 0 && n > 256*(f.limits.Text+16) {
		return false
	}
	text := f.text()
	if f.limits.Bytes > 0 && len(text) > f.limits.Bytes {
		return false
	}
	return f.limits.Text == 0 || f.limits.Len(text) <= f.limits.Text
}

// text puts together what is left, without the empty lines and spaces that stood
// around what is not.
func (f *fitter) text() string {
	var b strings.Builder
	for _, s := range f.segments {
		b.WriteString(s.text)
	}
	return tidyPost(b.String())
}

// tidyPost takes out spaces at line ends, more than one empty line in a row, and
// whatever blank there is at both ends.
func tidyPost(s string) string {
	var b strings.Builder
	empty := 0
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		if line == "" {
			empty++
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n"[:min(empty+1, 2)])
		}
		empty = 0
		b.WriteString(line)
	}
	return strings.TrimSpace(b.String())
}

// clip gives the beginning of s, at most n bytes of it, up to the end of a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
