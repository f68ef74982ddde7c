package audience

import (
	"strings"

	"golang.org/x/net/idna"

	"crieur/publisher"
)

// Address checks one bare address and gives the form that is stored: without
// white space around it, its domain in lower case and in the reader's own script.
// On top of publisher.SplitEmail it wants a domain of two parts or more that the
// DNS can hold (IDNA 2008). The error is of kind Invalid and does not repeat the
// address.
func Address(s string) (string, error) {
	local, domain, err := publisher.SplitEmail(strings.TrimSpace(s))
	if err != nil {
		return "", invalidAddress(err)
	}
	if !strings.Contains(domain, ".") {
		return "", invalidAddress(errNoTopLevel)
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || len(local)+1+len(ascii) > 254 {
		return "", invalidAddress(errNoDomain)
	}
	shown, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return "", invalidAddress(errNoDomain)
	}
	email := local + "@" + shown
	if _, _, err := publisher.SplitEmail(email); err != nil {
		return "", invalidAddress(err)
	}
	return email, nil
}

type reason string

func (r reason) Error() string { return string(r) }

const (
	errNoTopLevel = reason("domain without a dot")
	errNoDomain   = reason("not a possible domain name")
)

func invalidAddress(err error) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: "read address", Err: err,
		Hint: "write one address such as name@example.org"}
}
