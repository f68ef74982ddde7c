package render

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

const (
	// shortestStump is the number of graphemes that a shortened text must keep to
	// be worth showing.
	shortestStump = 16
	// longestWord is the number of graphemes after which a word without any place to
	// cut it is cut all the same.
	longestWord = 40
)

// A cut is a place where a text may end.
type cut struct {
	end      int // bytes of the text that are kept
	next     int // where what follows begins
	kept     int // graphemes
	sentence bool
}

// text gives what of s stands before the cut: whole sentences, or words and "…".
func (c cut) text(s string) string {
	if c.sentence {
		return s[:c.end]
	}
	return s[:c.end] + "…"
}

// shorten gives the longest beginning of s that fits: whole sentences where they are
// a third of what there is room for, else words. "" where fewer than least graphemes
// of the words would be left. fits must hold for all beginnings shorter than one that
// it holds for; it is asked for beginnings of about the final length only.
func shorten(s string, least int, fits func(string) bool) string {
	c, ok := bestCut(s, least, fits)
	if !ok {
		return ""
	}
	return c.text(s)
}

func bestCut(s string, least int, fits func(string) bool) (cut, bool) {
	var words, sentences []cut
	probe := 64
	for c := range cuts(s) {
		if c.sentence {
			sentences = append(sentences, c)
		} else {
			words = append(words, c)
		}
		if c.end >= probe {
			if !fits(c.text(s)) {
				break
			}
			probe = 2 * c.end
		}
	}
	word, hasWord := lastFitting(s, words, fits)
	sentence, hasSentence := lastFitting(s, sentences, fits)
	hasWord = hasWord && word.kept >= least
	if hasSentence && (!hasWord || 3*sentence.kept >= word.kept) {
		return sentence, true
	}
	return word, hasWord
}

// lastFitting finds the last of cuts that fits, by halves, and steps back where
// counting was not quite monotonic: a domain that is cut may count more than itself
// whole.
func lastFitting(s string, cuts []cut, fits func(string) bool) (cut, bool) {
	low, high := 0, len(cuts)
	for low < high {
		if middle := (low + high) / 2; fits(cuts[middle].text(s)) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for low--; low >= 0; low-- {
		if fits(cuts[low].text(s)) {
			return cuts[low], true
		}
	}
	return cut{}, false
}

// cuts gives the places where s may end, from its beginning on.
func cuts(s string) func(yield func(cut) bool) {
	return func(yield func(cut) bool) {
		w := walker{s: s}
		for w.at < len(s) {
			cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(s[w.at:], -1)
			if c, ok := w.before(cluster); ok && c.end > w.last {
				if w.last = c.end; !yield(c) {
					return
				}
			}
			w.step(cluster)
		}
	}
}

// A walker goes through a text grapheme by grapheme and knows what surrounds it.
type walker struct {
	s        string
	at       int // bytes behind it
	kept     int // graphemes behind it
	solid    int // the end of the last grapheme that may stand before "…"
	last     int // the end of the last cut
	previous rune
	depth    int // open quotation marks and brackets
	quoted   bool
	word     int  // graphemes of the word behind it
	whole    bool // the word is, or may be, one that only works whole: a URL, a hashtag, a mention
	url      bool
	asked    bool // whether the long word is plain is known already
	plain    bool
}

// before says whether the text may end before cluster.
func (w *walker) before(cluster string) (cut, bool) {
	next, _ := utf8.DecodeRuneInString(cluster)
	if w.at == 0 || isBreakingSpace(w.previous) {
		return cut{}, false
	}
	kept := w.s[:w.at]
	c := cut{end: w.solid, next: w.at, kept: w.kept}
	if isBreakingSpace(next) {
		rest := strings.TrimLeftFunc(w.s[w.at:], isBreakingSpace)
		c.next = len(w.s) - len(rest)
		after, _ := utf8.DecodeRuneInString(rest)
		if rest == "" || isClosing(after) {
			return cut{}, false
		}
		if w.depth <= 0 && !w.quoted && endsSentence(kept, after) {
			c.end, c.sentence = w.at, true
		}
		return c, true
	}
	switch {
	case w.whole:
		return cut{}, false
	case w.partsWideText(next):
		if w.depth <= 0 && isWideStop(lastTerminator(kept)) {
			c.end, c.sentence = w.at, true
		}
		return c, true
	}
	return c, w.word > longestWord && isWordPart(next) && isWordPart(w.previous) && w.isPlain()
}

// partsWideText reports whether text without spaces may end between what is behind
// and next.
func (w *walker) partsWideText(next rune) bool {
	switch {
	case isUnspaced(next) && !isClosing(next):
		return isUnspaced(w.previous) || isClosing(w.previous)
	case isOpening(next), next < utf8.RuneSelf && unicode.IsLetter(next):
		return isUnspaced(w.previous) || isWideStop(w.previous)
	}
	return false
}

// isPlain reports whether nothing in what is left of a long word makes it one that
// only works whole.
func (w *walker) isPlain() bool {
	if !w.asked {
		end := strings.IndexFunc(w.s[w.at:], func(r rune) bool { return isBreakingSpace(r) || isWideStop(r) })
		if end < 0 {
			end = len(w.s) - w.at
		}
		w.asked, w.plain = true, !strings.ContainsAny(w.s[w.at:w.at+end], needsWhole+".:")
	}
	return w.plain
}

// needsWhole are the characters that URLs, hashtags, mentions and the like have.
const needsWhole = "/@＠#＃$_\\=&%~"

func (w *walker) step(cluster string) {
	r, _ := utf8.DecodeRuneInString(cluster)
	w.at += len(cluster)
	w.kept++
	switch {
	case isBreakingSpace(r):
		w.word, w.whole, w.url, w.asked = 0, false, false, false
	case isWideStop(r) && !w.url:
		w.word, w.whole, w.asked = 0, false, false
	default:
		w.word++
		w.url = w.url || strings.HasSuffix(w.s[:w.at], "://")
		next, _ := utf8.DecodeRuneInString(w.s[w.at:])
		figure := unicode.IsDigit(w.previous) && unicode.IsDigit(next)
		w.whole = w.whole || strings.ContainsRune(needsWhole, r) || (r == '.' || r == ':') && !figure
	}
	if !w.dangles(r) {
		w.solid = w.at
	}
	switch r {
	case '«', '“', '„', '(', '[', '{', '「', '『', '（', '【':
		w.depth++
	case '»', '”', ')', ']', '}', '」', '』', '）', '】':
		w.depth--
	case '"':
		w.quoted = !w.quoted
	}
	w.previous, _ = utf8.DecodeLastRuneInString(cluster)
}

// dangles reports whether r, which is right behind, would hang in the air before
// "…": spaces, stops, dashes, opening quotation marks and brackets.
func (w *walker) dangles(r rune) bool {
	switch {
	case strings.ContainsRune(",;:.…、，；：．", r):
		return true
	case w.whole:
		return false
	case r == '"':
		return !w.quoted
	}
	return unicode.IsSpace(r) || r == 0x200b || isOpening(r) || strings.ContainsRune("–—-/|•*&+=‘", r)
}

// isBreakingSpace holds for the spaces that a line may end at.
func isBreakingSpace(r rune) bool {
	return unicode.IsSpace(r) && r != 0xa0 && r != 0x202f && r != 0x2007 || r == 0x200b
}

// isClosing holds for what must not be parted from the word before it, even where a
// plain space stands between.
func isClosing(r rune) bool {
	return strings.ContainsRune("!?;:,.…»”)]}%€、。，．！？；：」』）】々ーぁぃぅぇぉっゃゅょァィゥェォッャュョ؟،؛۔।", r)
}

func isOpening(r rune) bool { return strings.ContainsRune("«“„([{「『（【¿¡", r) }

// isUnspaced holds for letters of scripts that put no spaces between words.
func isUnspaced(r rune) bool {
	return r > 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

func isWideStop(r rune) bool { return strings.ContainsRune("。！？", r) && r != 0 }

func isWordPart(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.So, unicode.Sk) || r == 0x200d || r == 0xfe0f
}

// lastTerminator gives what s ends with behind closing quotation marks and brackets.
func lastTerminator(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(s, isCloser))
	return r
}

