package measure

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// mastodonURLs is wider than X's: a path may have letters of any script.
var mastodonURLs = urlGrammar{
	path: func(r rune) bool { return !isSpace(r) && !strings.ContainsRune("<>()?", r) },
	pathEnd: func(r rune) bool {
		return !isSpace(r) && !strings.ContainsRune("<>()?!*\"'「」;:=,.$%[]~&|@", r)
	},
	query: func(r rune) bool {
		return isASCIIAlnum(r) || r >= 0xa0 && !isSpace(r) || strings.ContainsRune("!?*'();:&=+$/%#[]-_.,~|@^", r)
	},
	queryEnd: func(r rune) bool {
		return isASCIIAlnum(r) || r >= 0xa0 && !isSpace(r) || strings.ContainsRune("_&=#/-", r)
	},
}

// Mastodon gives the length of text as Mastodon counts: in graphemes, where a
// URL with its protocol counts perURL (0: as it stands), and of @user@host only
// @user does. A content warning counts by the same rule, in addition.
func Mastodon(text string, perURL int) int {
	n, done := 0, 0
	count := func(upTo int) { n += Graphemes(text[done:upTo]) }
	var mentions [][]int
	if strings.Contains(text, "@") {
		mentions = remoteMention().FindAllStringSubmatchIndex(text, -1)
	}
	skipMentions := func(upTo int) {
		for len(mentions) > 0 && mentions[0][0] < upTo {
			m := mentions[0]
			mentions = mentions[1:]
			if user, host := m[3], m[1]; m[0] >= done && mayPrecedeFediverse(text[:m[0]]) && host <= upTo {
				count(user)
				done = host
			}
		}
	}
	if perURL > 0 {
		for _, u := range mastodonURLs.find(text) {
			skipMentions(u.Start)
			if u.Start < done {
				continue
			}
			count(u.Start)
			n += perURL
			done = u.End
		}
	}
	skipMentions(len(text))
	count(len(text))
	return n
}

// remoteMention is @user@host; its first group is @user.
var remoteMention = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(@[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)@[\pL\pM\pN_.-]*[\pL\pM\pN_]`)
})

func mayPrecedeFediverse(before string) bool {
	r := lastRune(before)
	return r != '/' && r != '=' && r != '_' && !unicode.In(r, unicode.L, unicode.M, unicode.N)
}
