package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// readDotenv reads the file .env beside the configuration. A line is NAME=VALUE,
// with or without export before it; VALUE in single quotes is taken as it is, in
// double quotes \n, \" and \\ are understood, and without quotes it ends before
// a # that follows a blank. Nothing is put in for $, which passwords hold.
func (l *loader) readDotenv() map[string]*node {
	file := filepath.Join(l.dir, ".env")
	place := func(line int) origin { return origin{file: file, line: line, layer: fromEnvironment} }
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var data []byte
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	}
	if err == nil && len(data) > maxFile {
		err = errors.New("is larger than 256 KiB")
	}
	if err != nil {
		l.problem(place(0), "", "cannot be read: "+reason(err), "")
		return nil
	}
	variables := map[string]*node{}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name = strings.TrimSpace(name)
		if !ok || !variableName.MatchString(name) {
			// The line itself may be a password.
			l.problem(place(i+1), "", "want NAME=VALUE", "")
			continue
		}
		value, ok = unquote(strings.TrimSpace(value))
		if !ok {
			l.problem(place(i+1), "", "the value of "+name+" lacks its closing quote", "")
			continue
		}
		variables[name] = &node{kind: scalar, text: value, origin: place(i + 1)}
	}
	return variables
}

func unquote(s string) (string, bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		for i := range s {
			if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
				return strings.TrimSpace(s[:i]), true
			}
		}
		return s, true
	}
	var b strings.Builder
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return b.String(), true
		case c == '\\' && quote == '"' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case '"', '\\':
				b.WriteByte(s[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
