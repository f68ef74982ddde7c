package publisher

import (
	"errors"
	"fmt"
	"time"
)

// A Kind says what may be done after an error. It is decided once, where the
// failure is seen, and never by reading an error's text.
type Kind uint8

const (
	Internal Kind = iota // a bug of crieur's
	Invalid              // the article, template or configuration must change first
	Denied               // credentials or rights: pause the channel, tell the owner
	Busy                 // surely not done; try again, not before After
	Unknown              // perhaps done: never retried blindly
	NotFound             // the thing asked for does not exist
)

var kindNames = [...]string{"internal", "invalid", "denied", "busy", "unknown", "not-found"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// An Error is the only error type that crosses packages. No secret, and no URL
// that carries one, stands in any of its fields.
type Error struct {
	Kind    Kind
	Op      string    // what was being done: "read article", "post to mastodon"
	Where   string    // file:line, configuration key or channel; "" where there is none
	Hint    string    // what the user can do about it; "" where nothing helps
	Code    int       // the SMTP or HTTP status that said so; 0 where none did
	After   time.Time // Busy only: not before this moment; zero: the caller decides
	Slow    bool      // Busy only: the recipient's side wants less mail at a time
	Verdict Verdict   // what the other side's refusal of a mail says of its reader's address
	Err     error
}

// Error gives "where: op: cause", leaving out what is empty.
func (e *Error) Error() string {
	s := e.Op
	if e.Err != nil {
		if s != "" {
			s += ": "
		}
		s += e.Err.Error()
	}
	if e.Where != "" {
		s = e.Where + ": " + s
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of the outermost *Error in err's chain, Internal where
// there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// HintOf gives the outermost hint that is not empty.
func HintOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

// SlowOf reports whether the recipient's side wants less at a time.
func SlowOf(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Slow
}

// AfterOf gives the moment before which a Busy call is not to be repeated.
func AfterOf(err error) time.Time {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return time.Time{}
}
