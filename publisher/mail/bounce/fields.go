package bounce

import (
	"bufio"
	"bytes"
	"strings"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-message/textproto"
)

// fields is one group of RFC 822 style fields, keys in lower case; the first of each
// name counts.
type fields map[string]string

const longestField = 8 << 10

// readFields reads groups of fields with empty lines between them (RFC 3464 §2.1). A
// line that is none is skipped: real reports have some.
func readFields(body []byte) []fields {
	var groups []fields
	var group fields
	last := ""
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.TrimSpace(line) == "":
			group, last = nil, ""
			continue
		case (line[0] == ' ' || line[0] == '\t') && last != "":
			if len(group[last]) < longestField {
				group[last] += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			continue
		}
		if group == nil {
			if len(groups) > maxReports {
				return groups
			}
			group = fields{}
			groups = append(groups, group)
		}
		if _, twice := group[name]; twice {
			last = ""
			continue
		}
		group[name], last = strings.TrimSpace(value), name
	}
	return groups
}

// typed gives the value behind "rfc822;" and its like, or all of it.
func typed(v string) string {
	if kind, rest, ok := strings.Cut(v, ";"); ok && !strings.ContainsAny(kind, " @<") {
		return strings.TrimSpace(rest)
	}
	return strings.TrimSpace(v)
}

// An original is what a report gives back of the mail that it is on.
type original struct {
	id    string   // Message-ID
	link  string   // the reader's token
	to    string   // address
	paths []string // addresses that it was sent from
}

// read takes what it can from the head of a returned mail; what is known stays.
func (o *original) read(head []byte) {
	head = bytes.TrimLeft(head, "\r\n \t")
	h, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(append(head[:len(head):len(head)], "\r\n\r\n"...))))
	if err != nil {
		h = salvage(head)
	}
	if o.id == "" {
		o.id = strings.Trim(strings.TrimSpace(h.Get("Message-Id")), "<>")
	}
	if o.link == "" {
		o.link = linkToken(h.Get("List-Unsubscribe"))
	}
	if to := addressesIn(h.Get("To")); o.to == "" && len(to) > 0 {
		o.to = to[0]
	}
	for _, name := range []string{"Return-Path", "X-Envelope-From", "Sender"} {
		if len(o.paths) < 8 {
			o.paths = append(o.paths, addressesIn(h.Get(name))...)
		}
	}
}

// salvage reads a header that is broken somewhere.
func salvage(head []byte) (h textproto.Header) {
	for _, group := range readFields(head) {
		for _, name := range []string{"message-id", "list-unsubscribe", "to", "return-path"} {
			if v := group[name]; v != "" && h.Get(name) == "" {
				h.Set(name, v)
			}
		}
	}
	return h
}

// linkToken gives the reader's token in a mail's one-click address, …/u/TOKEN.
func linkToken(header string) string {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.Trim(strings.TrimSpace(part), "<>")
		_, token, ok := strings.Cut(part, "/u/")
		if !ok || !strings.HasPrefix(part, "http") {
			continue
		}
		if end := strings.IndexAny(token, "?#/ "); end >= 0 {
			token = token[:end]
		}
		return token
	}
	return ""
}

// addressesIn gives the bare addresses of a header field, or of something near it.
func addressesIn(v string) []string {
	if v == "" || len(v) > 8<<10 {
		return nil
	}
	var out []string
	if list, err := mail.ParseAddressList(v); err == nil {
		for _, a := range list {
			out = append(out, a.Address)
		}
		return out
	}
	for word := range strings.FieldsFuncSeq(v, func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>,;\"()[]", r) }) {
		if strings.Count(word, "@") == 1 && len(word) < 255 {
			out = append(out, strings.Trim(word, ":.'"))
		}
	}
	return out
}
