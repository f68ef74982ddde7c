// Package measure counts text as the networks count it, and finds in a text what
// they will make a link of. It knows rules, not servers: no I/O, no limits but
// those that are part of a counting rule, and nothing in it shortens a text.
//
// All functions are safe for concurrent use, take time in proportion to the
// text, and accept any string; bytes that are not UTF-8 count as one character
// each.
package measure

import "github.com/rivo/uniseg"

// A Span is a part of a text in bytes: text[Start:End].
type Span struct{ Start, End int }

// Graphemes gives the number of user-perceived characters of s: extended
// grapheme clusters as of Unicode Standard Annex #29.
func Graphemes(s string) int { return uniseg.GraphemeClusterCount(s) }
