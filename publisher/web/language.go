package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"crieur/publisher/locale"
)

// words gives the messages in the reader's own language, else in the first that
// their browser asks for, else in the site's: of each the first that the catalogue
// speaks.
func (p *public) words(r *http.Request, own string) *locale.Localizer {
	for _, tag := range append([]string{own}, accepted(r.Header.Get("Accept-Language"))...) {
		if l := p.Catalogue.For(tag); base(tag) != "" && strings.EqualFold(base(l.Lang()), base(tag)) {
			return l
		}
	}
	return p.Catalogue.For(p.Language)
}

// accepted gives the languages of an Accept-Language header (RFC 9110 §12.5.4), the
// most wanted first. Those that are refused with q=0 and those that say no clear
// weight are left out.
func accepted(header string) []string {
	type wish struct {
		tag    string
		weight float64
	}
	var wishes []wish
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(part, ";")
		w := wish{strings.TrimSpace(tag), 1}
		if name, value, ok := strings.Cut(strings.TrimSpace(params), "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			var err error
			if w.weight, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
				continue
			}
		}
		if w.tag != "" && w.weight > 0 && w.weight <= 1 {
			wishes = append(wishes, w)
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.weight, a.weight) })
	tags := make([]string, len(wishes))
	for i, w := range wishes {
		tags[i] = w.tag
	}
	return tags
}

// base gives a tag's primary language.
func base(tag string) string {
	primary, _, _ := strings.Cut(tag, "-")
	return primary
}
