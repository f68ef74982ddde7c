package audience

import (
	"encoding/base32"
	"fmt"
	"io"

	"crieur/publisher"
)

// tokenText has 32 letters and digits that survive every mail program, URL and
// change of line; 26 of them carry 128 bits.
var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newToken draws 128 bits.
func newToken(rand io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", &publisher.Error{Kind: publisher.Internal, Op: "draw a token", Err: err}
	}
	return tokenText.EncodeToString(b[:]), nil
}

// tokenShaped keeps what surely is no token, of whatever length, from the store.
// Tokens of other makers (an imported state) may be longer or have other letters.
func tokenShaped(token string) bool {
	if len(token) < 16 || len(token) > 128 {
		return false
	}
	for i := range len(token) {
		switch c := token[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

func errNoToken(op string) error {
	return &publisher.Error{Kind: publisher.NotFound, Op: op, Err: fmt.Errorf("no reader has this token")}
}
