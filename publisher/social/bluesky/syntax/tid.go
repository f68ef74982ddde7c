package syntax

import "strings"

// sortable is the alphabet of a TID: as text, TIDs sort like their times.
const sortable = "234567abcdefghijklmnopqrstuvwxyz"

const tidLength = 13

// TID reports whether s is a timestamp identifier: 13 characters, of which the
// first leaves the highest bit unset.
func TID(s string) bool {
	return len(s) == tidLength && strings.IndexByte(sortable[:16], s[0]) >= 0 &&
		every(s, func(c byte) bool { return strings.IndexByte(sortable, c) >= 0 })
}

// NewTID makes a TID from microseconds since 1970, of which the lowest 53 bits
// count, and the lowest 10 bits of a clock's identity.
func NewTID(micros int64, clock uint) string {
	v := uint64(micros)&(1<<53-1)<<10 | uint64(clock)&(1<<10-1)
	var b [tidLength]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = sortable[v&31]
		v >>= 5
	}
	return string(b[:])
}