func isCloser(r rune) bool { return strings.ContainsRune("»”’\"')]}」』）】 \u00a0\u202f", r) }

// endsSentence reports whether a sentence ends with s where after follows, behind a
// space. It would rather miss an end than take one for it that is none.
func endsSentence(s string, after rune) bool {
	core := strings.TrimRightFunc(s, isCloser)
	r, size := utf8.DecodeLastRuneInString(core)
	switch {
	case unicode.IsLower(after):
		return false
	case strings.ContainsRune("!?。！？؟۔।", r):
		return true
	case r == '…':
		return true
	case r != '.':
		return false
	}
	core = core[:len(core)-size]
	if strings.HasSuffix(core, "..") {
		return true
	}
	word := core[strings.LastIndexFunc(core, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("(«“\"’'", r) })+1:]
	if _, size := utf8.DecodeRuneInString(word); size > 0 && !unicode.IsLetter(rune(word[0])) && word[0] < utf8.RuneSelf {
		word = strings.TrimLeftFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	return !isAbbreviation(word)
}

// isAbbreviation holds for a word whose full stop tells no end: an initial, or
// something with a name or a figure behind it, in French and English.
func isAbbreviation(word string) bool {
	if utf8.RuneCountInString(word) == 1 && unicode.IsLetter([]rune(word)[0]) || strings.Contains(word, ".") {
		return true
	}
	switch strings.ToLower(word) {
	case "mm", "mme", "mmes", "mlle", "mlles", "mgr", "dr", "drs", "pr", "me", "st", "ste", "mr", "mrs", "ms", "prof", "gen",
		"sen", "rep", "gov", "hon", "rev", "lt", "col", "sgt", "capt", "cf", "vs", "art", "al", "av", "bd", "env", "fig", "no",
		"pp", "vol", "ch", "éd", "ed", "inc", "ltd", "co", "corp", "jr", "sr", "approx", "tél", "tel":
		return true
	}
	return false
}
