package measure

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

const (
	joiner      = 0x200d
	textStyle   = 0xfe0e
	emojiStyle  = 0xfe0f
	keycap      = 0x20e3
	man         = 0x1f468
	woman       = 0x1f469
	person      = 0x1f9d1
	boy         = 0x1f466
	girl        = 0x1f467
	heart       = 0x2764
	kiss        = 0x1f48b
	handshake   = 0x1f91d
	female      = 0x2640
	male        = 0x2642
	blackFlag   = 0x1f3f4
	cancelTag   = 0xe007f
	maxZWJParts = 4 // kiss: person, heart, lips, person
)

// emojiLen gives the length in bytes of the emoji that s, whose first rune is r,
// begins with: 0 where it does not begin with one.
func emojiLen(s string, r rune) int {
	size := utf8.RuneLen(r)
	switch {
	case r == '#', r == '*', isASCIIDigit(r):
		next, n := runeAt(s, size)
		if next == emojiStyle {
			size += n
			next, n = runeAt(s, size)
		}
		if next == keycap {
			return size + n
		}
		return 0
	case r < 0xa9:
		return 0
	case r == 0xa9, r == 0xae, r == 0x2122, r == 0x265f:
		// By themselves these are text.
		if next, n := runeAt(s, size); next == emojiStyle {
			return size + n
		}
		return 0
	case isRegional(r):
		next, n := runeAt(s, size)
		if isRegional(next) && isFlag(r, next) {
			return size + n
		}
		return size
	case !isPictograph(r):
		return 0
	case r == blackFlag:
		if n := subdivisionFlagLen(s[size:]); n > 0 {
			return size + n
		}
	}
	return sequenceLen(s)
}

// sequenceLen reads pictographs joined by U+200D, as many as make an emoji that
// is recommended for interchange (Unicode Technical Standard #51).
func sequenceLen(s string) int {
	var parts [maxZWJParts]rune
	end, best := 0, 0
	for n := range parts {
		r, size := runeAt(s, end)
		if !isPictograph(r) {
			break
		}
		next, nextSize := runeAt(s, end+size)
		switch {
		case next == textStyle:
			return best
		case next == emojiStyle, isSkinTone(next) && takesSkinTone(r):
			size += nextSize
		}
		parts[n] = r
		end += size
		if isSequence(parts[:n+1]) {
			best = end
		}
		j, joinerSize := runeAt(s, end)
		if j != joiner {
			break
		}
		end += joinerSize
	}
	return best
}

// isSequence reports whether the pictographs, joined, are one emoji.
func isSequence(p []rune) bool {
	switch len(p) {
	case 1:
		return true
	case 2:
		switch {
		case p[1] == female || p[1] == male:
			return isGendered(p[0])
		case isAdult(p[0]) || p[0] == person:
			return isRole(p[1]) || isChild(p[1]) && p[0] != person
		}
		return slices.Contains(joinedPairs(), [2]rune{p[0], p[1]})
	case 3:
		switch {
		case isChild(p[2]):
			return isAdult(p[0]) && (isAdult(p[1]) || isChild(p[1]))
		case p[1] == handshake, p[1] == heart:
			return isPartner(p[0]) && isPartner(p[2])
		}
	case 4:
		if isChild(p[3]) {
			return isAdult(p[0]) && isAdult(p[1]) && isChild(p[2])
		}
		return isPartner(p[0]) && p[1] == heart && p[2] == kiss && isPartner(p[3])
	}
	return false
}

// joinedPairs are the sequences of two that follow no pattern.
func joinedPairs() [][2]rune {
	return [][2]rune{
		{0x1f3f3, 0x1f308}, {0x1f3f3, 0x26a7}, {blackFlag, 0x2620}, // rainbow, transgender, pirate flag
		{0x1f415, 0x1f9ba}, {0x1f408, 0x2b1b}, {0x1f43b, 0x2744}, {0x1f426, 0x2b1b}, // service dog, black cat, polar bear, black bird
		{0x1f441, 0x1f5e8}, {heart, 0x1f525}, {heart, 0x1fa79}, // eye in speech bubble, heart on fire, mending heart
		{0x1f62e, 0x1f4a8}, {0x1f635, 0x1f4ab}, {0x1f636, 0x1f32b}, // exhaling, dizzy, face in clouds
	}
}

func isAdult(r rune) bool   { return r == man || r == woman }
func isChild(r rune) bool   { return r == boy || r == girl }
func isPartner(r rune) bool { return isAdult(r) || r == person }

