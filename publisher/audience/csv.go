package audience

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// A record that is longer than this is no reader of ours.
const (
	maxRecord = 64 << 10 // bytes
	maxLines  = 64       // lines inside quotes
)

var (
	errTooLong  = errors.New("line longer than 64 KiB")
	errUnclosed = errors.New("quote that is never closed")
)

// A table reads records of delimited text, one at a time, in memory bounded by
// maxRecord. A line ends with LF, CR LF or CR. A cell in double quotes may hold
// delimiters, doubled quotes and line ends (RFC 4180); a quote elsewhere is a
// character like any other. A record that cannot be read costs itself alone:
// reading goes on with the next line.
type table struct {
	r     *bufio.Reader
	delim byte
	line  int // of the record last read, from 1
	next  int // lines taken from r or pending so far
	ahead [][]byte
}

// record gives the cells of the next record. An error with ok true concerns this
// record alone; io.EOF and failures to read come with ok false.
func (t *table) record() (cells [][]byte, ok bool, err error) {
	whole, err := t.take()
	t.line = t.next
	if err != nil {
		return nil, errors.Is(err, errTooLong), err
	}
	taken := [][]byte{}
	for inside := open(whole, t.delim, false); inside; {
		tail, err := t.peek()
		if err != nil && err != io.EOF && !errors.Is(err, errTooLong) {
			return nil, false, err
		}
		if err != nil || len(taken) == maxLines || len(whole)+1+len(tail) > maxRecord {
			// The lines after the first are records of their own after all.
			t.ahead = append(taken, t.ahead...)
			return nil, true, errUnclosed
		}
		taken, t.ahead = append(taken, tail), t.ahead[1:]
		whole = append(append(whole, '\n'), tail...)
		inside = open(tail, t.delim, true)
	}
	t.next += len(taken)
	return split(whole, t.delim), true, nil
}

// take gives the next line and counts it.
func (t *table) take() ([]byte, error) {
	line, err := t.peek()
	if err == nil || errors.Is(err, errTooLong) {
		t.next++
		t.ahead = t.ahead[1:]
	}
	return line, err
}

// peek gives the next line, which stands first in ahead then; nil stands there for
// a line that is too long.
func (t *table) peek() ([]byte, error) {
	if len(t.ahead) == 0 {
		line, err := t.read()
		if err != nil && !errors.Is(err, errTooLong) {
			return nil, err
		}
		t.ahead = append(t.ahead, line)
	}
	if t.ahead[0] == nil {
		return nil, errTooLong
	}
	return t.ahead[0], nil
}

// read gives a new, never nil slice without the line's end. A line that is too
// long is skipped to its end.
func (t *table) read() ([]byte, error) {
	line := make([]byte, 0, 128)
	for n := 0; ; n++ {
		c, err := t.r.ReadByte()
		switch {
		case err == io.EOF && n > 0:
		case err != nil:
			return nil, err
		case c == '\r':
			if next, err := t.r.Peek(1); err == nil && next[0] == '\n' {
				_, _ = t.r.ReadByte()
			}
		case c == '\n':
		default:
			if len(line) < maxRecord {
				line = append(line, c)
			}
			if n < maxRecord {
				continue
			}
			n = maxRecord // keeps count from overflowing
			continue
		}
		if n >= maxRecord {
			return nil, errTooLong
		}
		return line, nil
	}
}

// open reports whether a line ends inside quotes, having begun inside them or not.
func open(line []byte, delim byte, inside bool) bool {
	for {
		if !inside {
			line = bytes.TrimLeft(line, " ")
			if len(line) == 0 || line[0] != '"' {
				_, rest, more := bytes.Cut(line, []byte{delim})
				if !more {
					return false
				}
				line = rest
				continue
			}
			line = line[1:]
		}
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			return true
		}
		line, inside = line[i+1:], true
		if len(line) > 0 && line[0] == '"' {
			line = line[1:]
			continue
		}
		_, rest, more := bytes.Cut(line, []byte{delim})
		if !more {
			return false
		}
		line, inside = rest, false
	}
}

// split cuts a record, whose quotes are closed, into cells.
func split(line []byte, delim byte) [][]byte {
	var cells [][]byte
	for {
		var cell []byte
		if trimmed := bytes.TrimLeft(line, " "); len(trimmed) > 0 && trimmed[0] == '"' {
			line = trimmed[1:]
			for {
				quoted, rest, _ := bytes.Cut(line, []byte{'"'})
				cell, line = append(cell, quoted...), rest
				if len(line) == 0 || line[0] != '"' {
					break
				}
				cell, line = append(cell, '"'), line[1:]
			}
		}
		// What stands between a closing quote and the delimiter belongs to the cell:
		// people write "Le "Petit" Journal".
		tail, rest, more := bytes.Cut(line, []byte{delim})
		cells = append(cells, bytes.TrimSpace(append(cell, tail...)))
		if !more {
			return cells
		}
		line = rest
	}
}

// sniff gives the delimiter that stands most often outside quotes in a header row.
func sniff(line []byte) byte {
	best, most := byte(','), 0
	for _, d := range []byte{',', ';', '\t', '|'} {
		n, quoted := 0, false
		for _, c := range line {
			switch {
			case c == '"':
				quoted = !quoted
			case c == d && !quoted:
				n++
			}
		}
		if n > most {
			best, most = d, n
		}
	}
	return best
}
