package mail

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"
	"strings"

	"crieur/publisher"
)

// A Compiled letter needs only a reader's own values to become a message. It does
// not change; any number of goroutines may use it.
type Compiled struct {
	letter   *publisher.Letter
	sender   mailbox // of the header
	from     mailbox // of the envelope
	sign     *signer // nil: it goes unsigned
	utf8     bool    // a header field holds a non-ASCII address
	pieces   []piece
	needs    []publisher.MergeField // links that must not be empty
	size     int                    // of all pieces
	listMail bool
}

// A piece is finished bytes, and what a reader's message has after them.
type piece struct {
	static []byte
	then   slot
	field  publisher.MergeField
}

type slot uint8

const (
	slotNone   slot = iota
	slotID          // the Message-ID
	slotHeader      // To, and List-Unsubscribe with List-Unsubscribe-Post
	slotHTML        // a field in HTML, quoted-printable
	slotText        // a field in plain text, quoted-printable
)

// Compile builds and encodes everything that the readers of a letter share. Errors
// are of kind Invalid where the letter must change.
func Compile(l *publisher.Letter) (*Compiled, error) {
	from, replyTo, envelope, err := checkLetter(l)
	if err != nil {
		return nil, err
	}
	sk, err := build(l)
	if err != nil {
		return nil, err
	}
	c := &Compiled{letter: l, sender: from, from: envelope, utf8: from.utf8 || replyTo.utf8, listMail: l.ListID != ""}
	c.add(piece{then: slotHeader})
	c.add(piece{static: appendSender(nil, l, from, replyTo)})
	rest := sk.bytes
	for _, part := range []struct {
		word, body string
		slot       slot
	}{{sk.id, "", slotID}, {sk.textAt, l.Rendering.Text, slotText}, {sk.htmlAt, l.Rendering.HTML, slotHTML}} {
		if part.word == "" {
			continue
		}
		before, after, found := bytes.Cut(rest, []byte(part.word))
		if !found || bytes.Contains(after, []byte(part.word)) {
			return nil, &publisher.Error{Kind: publisher.Internal, Op: "build mail", Err: errors.New("the skeleton lost a part")}
		}
		rest = after
		c.add(piece{static: before})
		if part.slot == slotID {
			c.add(piece{then: slotID})
		} else if err := c.addBody(part.body, part.slot); err != nil {
			return nil, err
		}
	}
	if !bytes.HasSuffix(rest, []byte("\r\n")) {
		rest = append(rest, '\r', '\n')
	}
	c.add(piece{static: rest})
	return c, c.checkLines()
}

func (c *Compiled) add(p piece) {
	c.pieces = append(c.pieces, p)
	c.size += len(p.static)
}

// addBody cuts a body at its markers. Soft breaks stand around each, so that a
// reader's value can never change how the text beside it is wrapped.
func (c *Compiled) addBody(body string, at slot) error {
	body = lineEnds(strings.ToValidUTF8(body, "\ufffd"))
	for {
		before, field, after, err := c.nextMarker(body)
		if err != nil {
			return err
		}
		if field == "" {
			enc, _ := appendQuoted(nil, before, staticColumns)
			c.add(piece{static: enc})
			return nil
		}
		enc, col := appendQuoted(nil, before, staticColumns)
		if col > 0 {
			enc = append(enc, softBreak...)
		}
		c.add(piece{static: enc, then: at, field: field})
		switch field {
		case publisher.MergeUnsubscribe, publisher.MergePreferences, publisher.MergeView:
			c.needs = append(c.needs, field)
		}
		body = after
	}
}

// nextMarker finds the first marker; field is "" where there is none.
func (c *Compiled) nextMarker(body string) (before string, field publisher.MergeField, after string, err error) {
	nonce := c.letter.Rendering.Nonce
	// All markers begin alike: what stands before the field's name.
	stem, _, _ := strings.Cut(publisher.Marker(nonce, "\x00"), "\x00")
	before, rest, found := strings.Cut(body, stem)
	if !found {
		return body, "", "", nil
	}
	for _, f := range publisher.MergeFields() {
		if after, ok := strings.CutPrefix(rest, strings.TrimPrefix(publisher.Marker(nonce, f), stem)); ok {
			return before, f, after, nil
		}
	}
	return "", "", "", &publisher.Error{Kind: publisher.Invalid, Op: "build mail",
		Err:  fmt.Errorf("unknown merge field at %q", cut(rest, 20)),
		Hint: fmt.Sprintf("the merge fields are %v", publisher.MergeFields())}
}

// checkLines holds the finished pieces to RFC 5322 §2.1.1, before any server does, and
// to what the wire relies on: a line that begins with a dot would have to be stuffed
// (RFC 5321 §4.5.2). What is spliced in is encoded so that it begins no line with one.
func (c *Compiled) checkLines() error {
	for _, p := range c.pieces {
		for line := range bytes.SplitSeq(p.static, []byte("\r\n")) {
			if bytes.HasPrefix(line, []byte(".")) {
				return &publisher.Error{Kind: publisher.Internal, Op: "build mail", Err: errors.New("a line begins with a dot")}
			}
			if len(line) > 998 {
				return &publisher.Error{Kind: publisher.Invalid, Op: "build mail",
					Err:  fmt.Errorf("header line %q… is longer than 998 octets", cut(string(line), 40)),
					Hint: "shorten the subject or the name; no word in them may be that long"}
			}
		}
	}
	return nil
}