// isRole holds for what a person can be joined with: an occupation's sign, hair,
// a cane or wheelchair, a bottle, a Christmas tree.
func isRole(r rune) bool {
	switch r {
	case 0x2695, 0x2696, 0x2708, 0x1f33e, 0x1f373, 0x1f37c, 0x1f384, 0x1f393, 0x1f3a4, 0x1f3a8, 0x1f3eb, 0x1f3ed,
		0x1f4bb, 0x1f4bc, 0x1f527, 0x1f52c, 0x1f680, 0x1f692, 0x1f9af, 0x1f9bc, 0x1f9bd,
		0x1f9b0, 0x1f9b1, 0x1f9b2, 0x1f9b3:
		return true
	}
	return false
}

// isGendered holds for the people that U+2640 or U+2642 can follow.
func isGendered(r rune) bool {
	switch r {
	case 0x26f9, 0x1f3c3, 0x1f3c4, 0x1f3ca, 0x1f3cb, 0x1f3cc, 0x1f46e, 0x1f46f, 0x1f470, 0x1f471, 0x1f473, 0x1f477,
		0x1f481, 0x1f482, 0x1f486, 0x1f487, 0x1f575, 0x1f645, 0x1f646, 0x1f647, 0x1f64b, 0x1f64d, 0x1f64e, 0x1f6a3,
		0x1f6b4, 0x1f6b5, 0x1f6b6, 0x1f926, 0x1f935, 0x1f937, 0x1f938, 0x1f939, 0x1f93c, 0x1f93d, 0x1f93e,
		0x1f9b8, 0x1f9b9, 0x1f9cd, 0x1f9ce, 0x1f9cf, 0x1f9d4:
		return true
	}
	return r >= 0x1f9d6 && r <= 0x1f9df
}

// takesSkinTone follows Unicode's Emoji_Modifier_Base.
func takesSkinTone(r rune) bool {
	switch {
	case r == 0x261d, r == 0x26f9, r >= 0x270a && r <= 0x270d,
		r == 0x1f385, r >= 0x1f3c2 && r <= 0x1f3c4, r == 0x1f3c7, r >= 0x1f3ca && r <= 0x1f3cc,
		r >= 0x1f442 && r <= 0x1f443, r >= 0x1f446 && r <= 0x1f450, r >= 0x1f466 && r <= 0x1f478, r == 0x1f47c,
		r >= 0x1f481 && r <= 0x1f483, r >= 0x1f485 && r <= 0x1f487, r == 0x1f48f, r == 0x1f491, r == 0x1f4aa,
		r == 0x1f574, r == 0x1f575, r == 0x1f57a, r == 0x1f590, r == 0x1f595, r == 0x1f596,
		r >= 0x1f645 && r <= 0x1f647, r >= 0x1f64b && r <= 0x1f64f, r == 0x1f6a3, r >= 0x1f6b4 && r <= 0x1f6b6,
		r == 0x1f6c0, r == 0x1f6cc, r == 0x1f90c, r == 0x1f90f, r >= 0x1f918 && r <= 0x1f91f, r == 0x1f926,
		r >= 0x1f930 && r <= 0x1f939, r >= 0x1f93c && r <= 0x1f93e, r == 0x1f977, r >= 0x1f9b5 && r <= 0x1f9b6,
		r == 0x1f9b8, r == 0x1f9b9, r == 0x1f9bb, r >= 0x1f9cd && r <= 0x1f9cf, r >= 0x1f9d1 && r <= 0x1f9dd:
		return true
	}
	return false
}

func isSkinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }
func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// isFlag reports whether two regional indicators name a flag.
func isFlag(a, b rune) bool {
	code := string([]rune{a - 0x1f1e6 + 'A', b - 0x1f1e6 + 'A'})
	switch code {
	case "AC", "CP", "DG", "EA", "EU", "IC", "TA", "UN", "XK":
		return true
	}
	region, err := language.ParseRegion(code)
	return err == nil && region.IsCountry() && region.String() == code
}

// subdivisionFlagLen reads the tags that make a black flag England's, Scotland's
// or that of Wales.
func subdivisionFlagLen(s string) int {
	var name []byte
	for i, r := range s {
		if r == cancelTag {
			switch string(name) {
			case "gbeng", "gbsct", "gbwls":
				return i + utf8.RuneLen(r)
			}
			return 0
		}
		if r < 0xe0061 || r > 0xe007a || len(name) == len("gbeng") {
			return 0
		}
		name = append(name, byte(r-0xe0000))
	}
	return 0
}

// isPictograph holds for characters that are emoji, alone or with U+FE0F. In the
// blocks that have little else it holds for all of the block.
func isPictograph(r rune) bool { return r >= 0x203c && unicode.Is(pictographs, r) }

