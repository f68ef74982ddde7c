package bounce

import (
	"bytes"
	"slices"
	"strings"

	"github.com/emersion/go-message/mail"
	"golang.org/x/net/html"

	"crieur/publisher"
)

// automatic reports whether a message is a machine's answer that is no report: an
// absence, a receipt, a challenge (RFC 3834 §5, and what is in use beside it).
func (p *parcel) automatic() bool {
	if p.fromDaemon() {
		return false
	}
	auto := strings.ToLower(firstWord(p.head.Get("Auto-Submitted")))
	if auto != "" && auto != "no" {
		return true
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-Suppress", "X-Mail-Autoreply", "X-Vacation"} {
		if p.head.Has(name) {
			return true
		}
	}
	switch strings.ToLower(firstWord(p.head.Get("Precedence"))) {
	case "auto_reply", "junk":
		return true
	}
	return containsAny(fold(p.subject()), autoSubjects) || containsAny(fold(strings.Join(p.text, "\n")), challenges)
}

func (p *parcel) subject() string {
	s, err := p.head.Text("Subject")
	if err != nil {
		return p.head.Get("Subject")
	}
	return s
}

// fromDaemon reports whether a mail server's own account wrote it.
func (p *parcel) fromDaemon() bool {
	from := addressesIn(p.head.Get("From"))
	if len(from) == 0 {
		if list, err := (&mail.Header{Header: p.head}).AddressList("From"); err == nil && len(list) > 0 {
			from = []string{list[0].Address}
		}
	}
	for _, a := range from {
		local, _, _ := strings.Cut(strings.ToLower(a), "@")
		switch local {
		case "mailer-daemon", "postmaster", "mailerdaemon", "mail-daemon", "mailadmin", "mdaemon", "bounce", "noreply-bounce", "mta", "daemon", "majordomo", "exchange", "staff":
			return true
		}
	}
	return strings.Contains(strings.ToLower(p.head.Get("From")), "mailer-daemon") || len(p.head.Values("X-Failed-Recipients")) > 0
}

// plain reads a report in words. It has to come from a mail server's own account, or
// look like one's in its subject, and to say why: a person's letter never counts.
func (p *parcel) plain(text string) Report {
	subject := fold(p.subject())
	daemon := p.fromDaemon() || p.nobody()
	failing := containsAny(subject, failSubjects)
	if !daemon && (!failing || answers(subject)) {
		return Report{Why: "no report"}
	}
	t := publisher.Return{Kind: publisher.ReturnFailed}
	t.Code, t.Status = numbersIn(text)
	words := fold(subject + "\n" + text)
	if containsAny(words, delays) && !containsAny(words, gaveUp) {
		t.Kind = publisher.ReturnDelayed
	}
	// A code alone says nothing: absences have telephone numbers, and staff has 500 colleagues.
	said := t.Status != "" || phraseStatus(words) != ""
	if !said && !containsAny(words, gaveUp) && !failing && !p.head.Has("X-Failed-Recipients") {
		return Report{Why: "a letter of a mail server that names no failure"}
	}
	if t.Kind == publisher.ReturnFailed {
		complete(&t, text)
	}
	t.Words = oneLine(telling(text))
	if failed := addressesIn(p.head.Get("X-Failed-Recipients")); len(failed) > 0 {
		t.Recipient = failed[0]
	} else {
		t.Recipient = failedAddress(text)
	}
	return Report{Returns: []publisher.Return{t}}
}

// answers reports whether a folded subject is that of an answer, or of a letter that
// somebody passes on: of a report, perhaps.
func answers(subject string) bool {
	before, _, ok := strings.Cut(subject, ":")
	return ok && slices.Contains([]string{"re", "fw", "fwd", "tr", "aw", "wg", "rv", "i", "r"}, strings.TrimSpace(before))
}

// nobody reports whether the message came from the null sender, to whom nothing is
// answered (RFC 5321 §4.5.5).
func (p *parcel) nobody() bool {
	return p.head.Has("Return-Path") && strings.Trim(p.head.Get("Return-Path"), "<> ") == ""
}

// failedAddress gives the first address in a report's words that stands on a line of
// its own or in angle brackets: that is how all of them name the recipient.
func failedAddress(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if a := addressesIn(line); len(a) == 1 && (strings.HasPrefix(line, "<") || strings.Trim(line, "<>:;., ") == a[0]) {
			return a[0]
		}
	}
	for line := range strings.Lines(text) {
		if a := addressesIn(strings.TrimSpace(line)); len(a) > 0 {
			return a[0]
		}
	}
	return ""
}

// telling gives the part of a report that says why: the line with a status, a code or
// a known phrase, and the one after it.
func telling(text string) string {
	lines := strings.Split(text, "\n")
	for pass := range 2 {
		for i, line := range lines {
			code, s := numbersIn(line)
			if pass == 0 && code == 0 && s == "" || pass == 1 && phraseStatus(line) == "" {
				continue
			}
			if i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" {
				return line + " " + lines[i+1]
			}
			return line
		}
	}
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			return line
		}
	}
	return ""
}

// cutOriginal gives a text up to the copy of the mail that some servers put below it.
func cutOriginal(text string) string {
	end := len(text)
	for _, mark := range []string{"--- Below this line is a copy of the message.", "------ This is a copy of the message", "------ This is a copy of your message",
		"----- Original message -----", "-----Original Message-----", "----- Original Message -----", "--- Original message follows ---",
		"Original message headers:", "--- Message original ---", "----- Message original -----", "En-têtes du message original", "En-têtes de message d'origine",
		"------ Copy of the original", "   ----- Unsent message follows -----", "----- Message header follows -----", "\nReturn-Path: <", "\nReturn-path: <"} {
		if i := strings.Index(text, mark); i >= 0 {
			if mark[0] != '\n' {
				if nl := strings.IndexByte(text[i:], '\n'); nl >= 0 {
					i += nl // what follows is a header
				}
			}
			end = min(end, i)
		}
	}
	return text[:end]
}

// htmlText gives what a page says, a line for each of its blocks.
func htmlText(page []byte) string {
	var b strings.Builder
	z := html.NewTokenizer(bytes.NewReader(page))
	skip := 0
	for b.Len() < maxText {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if skip == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.Data {
			case "style", "script", "title":
				if t.Type == html.StartTagToken {
					skip++
				} else if skip > 0 {
					skip--
				}
			case "br", "p", "div", "td", "tr", "li", "h1", "h2", "h3", "h4", "pre", "table":
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}