// Size gives what a message is long, in octets, before a reader's values.
func (c *Compiled) Size() int { return c.size }

// Append appends the finished message for one reader to dst: CR LF for line ends,
// no line longer than 998 octets, none beginning with ".". The mail's Letter must
// be the one that was compiled.
func (c *Compiled) Append(dst []byte, m publisher.Mail) ([]byte, error) {
	dst, _, err := c.append(dst, m)
	return dst, err
}

// An envelope is what SMTP is told apart from the message.
type envelope struct {
	from, to mailbox
	utf8     bool // the header needs SMTPUTF8 too
}

func (c *Compiled) append(dst []byte, m publisher.Mail) ([]byte, envelope, error) {
	if m.Letter != c.letter {
		return dst, envelope{}, &publisher.Error{Kind: publisher.Internal, Op: "fill in mail", Err: errors.New("not the letter that was compiled")}
	}
	to, err := parseMailbox(m.To.Email)
	if err != nil {
		return dst, envelope{}, &publisher.Error{Kind: publisher.Invalid, Op: "fill in mail", Err: fmt.Errorf("recipient: %w", err)}
	}
	if err := c.checkValues(m); err != nil {
		return dst, envelope{}, err
	}
	from := c.from
	if m.ReturnPath != "" {
		if from, err = parseMailbox(m.ReturnPath); err != nil {
			return dst, envelope{}, &publisher.Error{Kind: publisher.Internal, Op: "fill in mail", Err: fmt.Errorf("return address: %w", err)}
		}
	}
	for _, p := range c.pieces {
		dst = append(dst, p.static...)
		switch p.then {
		case slotID:
			dst = append(dst, m.MessageID()...)
		case slotHeader:
			dst = appendAddress(dst, "To", m.To.Name, to)
			if link := m.Merge[publisher.MergeUnsubscribe]; c.listMail && link != "" {
				dst = append(append(append(dst, "List-Unsubscribe: <"...), link...), ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...)
			}
		case slotHTML:
			dst = appendValue(dst, escape(clean(m.Merge[p.field])))
		case slotText:
			dst = appendValue(dst, clean(m.Merge[p.field]))
		}
	}
	return dst, envelope{from: from, to: to, utf8: c.utf8 || to.utf8}, nil
}

// escape is html.EscapeString, which takes its time even over what needs none.
func escape(s string) string {
	if !strings.ContainsAny(s, `<>&'"`) {
		return s
	}
	return html.EscapeString(s)
}

// appendValue appends a reader's value on lines of its own.
func appendValue(dst []byte, value string) []byte {
	if value == "" {
		return dst
	}
	dst, _ = appendQuoted(dst, value, valueColumns)
	return append(dst, softBreak...)
}

// checkValues refuses a mail whose links lead nowhere: nobody could leave.
func (c *Compiled) checkValues(m publisher.Mail) error {
	bad := func(format string, args ...any) error {
		return &publisher.Error{Kind: publisher.Internal, Op: "fill in mail", Err: fmt.Errorf(format, args...)}
	}
	for i := range len(m.Key) {
		if b := m.Key[i]; b <= ' ' || b > '~' || notAtom(b) {
			return bad("delivery key that cannot stand in a Message-ID")
		}
	}
	if m.Key == "" || len(m.Key) > 64 {
		return bad("delivery key of %d characters", len(m.Key))
	}
	for _, f := range c.needs {
		if m.Merge[f] == "" {
			return bad("no value for the merge field %s", f)
		}
	}
	link := m.Merge[publisher.MergeUnsubscribe]
	if c.listMail && link == "" {
		return bad("no unsubscribe address for a mail of the list %s", c.letter.ListID)
	}
	if link != "" && !headerURL(link) {
		return bad("unsubscribe address that cannot stand in a header")
	}
	return nil
}

func notAtom(b byte) bool { return strings.IndexByte(`()<>[]:;@\,"`, b) >= 0 }

// headerURL reports whether link is an http(s) URL of printable ASCII that fits a
// header line between angle brackets (RFC 2369 §2).
func headerURL(link string) bool {
	rest, ok := strings.CutPrefix(link, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(link, "http://")
	}
	if !ok || len(link) > 900 || rest == "" || strings.IndexByte("/?#:", rest[0]) >= 0 {
		return false
	}
	for i := range len(rest) {
		if b := rest[i]; b <= ' ' || b > '~' || b == '<' || b == '>' || b == '"' || b == '\\' {
			return false
		}
	}
	// What is beyond plain letters is looked at as a whole.
	if strings.ContainsAny(rest, "%:@[]") {
		u, err := url.Parse(link)
		return err == nil && u.Host != ""
	}
	return true
}

// Build writes the finished bytes of one mail. Whoever builds many of one letter
// compiles it first.
func Build(w io.Writer, m publisher.Mail) error {
	c, err := Compile(m.Letter)
	if err != nil {
		return err
	}
	b, err := c.Append(make([]byte, 0, c.Size()+1024), m)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return &publisher.Error{Kind: publisher.Internal, Op: "write mail", Err: err}
	}
	return nil
}
