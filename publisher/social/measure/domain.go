package measure

import (
	"strings"
	"unicode/utf8"
)

// A domainRun is a stretch of text that could be one domain: labels and the
// dots between them. It is taken apart once, however many places in it a domain
// could begin at, so that hostile text cannot make the search quadratic.
type domainRun struct {
	start, end int
	labels     []domainLabel
	at         int // the label that the last search began in
}

type domainLabel struct {
	start, end int
	whole      bool // may stand before other labels as it is
	underscore int  // behind its last underscore; 0: it has none
	tld        int  // the end of the top-level domain behind its dot; 0: there is none
	best       int  // the last label, from here, that a domain could have before its TLD; -1: none
}

// domain gives the end of the longest domain that begins at i, or 0. It must be
// called with positions that do not go back behind the run's beginning.
func (s *urlScanner) domain(i int) int {
	if i == len(s.text) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(s.text[i:])
	if !isDomainChar(r) {
		return 0
	}
	d := &s.run
	if i < d.start || i >= d.end {
		d.read(s.text, i)
	}
	for d.at > 0 && i < d.labels[d.at].start {
		d.at--
	}
	for i > d.labels[d.at].end {
		d.at++
	}
	l := d.labels[d.at]
	if !mayEndLabel(s.text[i:l.end]) {
		return 0
	}
	if next := d.at + 1; next < len(d.labels) && d.labels[next].best >= 0 {
		return d.labels[d.labels[next].best].tld
	}
	if l.underscore <= i {
		return l.tld
	}
	return 0
}

// read takes the run apart that text has at start.
func (d *domainRun) read(text string, start int) {
	d.start, d.at, d.labels = start, 0, d.labels[:0]
	l := domainLabel{start: start, best: -1}
	i := start
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == '.' {
			l.end = i
			d.labels = append(d.labels, l)
			l = domainLabel{start: i + 1, best: -1}
		} else if !isDomainChar(r) && r != '-' && r != '_' {
			break
		}
		i += size
		if r == '_' {
			l.underscore = i
		}
	}
	l.end = i
	d.labels, d.end = append(d.labels, l), i
	for k := len(d.labels) - 1; k >= 0; k-- {
		l := &d.labels[k]
		label := text[l.start:l.end]
		l.whole = label != "" && !strings.ContainsRune("-_", rune(label[0])) && mayEndLabel(label)
		if k == len(d.labels)-1 {
			continue
		}
		l.tld = tldEnd(text, l.end+1)
		switch {
		case !l.whole:
		case d.labels[k+1].best >= 0:
			l.best = d.labels[k+1].best
		case l.underscore == 0 && l.tld > 0:
			l.best = k
		}
	}
}

func mayEndLabel(label string) bool {
	return label != "" && !strings.HasSuffix(label, "-") && !strings.HasSuffix(label, "_")
}

// isDomainChar holds for whatever may begin a label: all but punctuation, spaces
// and what is invisible.
func isDomainChar(r rune) bool {
	return !isPunct(r) && !isSpace(r) && !isForbidden(r) && !isDirectional(r)
}