var pictographs = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x203c, 0x203c, 1}, {0x2049, 0x2049, 1}, {0x2122, 0x2122, 1}, {0x2139, 0x2139, 1}, {0x2194, 0x2199, 1},
		{0x21a9, 0x21aa, 1}, {0x231a, 0x231b, 1}, {0x2328, 0x2328, 1}, {0x23cf, 0x23cf, 1}, {0x23e9, 0x23f3, 1},
		{0x23f8, 0x23fa, 1}, {0x24c2, 0x24c2, 1}, {0x25aa, 0x25ab, 1}, {0x25b6, 0x25b6, 1}, {0x25c0, 0x25c0, 1},
		{0x25fb, 0x25fe, 1}, {0x2600, 0x2604, 1}, {0x260e, 0x260e, 1}, {0x2611, 0x2611, 1}, {0x2614, 0x2615, 1},
		{0x2618, 0x2618, 1}, {0x261d, 0x261d, 1}, {0x2620, 0x2620, 1}, {0x2622, 0x2623, 1}, {0x2626, 0x2626, 1},
		{0x262a, 0x262a, 1}, {0x262e, 0x262f, 1}, {0x2638, 0x263a, 1}, {0x2640, 0x2640, 1}, {0x2642, 0x2642, 1},
		{0x2648, 0x2653, 1}, {0x265f, 0x2660, 1}, {0x2663, 0x2663, 1}, {0x2665, 0x2666, 1}, {0x2668, 0x2668, 1},
		{0x267b, 0x267b, 1}, {0x267e, 0x267f, 1}, {0x2692, 0x2697, 1}, {0x2699, 0x2699, 1}, {0x269b, 0x269c, 1},
		{0x26a0, 0x26a1, 1}, {0x26a7, 0x26a7, 1}, {0x26aa, 0x26ab, 1}, {0x26b0, 0x26b1, 1}, {0x26bd, 0x26be, 1},
		{0x26c4, 0x26c5, 1}, {0x26c8, 0x26c8, 1}, {0x26ce, 0x26cf, 1}, {0x26d1, 0x26d1, 1}, {0x26d3, 0x26d4, 1},
		{0x26e9, 0x26ea, 1}, {0x26f0, 0x26f5, 1}, {0x26f7, 0x26fa, 1}, {0x26fd, 0x26fd, 1}, {0x2702, 0x2702, 1},
		{0x2705, 0x2705, 1}, {0x2708, 0x270d, 1}, {0x270f, 0x270f, 1}, {0x2712, 0x2712, 1}, {0x2714, 0x2714, 1},
		{0x2716, 0x2716, 1}, {0x271d, 0x271d, 1}, {0x2721, 0x2721, 1}, {0x2728, 0x2728, 1}, {0x2733, 0x2734, 1},
		{0x2744, 0x2744, 1}, {0x2747, 0x2747, 1}, {0x274c, 0x274c, 1}, {0x274e, 0x274e, 1}, {0x2753, 0x2755, 1},
		{0x2757, 0x2757, 1}, {0x2763, 0x2764, 1}, {0x2795, 0x2797, 1}, {0x27a1, 0x27a1, 1}, {0x27b0, 0x27b0, 1},
		{0x27bf, 0x27bf, 1}, {0x2934, 0x2935, 1}, {0x2b05, 0x2b07, 1}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b50, 1},
		{0x2b55, 0x2b55, 1}, {0x3030, 0x3030, 1}, {0x303d, 0x303d, 1}, {0x3297, 0x3297, 1}, {0x3299, 0x3299, 1},
	},
	R32: []unicode.Range32{
		{0x1f004, 0x1f004, 1}, {0x1f0cf, 0x1f0cf, 1}, {0x1f170, 0x1f171, 1}, {0x1f17e, 0x1f17f, 1},
		{0x1f18e, 0x1f18e, 1}, {0x1f191, 0x1f19a, 1}, {0x1f201, 0x1f202, 1}, {0x1f21a, 0x1f21a, 1},
		{0x1f22f, 0x1f22f, 1}, {0x1f232, 0x1f23a, 1}, {0x1f250, 0x1f251, 1}, {0x1f300, 0x1f64f, 1},
		{0x1f680, 0x1f6ff, 1}, {0x1f7e0, 0x1f7eb, 1}, {0x1f90c, 0x1faff, 1},
	},
}

// runeAt gives the rune at s[i:] and its size; 0, 0 at the end.
func runeAt(s string, i int) (rune, int) {
	if i >= len(s) {
		return 0, 0
	}
	return utf8.DecodeRuneInString(s[i:])
}
