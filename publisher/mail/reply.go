package mail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A reply is a server's answer to one command.
type reply struct {
	code     int
	enhanced string // RFC 3463: "5.1.1"; "" where none was given
	text     string // one printable line without code and enhanced status
}

// String gives the reply as a log shows it: "550 5.1.1 no such mailbox".
func (r reply) String() string {
	s := strconv.Itoa(r.code)
	if r.enhanced != "" {
		s += " " + r.enhanced
	}
	if r.text != "" {
		s += " " + r.text
	}
	return s
}

// RFC 5321 §4.5.3.1.5 allows 512 octets a line; some servers say more. A line longer
// than the reader's buffer, or more lines than this, is nobody's answer.
const maxReplyLines = 128

const maxReplyText = 300 // characters that are kept

var errReply = errors.New("answer that is not SMTP")

// readReply reads one reply of one or more lines. What it cannot read leaves the
// connection out of step: it must be closed then. Without words, those of a reply
// that is no refusal are left out.
func readReply(r *bufio.Reader, words bool) (reply, error) {
	var out reply
	var text []string
	for range maxReplyLines {
		line, err := r.ReadSlice('\n')
		if err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				return reply{}, fmt.Errorf("%w: endless line", errReply)
			}
			return reply{}, err
		}
		code, rest, more, ok := replyLine(bytes.TrimRight(line, "\r\n"))
		if !ok || out.code != 0 && code != out.code {
			return reply{}, errReply
		}
		if words || code >= 400 {
			status, said := enhanced(code, string(rest))
			if out.code == 0 {
				out.enhanced = status
			}
			if said = clean(said); said != "" {
				text = append(text, said)
			}
		}
		out.code = code
		if !more {
			out.text = cut(strings.Join(text, " "), maxReplyText)
			return out, nil
		}
	}
	return reply{}, fmt.Errorf("%w: too many lines", errReply)
}

// replyLine takes "250-text", "250 text" or "250" apart.
func replyLine(line []byte) (code int, rest []byte, more, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9' {
		return 0, nil, false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, nil, false, true
	}
	return code, line[4:], line[3] == '-', line[3] == '-' || line[3] == ' '
}

// enhanced cuts an enhanced status of the code's own class from a reply's text.
func enhanced(code int, text string) (status, rest string) {
	status, rest, _ = strings.Cut(text, " ")
	class, detail, ok := strings.Cut(status, ".")
	subject, number, ok2 := strings.Cut(detail, ".")
	if !ok || !ok2 || len(class) != 1 || int(class[0]-'0') != code/100 || !statusNumber(subject) || !statusNumber(number) {
		return "", text
	}
	return status, rest
}

// statusNumber reports whether s is a number of up to three digits, as RFC 3463 §2
// writes it.
func statusNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s == "0" || len(s) >= 1 && len(s) <= 3 && s[0] != '0'
}
