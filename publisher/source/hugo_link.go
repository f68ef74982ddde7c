package source

import (
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// link gives the address at which Hugo publishes an article; "" where that cannot be
// known. fallback is the site's address where Hugo's configuration has none.
func (s *hugoSite) link(d *draft, fallback string) string {
	p, ok := s.place(d.in.src)
	base := first(p.language.base, s.base)
	if webURL(base) == nil {
		base = slashed(fallback)
	}
	if !ok || base == "" {
		return ""
	}
	prefix := ""
	if p.language.base == "" && (s.inSubdir || p.language.code != s.languages[0].code) {
		prefix = p.language.code + "/"
	}
	if own := d.front.text("url"); own != "" {
		if isWebAddress(own) {
			return own
		}
		if strings.HasPrefix(own, "/") {
			prefix = ""
		}
		own = s.tidy(strings.Trim(own, "/"), false)
		if own != "" && path.Ext(own) == "" {
			own += "/"
		}
		return base + prefix + (&url.URL{Path: own}).EscapedPath()
	}
	at, ok := s.expand(p, d)
	if !ok {
		return ""
	}
	at = strings.Trim(at, "/")
	switch {
	case s.ugly:
		at += ".html"
	default:
		at += "/"
	}
	// A path is no opaque part: url.URL would put ./ before a colon.
	return base + prefix + (&url.URL{Path: "/" + at}).EscapedPath()[1:]
}

// expand gives a page's path below the language's address.
func (s *hugoSite) expand(p hugoPage, d *draft) (string, bool) {
	slug := s.tidy(d.front.text("slug"), true)
	section := ""
	if len(p.folders) > 0 {
		section = strings.ToLower(p.folders[0])
	}
	pattern := s.patterns[section]
	if pattern == "" {
		return s.tidy(strings.Join(p.folders, "/"), false) + "/" + first(slug, s.tidy(p.name, true)), true
	}
	known := true
	at := hugoToken.ReplaceAllStringFunc(pattern, func(token string) string {
		v, ok := s.token(token[1:], p, d, slug)
		known = known && ok
		return v
	})
	return slashes.ReplaceAllString(at, "/"), known
}

var (
	hugoToken = regexp.MustCompile(`:[a-z]+(\[[0-9:last]+\])?`)
	slashes   = regexp.MustCompile(`/{2,}`)
)

// token gives what a part of a pattern stands for: gohugo.io/configuration/permalinks.
func (s *hugoSite) token(token string, p hugoPage, d *draft, slug string) (string, bool) {
	name, bracket, _ := strings.Cut(token, "[")
	switch name {
	case "section":
		if len(p.folders) == 0 {
			return "", true
		}
		return s.tidy(p.folders[0], true), true
	case "sections":
		return s.tidy(strings.Join(sliced(p.sections, strings.TrimSuffix(bracket, "]")), "/"), false), true
	case "title":
		return s.tidy(d.front.text("title"), true), true
	case "slug", "slugortitle":
		return first(slug, s.tidy(d.front.text("title"), true)), true
	case "filename", "contentbasename":
		return s.tidy(p.name, true), true
	case "slugorfilename", "slugorcontentbasename":
		return first(slug, s.tidy(p.name, true)), true
	}
	date, ok := wallDate(d.front, d.zone)
	if !ok {
		return "", false
	}
	switch name {
	case "year":
		return date.Format("2006"), true
	case "month":
		return date.Format("01"), true
	case "monthname":
		return strings.ToLower(date.Month().String()), true
	case "day":
		return date.Format("02"), true
	case "weekday":
		return strconv.Itoa(int(date.Weekday())), true
	case "weekdayname":
		return strings.ToLower(date.Weekday().String()), true
	case "yearday":
		return strconv.Itoa(date.YearDay()), true
	}
	return "", false
}

// sliced gives the part of a list that a Hugo pattern names: "", "1", "last", "1:", "1:last".
func sliced(list []string, which string) []string {
	if which == "" || len(list) == 0 {
		return list
	}
	at := func(s string, otherwise int) int {
		if s == "last" {
			return len(list) - 1
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			n = otherwise
		}
		return min(max(n, 0), len(list))
	}
	from, to, isRange := strings.Cut(which, ":")
	if !isRange {
		i := at(from, 0)
		return list[min(i, len(list)):min(i+1, len(list))]
	}
	i, j := at(from, 0), at(to, len(list))
	return list[min(i, j):j]
}

// wallDate gives the date of a page on the clock that it was written by.
func wallDate(f *frontMatter, zone *time.Location) (time.Time, bool) {
	v, ok := f.find("date", "publishdate", "pubdate", "published", "lastmod", "modified")
	if !ok {
		return time.Time{}, false
	}
	switch t := v.value.(type) {
	case time.Time:
		return t, true
	case string:
		for _, layout := range dateLayouts {
			if d, err := time.ParseInLocation(layout, strings.TrimSpace(t), zone); err == nil {
				return d, true
			}
		}
	}
	return parseDate(v.value, zone)
}

// tidy makes of words what Hugo makes of them in an address. In one segment of a path a
// slash is left out.
func (s *hugoSite) tidy(words string, segment bool) string {
	if segment {
		words = strings.ReplaceAll(words, "/", "-")
	}
	if !s.keepCase {
		words = strings.ToLower(words)
	}
	var out []rune
	gap, hyphen := false, false
	for _, r := range words {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune("./\\_#+~-@", r):
			if gap && r != '-' {
				out = append(out, '-')
			}
			out = append(out, r)
			gap, hyphen = false, r == '-'
		case unicode.IsSpace(r) && len(out) > 0 && !hyphen:
			gap = true
		}
	}
	return string(out)
}
