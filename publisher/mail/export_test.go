package mail

import "bufio"

// ReadReply shows the parser of replies to the tests.
func ReadReply(r *bufio.Reader) (code int, enhanced, text string, err error) {
	got, err := readReply(r)
	return got.code, got.enhanced, got.text, err
}
