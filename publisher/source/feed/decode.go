package feed

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

var declaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*?\?>`)
var declared = regexp.MustCompile(`encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// decode gives a document as UTF-8 without a declaration that says otherwise.
// Byte order marks decide, then UTF-8 where it is valid whatever is declared, then
// what the document declares and what the server does, and at last windows-1252,
// of which ISO-8859-1 is a part: a wrong declaration is the commonest mistake.
func decode(data []byte, contentType string) (string, error) {
	text, err := unicodeText(data, contentType)
	if err != nil {
		return "", err
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, text)
	text = strings.TrimLeft(strings.TrimPrefix(text, "\uFEFF"), " \t\r\n")
	if m := declaration.FindString(text); m != "" {
		text = strings.TrimLeft(text[len(m):], " \t\r\n")
	}
	return text, nil
}

func unicodeText(data []byte, contentType string) (string, error) {
	if bytes.HasPrefix(data, []byte{0, 0, 0xFE, 0xFF}) || bytes.HasPrefix(data, []byte{0xFF, 0xFE, 0, 0}) {
		return "", errors.New("the encoding UTF-32 is not supported")
	}
	for _, wide := range []struct {
		mark, look []byte // a byte order mark, or "<" and another sign without one
		label      string
	}{{[]byte{0xFF, 0xFE}, []byte{'<', 0}, "utf-16le"}, {[]byte{0xFE, 0xFF}, []byte{0, '<'}, "utf-16be"}} {
		if bytes.HasPrefix(data, wide.mark) || bytes.HasPrefix(data, wide.look) {
			return convert(bytes.TrimPrefix(data, wide.mark), wide.label)
		}
	}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if utf8.Valid(data) {
		return string(data), nil
	}
	var labels []string
	if m := declared.FindSubmatch(declaration.Find(data[:min(len(data), 1024)])); m != nil {
		labels = append(labels, string(m[1]))
	}
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		labels = append(labels, params["charset"])
	}
	for _, label := range labels {
		switch e, name := charset.Lookup(label); {
		case e == nil, strings.HasPrefix(name, "utf-16"): // it would have been seen
		case name == "utf-8":
			// Declared so, and broken in a few places: these become U+FFFD.
			if mostly(data) {
				return strings.ToValidUTF8(string(data), "\uFFFD"), nil
			}
		default:
			return convert(data, label)
		}
	}
	return convert(data, "windows-1252")
}

// mostly reports text that is UTF-8 but for few signs.
func mostly(data []byte) bool {
	good, bad := 0, 0
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case size > 1:
			good++
		}
		i += size
	}
	return good > 4*bad
}

func convert(data []byte, label string) (string, error) {
	r, err := charset.NewReaderLabel(label, bytes.NewReader(data))
	if err != nil {
		return "", errors.New("the encoding " + label + " is not supported")
	}
	out, err := io.ReadAll(r)
	return string(out), err
}
