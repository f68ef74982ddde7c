package config

import (
	"errors"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"text/template/parse"
	"time"
	"unicode"

	"crieur/publisher"
	"crieur/publisher/queue/calendar"
)

// checkFormat reports whether s, which is not empty, is what the format tag asks
// for; nil where it is.
func checkFormat(format, s string) *refusal {
	switch format {
	case "url":
		return checkURL(s)
	case "domain":
		if before, ok := strings.CutSuffix(s, ".*"); ok {
			s = before + ".example"
		}
		if strings.Contains(s, "@") || !strings.Contains(s, ".") || checkHost(s) != nil {
			return &refusal{"want a domain such as example.org, or example.*", ""}
		}
	case "duration":
		if d, err := readDuration(s); err != nil || d <= 0 {
			return &refusal{"want " + duration.want(), ""}
		}
	case "host":
		return checkHost(s)
	case "listen":
		return checkListen(s)
	case "address":
		if _, ok := readAddress(s); !ok {
			return &refusal{"want " + address.want(), ""}
		}
	case "timezone":
		return checkTimezone(s)
	case "template":
		return checkTemplate(s)
	case "regexp":
		return checkRegexp(s)
	case "selector":
		if !ValidSelector(s) {
			return &refusal{"want a selector such as crieur2611", "take letters, digits and hyphens"}
		}
	case "rsa-key":
		return checkRSAKey(s)
	case "ed25519-key":
		return checkEd25519Key(s)
	case "colour":
		if !colour.MatchString(s) {
			return &refusal{"want a colour such as #8a1c1c", "write six hexadecimal digits, in quotes"}
		}
	case "language":
		if !language.MatchString(s) {
			return &refusal{"want a language such as fr or en-GB", ""}
		}
	case "pattern":
		return checkPattern(s)
	case "clock":
		if _, _, err := calendar.ReadTimes([]string{s}); err != nil {
			return refusalOf(err)
		}
	case "backfill":
		if n, err := strconv.Atoi(s); s != "none" && (err != nil || n < 0 || n > 1000) {
			return &refusal{"want none or a whole number up to 1000", ""}
		}
	case "name":
		if !word.MatchString(s) {
			return &refusal{"want a name of letters, digits, - and _", ""}
		}
	}
	return nil
}

var (
	colour   = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)
	language = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	selector = regexp.MustCompile(`^[A-Za-z0-9](-*[A-Za-z0-9])*(\.[A-Za-z0-9](-*[A-Za-z0-9])*)*$`)
	word     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
)

// readAddress reads Name <name@example.org>, or the address alone.
func readAddress(s string) (publisher.Address, bool) {
	a, err := mail.ParseAddress(s)
	if err != nil || strings.ContainsFunc(a.Name+a.Address, unicode.IsControl) {
		return publisher.Address{}, false
	}
	return publisher.Address{Name: a.Name, Email: a.Address}, true
}

// checkPattern looks at a word that an article's property must be, or must not be.
func checkPattern(s string) *refusal {
	switch word, not := strings.CutPrefix(s, "!"); {
	case strings.TrimSpace(word) == "":
		return &refusal{"want a word", ""}
	case not && word == "*":
		return &refusal{"matches no article", "leave the key out for all of them"}
	}
	return nil
}

// refusalOf gives an error's words and hint.
func refusalOf(err error) *refusal { return &refusal{err.Error(), publisher.HintOf(err)} }

func checkURL(s string) *refusal {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsAny(s, " <>\"") {
		return &refusal{"want a web address", "write it in full, as https://example.org/page"}
	}
	return nil
}

func checkHost(s string) *refusal {
	if net.ParseIP(s) != nil {
		return nil
	}
	if strings.ContainsAny(s, "/: @") {
		return &refusal{"want a host name", "write the name alone, such as smtp.example.org; the port is a key of its own"}
	}
	return nil
}

func checkListen(s string) *refusal {
	_, port, err := net.SplitHostPort(s)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		return &refusal{"want an address to listen on", "write host and port, as 127.0.0.1:8080; port 0 takes any that is free"}
	}
	return nil
}

func checkTimezone(s string) *refusal {
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		return &refusal{"unknown time zone", "take a name of the IANA list, such as Europe/Paris or UTC"}
	}
	return nil
}

// checkTemplate looks at a template's form alone: which functions and fields
// there are is known to whoever runs it.
func checkTemplate(s string) *refusal {
	t := parse.New("template")
	t.Mode = parse.SkipFuncCheck
	if _, err := t.Parse(s, "", "", map[string]*parse.Tree{}); err != nil {
		return &refusal{"is no Go template", "compare with {{.Article.Title}}"}
	}
	return nil
}

func checkRegexp(s string) *refusal {
	if _, err := regexp.Compile(s); err != nil {
		message := "is no regular expression"
		var at *syntax.Error
		if errors.As(err, &at) {
			message += " (" + at.Code.String() + ")"
		}
		return &refusal{message, "see https://pkg.go.dev/regexp/syntax"}
	}
	return nil
}
