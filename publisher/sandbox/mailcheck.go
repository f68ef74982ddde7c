package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

const maxLine = 998 // bytes without CRLF: RFC 5322 §2.1.1

// examine holds a mail against RFC 5322, RFC 2045 and what mailbox providers want of
// newsletters, and reads what the index keeps of it. Its errors are SMTP refusals.
func examine(raw []byte, opts smtp.MailOptions, now time.Time) (Mail, error) {
	if err := checkLines(raw, opts); err != nil {
		return Mail{}, err
	}
	h, body, err := readHeader(raw)
	if err != nil {
		return Mail{}, err
	}
	m, err := checkHeader(h, now)
	if err != nil {
		return Mail{}, err
	}
	if err := checkEntity(h, body, 0); err != nil {
		return Mail{}, err
	}
	return m, nil
}

func malformed(format string, args ...any) error {
	return refuse(554, 5, 6, 0, fmt.Sprintf(format, args...))
}

// checkLines holds the bytes: line ends, line lengths, no NUL, and 8-bit only where
// it was announced.
func checkLines(raw []byte, opts smtp.MailOptions) error {
	eightBit := opts.Body == smtp.Body8BitMIME || opts.UTF8
	number := 0
	for rest := raw; len(rest) > 0; {
		number++
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return malformed("line %d: no line end", number)
		}
		line := rest[:i]
		rest = rest[i+1:]
		if len(line) == 0 || line[len(line)-1] != '\r' {
			return malformed("line %d: a line feed without a carriage return", number)
		}
		line = line[:len(line)-1]
		if len(line) > maxLine {
			return refuse(554, 5, 6, 0, fmt.Sprintf("line %d: %d bytes, more than %d", number, len(line), maxLine))
		}
		for _, c := range line {
			switch {
			case c >= 0x80 && !eightBit:
				return refuse(554, 5, 6, 1, fmt.Sprintf("line %d: an 8-bit byte without BODY=8BITMIME", number))
			case c == 0 || c == '\r':
				return malformed("line %d: a control character (%#02x)", number, c)
			}
		}
	}
	return nil
}

func readHeader(raw []byte) (textproto.MIMEHeader, []byte, error) {
	end := bytes.Index(raw, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil, malformed("no empty line after the header")
	}
	for i, line := range bytes.Split(raw[:end], []byte("\r\n")) {
		if len(line) == 0 {
			return nil, nil, malformed("no header")
		}
		if line[0] == ' ' || line[0] == '\t' {
			if i == 0 || len(bytes.TrimSpace(line)) == 0 {
				return nil, nil, malformed("header line %d: a fold without text", i+1)
			}
			continue
		}
		name, _, ok := bytes.Cut(line, []byte{':'})
		if !ok || !isFieldName(name) {
			return nil, nil, malformed("header line %d: no field name", i+1)
		}
	}
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(raw[:end+4]))).ReadMIMEHeader()
	if err != nil {
		return nil, nil, malformed("the header cannot be read: %v", err)
	}
	return h, raw[end+4:], nil
}

func isFieldName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(name) > 0
}

// checkHeader wants what RFC 5322 §3.6 wants, at most once each, and of newsletters
// (mails with a List-Id) the one-click unsubscription of RFC 8058.
func checkHeader(h textproto.MIMEHeader, now time.Time) (Mail, error) {
	var m Mail
	for _, name := range []string{"From", "Date", "Message-Id", "To"} {
		if len(h[name]) == 0 {
			return m, malformed("no %s header", name)
		}
	}
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Date", "Message-Id", "Subject", "List-Id", "Mime-Version",
		"Content-Type", "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post"} {
		if len(h[name]) > 1 {
			return m, malformed("%d %s headers", len(h[name]), name)
		}
	}
	for _, name := range []string{"From", "Reply-To", "To", "Cc"} {
		if len(h[name]) == 0 {
			continue
		}
		list, err := mail.ParseAddressList(h.Get(name))
		if err != nil {
			return m, malformed("the %s header is no list of addresses", name)
		}
		if name == "From" {
			m.Sender = shown(list[0])
		}
	}
	date, err := mail.ParseDate(h.Get("Date"))
	if err != nil {
		return m, malformed("the Date header is no date")
	}
	if date.After(now.Add(24 * time.Hour)) {
		return m, malformed("the Date header is in the future")
	}
	id, ok := strings.CutPrefix(h.Get("Message-Id"), "<")
	id, closed := strings.CutSuffix(id, ">")
	left, right, at := strings.Cut(id, "@")
	if !ok || !closed || !at || left == "" || right == "" || strings.ContainsAny(id, " <>\t") {
		return m, malformed("the Message-ID header is not <left@right>")
	}
	m.MessageID = id
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(h.Get("Subject")); err != nil {
		return m, malformed("the Subject header cannot be decoded")
	}
	if m.List, err = new(mime.WordDecoder).DecodeHeader(h.Get("List-Id")); err != nil {
		return m, malformed("the List-Id header cannot be decoded")
	}
	if m.List != "" {
		return m, checkOneClick(h)
	}
	return m, nil
}

