package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSecret bounds a file that ${file:…} puts into the configuration.
const maxSecret = 64 << 10

// errReference is a reference that cannot be followed: what is wrong, and what to
// do about it.
type errReference struct {
	message, hint string
	missing       bool // there is no such variable or file
}

func (e *errReference) Error() string { return e.message }

// A filled text has its references replaced.
type filled struct {
	text   string
	indeed bool // there were references, so that the text is not the user's to see
	absent bool // it was nothing but one reference, which mode sandbox let be missing
}

// follow puts in what ${env:NAME} and ${file:PATH} refer to. Where lenient, what
// does not exist counts as empty.
func (l *loader) follow(s string, lenient bool) (filled, error) {
	var out filled
	var b strings.Builder
	rest := s
	for {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			break
		}
		if before, escaped := strings.CutSuffix(before, "$"); escaped {
			b.WriteString(before + "${")
			rest = after
			continue
		}
		b.WriteString(before)
		inside, tail, closed := strings.Cut(after, "}")
		if !closed {
			return out, &errReference{message: "begins a reference with ${ and does not end it with }", hint: "write $${ for the characters ${ themselves"}
		}
		value, err := l.refer(inside)
		var e *errReference
		if errors.As(err, &e) && e.missing && lenient {
			out.absent = before == "" && tail == "" && !out.indeed
			err = nil
		}
		if err != nil {
			return out, err
		}
		out.indeed = true
		b.WriteString(value)
		rest = tail
	}
	out.text = b.String()
	return out, nil
}

// refer gives what one reference stands for.
func (l *loader) refer(inside string) (string, error) {
	kind, what, _ := strings.Cut(inside, ":")
	switch {
	case kind == "env" && what != "":
		if n := l.variable(what); n != nil {
			return n.text, nil
		}
		return "", &errReference{message: fmt.Sprintf("environment variable %s is not set", what),
			hint: fmt.Sprintf("set it, or write %s=… in %s", what, filepath.Join(l.dir, ".env")), missing: true}
	case kind == "file" && what != "":
		return l.secretFile(what)
	}
	return "", &errReference{message: "holds a reference that is neither ${env:NAME} nor ${file:PATH}", hint: "write $${ for the characters ${ themselves"}
}

func (l *loader) secretFile(name string) (string, error) {
	p := name
	if !filepath.IsAbs(p) {
		p = filepath.Join(l.dir, p)
	}
	f, err := os.Open(p)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &errReference{message: fmt.Sprintf("no such file %s", p), hint: "write the secret into it, readable by you alone", missing: true}
	}
	var data []byte
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, maxSecret+1))
	}
	switch {
	case err != nil:
		return "", &errReference{message: fmt.Sprintf("file %s cannot be read: %s", p, reason(err))}
	case len(data) > maxSecret:
		return "", &errReference{message: fmt.Sprintf("file %s is larger than 64 KiB", p), hint: "is this the right file?"}
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}
