package source

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// decode gives the input's text as UTF-8 with "\n" as its only line end. Byte
// order marks decide; then UTF-8 where it is valid; then what a page declares; and
// for text and HTML at last windows-1252, of which ISO-8859-1 is a part.
func decode(in input) (string, error) {
	data := in.data
	if bytes.HasPrefix(data, []byte{0, 0, 0xFE, 0xFF}) || bytes.HasPrefix(data, []byte{0xFF, 0xFE, 0, 0}) {
		return "", encodingError(in.where, "UTF-32")
	}
	for label, mark := range map[string][]byte{"utf-16le": {0xFF, 0xFE}, "utf-16be": {0xFE, 0xFF}} {
		if bytes.HasPrefix(data, mark) {
			return convert(data[len(mark):], label, in.where)
		}
	}
	if kind := binaryKind(data); kind != "" {
		return "", invalid(in.where, kind, "it is a binary file, not a text")
	}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if utf8.Valid(data) {
		return lineEnds(string(data)), nil
	}
	if in.format == formatMarkdown {
		return "", invalid(line(in.where, badLine(data)), "save the file as UTF-8", "the encoding is not UTF-8")
	}
	label := "windows-1252"
	if in.format == formatHTML || in.mediaType != "" {
		_, label, _ = charset.DetermineEncoding(data, in.mediaType)
	}
	if label == "utf-8" {
		// Declared so, and broken: what is broken becomes U+FFFD, as in browsers.
		return lineEnds(strings.ToValidUTF8(string(data), "\uFFFD")), nil
	}
	if label == "windows-1252" && notWestern(data) {
		return "", invalid(line(in.where, badLine(data)), "save the file as UTF-8", "the encoding is neither UTF-8 nor windows-1252")
	}
	return convert(data, label, in.where)
}

func convert(data []byte, label, where string) (string, error) {
	r, err := charset.NewReaderLabel(label, bytes.NewReader(data))
	if err != nil {
		return "", encodingError(where, label)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return "", encodingError(where, label)
	}
	return lineEnds(string(out)), nil
}

func encodingError(where, label string) error {
	return invalid(where, "save the file as UTF-8", "the encoding %s is not supported", label)
}

func lineEnds(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.ReplaceAll(s, "\r", "\n")
}

// notWestern reports bytes that windows-1252 leaves undefined: Shift JIS, Big5 and
// GBK are full of them.
func notWestern(data []byte) bool {
	for _, b := range []byte{0x81, 0x8D, 0x8F, 0x90, 0x9D} {
		if bytes.IndexByte(data, b) >= 0 {
			return true
		}
	}
	return false
}

// badLine gives the line of the first byte that is not UTF-8.
func badLine(data []byte) int {
	n := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			n++
		}
		data = data[size:]
	}
	return n
}

// binaryKind gives a hint for what is no text, "" for what is.
func binaryKind(data []byte) string {
	const other = "give the article as Markdown, HTML or plain text"
	head := data[:min(len(data), 512)]
	switch kind := http.DetectContentType(head); {
	case kind == "application/pdf":
		return "copy the text out of the PDF, or give the address of its web page"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")), bytes.HasPrefix(head, []byte(`{\rtf`)):
		return "in the word processor, save the article as plain text (UTF-8) or HTML"
	case strings.HasPrefix(kind, "image/") && kind != "image/svg+xml", strings.HasPrefix(kind, "video/"), strings.HasPrefix(kind, "audio/"):
		return "a picture or film goes into an article, or beside it; " + other
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return other
	}
	strange := 0
	for _, b := range data {
		if b < ' ' && b != '\n' && b != '\r' && b != '\t' && b != '\f' && b != 0x1B {
			strange++
		}
	}
	if strange > len(data)/50 {
		return other
	}
	return ""
}
