package source

import (
	"regexp"
	"sort"
	"strings"

	"crieur/publisher"
)

// heard is what a paragraph asks for.
type heard struct {
	sure, maybe []publisher.Block // in the order of the text
	plea        bool
	opens       bool
}

// longestAsk is more than footers have in one paragraph, longestHint more than
// they have in one that asks for nothing for sure.
const (
	longestAsk  = 900
	longestHint = 320
)

// listen finds the asks in a paragraph's text.
func listen(text string) heard {
	var h heard
	if text == "" || runes(text) > longestAsk {
		return h
	}
	if onlyNetworks(text) {
		return heard{sure: []publisher.Block{publisher.BlockShare}}
	}
	// A paragraph of the article may close with an ask; it goes only where asking is
	// what it is for.
	asking, all := 0, 0
	for _, s := range askSentences(withoutQuotes(fold(text))) {
		sure, maybe := asksIn(s)
		opens := opener().MatchString(s)
		pleading := opens || plea().MatchString(s)
		h.sure, h.maybe = append(h.sure, sure...), append(h.maybe, maybe...)
		h.plea, h.opens = h.plea || pleading, h.opens || opens
		all += len(s)
		if len(sure) > 0 || len(maybe) > 0 || pleading {
			asking += len(s)
		}
	}
	least := all / 2
	if runes(text) <= longestHint {
		least = all / 3
	} else if len(h.sure) == 0 {
		return heard{}
	}
	if asking < least {
		return heard{}
	}
	return h
}

// asksIn gives what one sentence asks for, in its order.
func asksIn(s string) (sure, maybe []publisher.Block) {
	type hit struct {
		at    int
		block publisher.Block
		sure  bool
	}
	var hits []hit
	for _, r := range askRules() {
		if r.block == publisher.BlockShare && len(hits) > 0 && hits[0].block == publisher.BlockForward {
			continue
		}
		if m := r.sure.FindStringIndex(s); m != nil {
			hits = append(hits, hit{m[0], r.block, true})
		} else if r.maybe != nil {
			if m := r.maybe.FindStringIndex(s); m != nil {
				hits = append(hits, hit{m[0], r.block, false})
			}
		}
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].at < hits[j].at })
	for _, x := range hits {
		if x.sure {
			sure = append(sure, x.block)
		} else {
			maybe = append(maybe, x.block)
		}
	}
	return sure, maybe
}

var (
	quoted     = regexp.MustCompile(`«[^»]*»|“[^”]*”|„[^“”]*[“”]|"[^"]*"`)
	askBreaks  = regexp.MustCompile(`[.!?…]+(\s+|$)`)
	askOpening = regexp.MustCompile(`^[^\pL\d©(]+`)
	networkish = regexp.MustCompile(`^(facebook|twitter|x|mastodon|bluesky|linkedin|whatsapp|telegram|instagram|threads|reddit|pinterest|tumblr|e-?mail|mail|courriel|sms|imprimer|print|copier le lien|copy link|pocket|messenger|signal|partager|share|sur|on|and|et|ou|or)$`)
	wordBreaks = regexp.MustCompile(`[\s|/,;:·•–—-]+`)
)

// withoutQuotes drops quoted speech: what someone in the article asks for is not
// what the article asks for.
func withoutQuotes(s string) string { return quoted.ReplaceAllString(s, " … ") }

func askSentences(s string) []string {
	var out []string
	for _, part := range askBreaks.Split(s, -1) {
		if part = askOpening.ReplaceAllString(part, ""); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// onlyNetworks reports the words of a row of share buttons.
func onlyNetworks(text string) bool {
	n := 0
	for _, w := range wordBreaks.Split(strings.Trim(fold(text), " .:|"), -1) {
		if w == "" {
			continue
		}
		if !networkish.MatchString(w) {
			return false
		}
		n++
	}
	return n >= 2
}
