package wire

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"crieur/publisher"
)

// A Check collects all that is wrong with one channel's configuration, so that an
// owner sees it at once. Its zero value with a Channel is ready to use.
type Check struct {
	Channel string
	errs    []error
}

// Refuse notes that the value of key will not do.
func (c *Check) Refuse(key, hint, format string, args ...any) {
	c.errs = append(c.errs, &publisher.Error{
		Kind:  publisher.Invalid,
		Where: "channels." + c.Channel + "." + key,
		Hint:  hint,
		Err:   fmt.Errorf(format, args...),
	})
}

// Require notes that key has no value.
func (c *Check) Require(key, value, hint string) {
	if value == "" {
		c.Refuse(key, hint, "%s is missing", key)
	}
}

// OneOf notes that the value of key is none of those allowed.
func (c *Check) OneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.Refuse(key, "take one of "+strings.Join(allowed, ", "), "%q is not known here", value)
	}
}

// Server notes that the value of key is no address of a server: http or https, a
// host, and nothing that a base address cannot have. What it refuses is not
// repeated where it may hold a password.
func (c *Check) Server(key, value string) {
	hint := "write it as https://server.example"
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		c.Refuse(key, hint, "%s is not an http or https address", key)
	case u.User != nil:
		c.Refuse(key, hint, "%s holds a user name or password", key)
	case u.RawQuery != "" || u.Fragment != "":
		c.Refuse(key, hint, "%s ends in a query or fragment", key)
	}
}

// Err gives all that was noted as one error, nil where that is nothing.
func (c *Check) Err() error { return errors.Join(c.errs...) }
