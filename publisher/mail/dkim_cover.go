package mail

import (
	"bytes"
	"slices"
	"strings"
)

// covered lists the fields that signatures cover. Each that is there is named once
// more than it stands in the header ("oversigned", RFC 6376 §8.15), so that nobody
// can add a second one; those with absent set are named even where there is none.
//
// A relay may rightly add Sender, Received or Return-Path, and List-* or Feedback-ID
// where we have none: these are left alone.
var covered = []struct {
	name   string
	absent bool
}{
	{"From", true}, {"To", true}, {"Cc", true}, {"Subject", true}, {"Date", true}, {"Reply-To", true}, {"Message-ID", true},
	{"MIME-Version", true}, {"Content-Type", true}, {"Content-Transfer-Encoding", false}, {"Content-Language", false},
	{"List-Id", false}, {"List-Unsubscribe", false}, {"List-Unsubscribe-Post", false}, // RFC 8058 §4 asks for these two
	{"Feedback-ID", false}, {"Auto-Submitted", false},
}

// coverHeader appends to names those of the fields to sign, with colons between
// them, and to fields these fields in the relaxed form, in the same order. header
// ends with the last field's CR LF.
func coverHeader(names, fields, header []byte) (h, canonical []byte) {
	type field struct{ index, from, to int }
	there := make([]field, 0, 32)
	for from := 0; from < len(header); {
		to := fieldEnd(header, from)
		if i := coveredIndex(header[from:to]); i >= 0 {
			there = append(there, field{i, from, to})
		}
		from = to
	}
	for i, c := range covered {
		name := c.absent
		// RFC 6376 §5.4.2: several of one name are signed from the last one up.
		for _, f := range slices.Backward(there) {
			if f.index == i {
				names = append(append(names, c.name...), ':')
				fields = appendRelaxed(fields, header[f.from:f.to])
				name = true
			}
		}
		if name {
			names = append(append(names, c.name...), ':')
		}
	}
	return bytes.TrimSuffix(names, []byte(":")), fields
}

// fieldEnd gives where the field that begins at from ends, after its CR LF.
func fieldEnd(header []byte, from int) int {
	for {
		i := bytes.IndexByte(header[from:], '\n')
		if i < 0 {
			return len(header)
		}
		from += i + 1
		if from == len(header) || header[from] != ' ' && header[from] != '\t' {
			return from
		}
	}
}

func coveredIndex(field []byte) int {
	colon := bytes.IndexByte(field, ':')
	for i, c := range covered {
		if len(c.name) == colon && strings.EqualFold(c.name, string(field[:colon])) {
			return i
		}
	}
	return -1
}

// appendRelaxed appends a header field in the form of RFC 6376 §3.4.2: name in lower
// case, on one line, each run of white space one space, none around the colon or at
// the end.
func appendRelaxed(dst, field []byte) []byte {
	name, value, _ := bytes.Cut(field, []byte(":"))
	for _, c := range bytes.TrimRight(name, " \t") {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	dst = append(dst, ':')
	start, space := len(dst), false
	for _, c := range value {
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			space = true
			continue
		}
		if space && len(dst) > start {
			dst = append(dst, ' ')
		}
		space = false
		dst = append(dst, c)
	}
	return append(dst, '\r', '\n')
}

// simpleBody gives a body that ends with CR LF in the form of RFC 6376 §3.4.3: with
// one at its end, however many there were.
func simpleBody(body []byte) []byte {
	for bytes.HasSuffix(body, []byte("\r\n\r\n")) {
		body = body[:len(body)-2]
	}
	return body
}
