package source

import (
	"strings"
	"unicode"

	"github.com/abadojack/whatlanggo"
)

// languageTag gives the primary tag of a language as people write it ("fr",
// "fr-FR", "fr_FR.UTF-8"), "" for what is none.
func languageTag(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if i := strings.IndexAny(s, "-_."); i >= 0 {
		s = s[:i]
	}
	if len(s) != 2 && len(s) != 3 {
		return ""
	}
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return ""
		}
	}
	// ISO 639's old and three-letter codes of languages that have a short one.
	switch s {
	case "iw":
		return "he"
	case "in":
		return "id"
	case "ji":
		return "yi"
	case "fra", "fre":
		return "fr"
	case "eng":
		return "en"
	case "und", "mul", "zxx":
		return ""
	}
	return s
}

// undetermined is ISO 639's code for a language that is not known.
const undetermined = "und"

// language gives the declared language, else the recognised one, else the
// configured one.
func language(declared, text string, c Config) string {
	for _, l := range []string{c.DeclaredLanguage, declared} {
		if l = languageTag(l); l != "" {
			return l
		}
	}
	found, sure := detect(text)
	if sure {
		return found
	}
	return first(languageTag(c.Language), found, undetermined)
}

// detect recognises a text's language. A guess from a handful of words is given as
// not sure.
func detect(text string) (lang string, sure bool) {
	// Recognition looks at every trigram; a page of text is plenty.
	const enough = 6000
	if r := []rune(text); len(r) > enough {
		text = string(r[:enough])
	}
	info := whatlanggo.Detect(text)
	// A guess below this is no better than chance; and two languages that are
	// equally near come out in any order, with confidence 0.
	const least = 0.3
	if info.Lang < 0 || info.Confidence < least {
		return "", false
	}
	lang = info.Lang.Iso6391()
	if lang == "" {
		lang = info.Lang.Iso6393()
	}
	// The script with most characters decides there, and Japanese news has more
	// kanji than kana.
	if lang == "zh" && kana(text) {
		lang = "ja"
	}
	return lang, lang != "" && info.IsReliable()
}

// kana reports that at least one letter in twenty is hiragana or katakana.
func kana(text string) bool {
	letters, kana := 0, 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
			if unicode.In(r, unicode.Hiragana, unicode.Katakana) {
				kana++
			}
		}
	}
	return kana*20 >= letters
}

// direction gives "rtl" for the languages that are written so, else "ltr".
func direction(lang string) string {
	switch lang {
	case "ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug", "ur", "yi":
		return "rtl"
	}
	return "ltr"
}
