package mail

import (
	"bufio"
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
// connection out of step: it must be closed then.
func readReply(r *bufio.Reader) (reply, error) {
	var out reply
	var words []string
	for range maxReplyLines {
		line, err := r.ReadSlice('\n')
		if err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				return reply{}, fmt.Errorf("%w: endless line", errReply)
			}
			return reply{}, err
		}
		code, rest, more, ok := replyLine(strings.TrimRight(string(line), "\r\n"))
		if !ok || out.code != 0 && code != out.code {
			return reply{}, errReply
		}
		status, text := enhanced(code, rest)
		if out.code == 0 {
			out.code, out.enhanced = code, status
		}
		if text = clean(text); text != "" {
			words = append(words, text)
		}
		if !more {
			out.text = cut(strings.Join(words, " "), maxReplyText)
			return out, nil
		}
	}
	return reply{}, fmt.Errorf("%w: too many lines", errReply)
}

// replyLine takes "250-text", "250 text" or "250" apart.
func replyLine(line string) (code int, rest string, more, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9' {
		return 0, "", false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, "", false, true
	}
	return code, line[4:], line[3] == '-', line[3] == '-' || line[3] == ' '
}

// enhanced cuts an enhanced status of the code's own class from a reply's text.
func enhanced(code int, text string) (status, rest string) {
	status, rest, _ = strings.Cut(text, " ")
	parts := strings.Split(status, ".")
	if len(parts) != 3 || parts[0] != strconv.Itoa(code/100) {
		return "", text
	}
	for _, p := range parts[1:] {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n > 999 || strconv.FormatUint(n, 10) != p {
			return "", text
		}
	}
	return status, rest
}
