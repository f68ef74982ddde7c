// Package syntax reads and makes the names of the AT Protocol that crieur deals
// in: handles, DIDs, NSIDs, record keys, TIDs and AT URIs. It checks how they are
// written, not whether what they name exists.
//
// Specification: https://atproto.com/specs/at-uri-scheme and its neighbours.
package syntax

import "strings"

// Handle reports whether s is a handle: a host name of at least two labels whose
// last one does not begin with a digit.
func Handle(s string) bool {
	labels := strings.Split(s, ".")
	if len(s) > 253 || len(labels) < 2 {
		return false
	}
	for _, l := range labels {
		if !hostLabel(l) {
			return false
		}
	}
	return letter(labels[len(labels)-1][0])
}

// DID reports whether s is a decentralised identifier.
func DID(s string) bool {
	rest, ok := strings.CutPrefix(s, "did:")
	method, id, found := strings.Cut(rest, ":")
	if !ok || !found || len(s) > 2048 || method == "" || id == "" || strings.HasSuffix(id, ":") || strings.HasSuffix(id, "%") {
		return false
	}
	return every(method, func(c byte) bool { return 'a' <= c && c <= 'z' }) &&
		every(id, func(c byte) bool { return letter(c) || digit(c) || strings.IndexByte("._:%-", c) >= 0 })
}

// Identifier reports whether s is a handle or a DID.
func Identifier(s string) bool { return Handle(s) || DID(s) }

// NSID reports whether s names a collection or a method, such as
// app.bsky.feed.post: a reversed host name and a name of letters and digits.
func NSID(s string) bool {
	segments := strings.Split(s, ".")
	last := len(segments) - 1
	if len(s) > 317 || last < 2 {
		return false
	}
	for _, l := range segments[:last] {
		if !hostLabel(l) {
			return false
		}
	}
	name := segments[last]
	return letter(segments[0][0]) && len(name) >= 1 && len(name) <= 63 && letter(name[0]) &&
		every(name, func(c byte) bool { return letter(c) || digit(c) })
}

// RecordKey reports whether s can be a record's key.
func RecordKey(s string) bool {
	return len(s) >= 1 && len(s) <= 512 && s != "." && s != ".." &&
		every(s, func(c byte) bool { return letter(c) || digit(c) || strings.IndexByte("._:~-", c) >= 0 })
}

// A URI is the parts of an AT URI. Collection and RecordKey may be empty.
type URI struct{ Authority, Collection, RecordKey string }

// ParseURI reads an AT URI in its strict form, without query or fragment.
func ParseURI(s string) (URI, bool) {
	rest, ok := strings.CutPrefix(s, "at://")
	if !ok || len(s) > 8<<10 {
		return URI{}, false
	}
	parts := strings.Split(rest, "/")
	if len(parts) > 3 || !Identifier(parts[0]) ||
		len(parts) > 1 && !NSID(parts[1]) || len(parts) > 2 && !RecordKey(parts[2]) {
		return URI{}, false
	}
	parts = append(parts, "", "")
	return URI{Authority: parts[0], Collection: parts[1], RecordKey: parts[2]}, true
}

func (u URI) String() string {
	s := "at://" + u.Authority
	if u.Collection != "" {
		s += "/" + u.Collection
	}
	if u.RecordKey != "" {
		s += "/" + u.RecordKey
	}
	return s
}

func hostLabel(s string) bool {
	return len(s) >= 1 && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-' &&
		every(s, func(c byte) bool { return letter(c) || digit(c) || c == '-' })
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }

func every(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}
