package bounce

import (
	"strconv"
	"strings"

	"crieur/publisher"
)

// delivery reads an RFC 3464 report. Fields that are missing are made up for by the
// words around it: some servers send the part and leave it nearly empty.
func (p *parcel) delivery(text string) Report {
	var r Report
	why := "a report without a recipient"
	for _, g := range p.status {
		recipient := typed(g["original-recipient"])
		if recipient == "" {
			recipient = typed(g["final-recipient"])
		}
		action := strings.ToLower(firstWord(g["action"]))
		if recipient == "" && action == "" {
			continue // the message's own fields
		}
		t := publisher.Return{Recipient: strings.Trim(recipient, "<> "), Remote: oneLine(typed(g["remote-mta"]))}
		diagnostic := typed(g["diagnostic-code"])
		t.Words = oneLine(diagnostic)
		t.Code, t.Status = numbersIn(diagnostic)
		if s := status(firstWord(g["status"])); s != "" && (t.Status == "" || vague(t.Status) || s[0] != t.Status[0]) {
			t.Status = s
			if t.Code/100 != int(s[0]-'0') {
				t.Code = 0
			}
		}
		switch action {
		case "failed", "failure":
			t.Kind = publisher.ReturnFailed
		case "delayed":
			t.Kind = publisher.ReturnDelayed
		case "delivered", "relayed", "expanded":
			t.Kind = publisher.ReturnDelivered
		default:
			switch {
			case strings.HasPrefix(t.Status, "5"):
				t.Kind = publisher.ReturnFailed
			case strings.HasPrefix(t.Status, "4"):
				t.Kind = publisher.ReturnDelayed
			case strings.HasPrefix(t.Status, "2"):
				t.Kind = publisher.ReturnDelivered
			default:
				why = "a report that does not say what happened"
				continue
			}
		}
		if t.Kind == publisher.ReturnFailed {
			complete(&t, text)
		}
		r.Returns = append(r.Returns, t)
	}
	if len(r.Returns) == 0 {
		r.Why = why
	}
	return r
}

// complete gives a failure the code, status and words that it lacks.
func complete(t *publisher.Return, text string) {
	if vague(t.Status) {
		code, s := numbersIn(text)
		if s != "" && !vague(s) && (t.Status == "" || s[0] == t.Status[0]) {
			t.Code, t.Status = code, s
		} else if s := phraseStatus(t.Words + "\n" + text); s != "" {
			t.Status = s
			if t.Code/100 != int(s[0]-'0') {
				t.Code = 0
			}
		}
	}
	if t.Words == "" {
		t.Words = oneLine(telling(text))
	}
	if t.Code == 0 {
		t.Code = 500
		if strings.HasPrefix(t.Status, "4") {
			t.Code = 400
		}
	}
}

// vague reports whether a status says no more than its class.
func vague(s string) bool { return s == "" || s == "5.0.0" || s == "4.0.0" || s == "5.5.0" }

func firstWord(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return strings.Trim(f[0], "();,")
	}
	return ""
}

// status gives s if it is an enhanced status (RFC 3463 §2), else "".
func status(s string) string {
	part := strings.Split(strings.Trim(s, "#.,;:()[]<>"), ".")
	if len(part) != 3 || part[0] != "2" && part[0] != "4" && part[0] != "5" {
		return ""
	}
	for _, n := range part[1:] {
		if len(n) == 0 || len(n) > 3 || strings.Trim(n, "0123456789") != "" {
			return ""
		}
	}
	return strings.Join(part, ".")
}

// numbersIn finds the first SMTP code and enhanced status of a refusal in words. The
// two are of one class.
func numbersIn(text string) (code int, enhanced string) {
	var before string
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r <= ' ' || strings.ContainsRune("()[]<>,;|=\"'", r) }) {
		word = strings.TrimRight(word, ":.")
		dash := strings.IndexByte(word, '-')
		for _, w := range []string{word, word[max(0, dash+1):], word[:max(0, dash)]} {
			if s := status(w); s != "" && s[0] != '2' && enhanced == "" && (code == 0 || code/100 == int(s[0]-'0')) && !looksLikeVersion(before) {
				enhanced = s
			}
			if n, err := strconv.Atoi(w); err == nil && len(w) == 3 && code == 0 && n >= 400 && n < 560 && (enhanced == "" || n/100 == int(enhanced[0]-'0')) {
				code = n
			}
		}
		if code != 0 && enhanced != "" {
			break
		}
		before = word
	}
	if code == 0 && enhanced != "" {
		code = int(enhanced[0]-'0') * 100
	}
	return code, enhanced
}

// looksLikeVersion keeps "Postfix version 5.1.1" from being a status.
func looksLikeVersion(before string) bool {
	before = strings.ToLower(before)
	return before == "version" || before == "v" || before == "release"
}