func shown(a *mail.Address) string {
	if a.Name == "" {
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}

func checkOneClick(h textproto.MIMEHeader) error {
	if h.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		return malformed("a List-Id without List-Unsubscribe-Post: List-Unsubscribe=One-Click (RFC 8058)")
	}
	for _, uri := range strings.Split(h.Get("List-Unsubscribe"), ",") {
		uri = strings.Trim(strings.TrimSpace(uri), "<>")
		if strings.HasPrefix(uri, "https://") || strings.HasPrefix(uri, "http://") {
			return nil
		}
	}
	return malformed("a List-Id without a List-Unsubscribe address to post to (RFC 8058)")
}

// checkEntity holds one part and those inside it: media type, encoding, boundary.
func checkEntity(h textproto.MIMEHeader, body []byte, depth int) error {
	if depth > 20 {
		return malformed("parts more than 20 deep")
	}
	if depth == 0 && h.Get("Content-Type") != "" && strings.TrimSpace(h.Get("Mime-Version")) != "1.0" {
		return malformed("a Content-Type without MIME-Version: 1.0")
	}
	kind, params := "text/plain", map[string]string{}
	if ct := h.Get("Content-Type"); ct != "" {
		var err error
		if kind, params, err = mime.ParseMediaType(ct); err != nil {
			return malformed("a Content-Type that cannot be read")
		}
	}
	encoding := strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding")))
	if !strings.HasPrefix(kind, "multipart/") {
		if strings.HasPrefix(kind, "text/") {
			switch strings.ToLower(params["charset"]) {
			case "", "us-ascii", "utf-8":
			default:
				return malformed("charset %q: this is not UTF-8", params["charset"])
			}
		}
		return checkEncoded(encoding, body)
	}
	switch encoding {
	case "", "7bit", "8bit":
	default:
		return malformed("a multipart that is itself encoded (RFC 2045 §6.4)")
	}
	if params["boundary"] == "" {
		return malformed("a multipart without a boundary")
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for n := 0; ; n++ {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				return malformed("a multipart without parts")
			}
			return nil
		}
		if err != nil {
			return malformed("a multipart that does not end with its boundary")
		}
		inner, err := io.ReadAll(p)
		if err != nil {
			return malformed("a part that does not end with its boundary")
		}
		if err := checkEntity(p.Header, inner, depth+1); err != nil {
			return err
		}
	}
}

func checkEncoded(encoding string, body []byte) error {
	switch encoding {
	case "":
		encoding = "7bit"
		fallthrough
	case "7bit":
		for _, c := range body {
			if c >= 0x80 {
				return malformed("an 8-bit byte in a %s part", encoding)
			}
		}
	case "8bit":
	case "quoted-printable":
		return checkQuoted(body)
	case "base64":
		for line := range bytes.SplitSeq(body, []byte("\r\n")) {
			if len(line) > 76 {
				return malformed("a base64 line of %d characters, more than 76", len(line))
			}
			if i := bytes.IndexFunc(line, func(r rune) bool { return !isBase64(r) }); i >= 0 {
				return malformed("a character that is not base64 (%#02x)", line[i])
			}
		}
	default:
		return malformed("Content-Transfer-Encoding %q", encoding)
	}
	return nil
}

func isBase64(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '='
}

// checkQuoted holds quoted-printable to RFC 2045 §6.7: lines of at most 76, "=" only
// before two hex digits or a line's end, no blank at a line's end.
func checkQuoted(body []byte) error {
	for line := range bytes.SplitSeq(body, []byte("\r\n")) {
		if len(line) > 76 {
			return malformed("a quoted-printable line of %d characters, more than 76", len(line))
		}
		if n := len(line); n > 0 && (line[n-1] == ' ' || line[n-1] == '\t') {
			return malformed("a quoted-printable line that ends with a blank")
		}
		for i := 0; i < len(line); i++ {
			c := line[i]
			if c >= 0x7f || c < ' ' && c != '\t' {
				return malformed("a character that quoted-printable must encode (%#02x)", c)
			}
			if c != '=' || i == len(line)-1 {
				continue
			}
			if i+2 >= len(line) || !isUpperHex(line[i+1]) || !isUpperHex(line[i+2]) {
				return malformed("an = in quoted-printable that is no escape")
			}
			i += 2
		}
	}
	return nil
}

func isUpperHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' }
