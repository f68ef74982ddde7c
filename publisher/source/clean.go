package source

import (
	"slices"
	"sort"
	"strings"

	"golang.org/x/net/html/atom"

	"crieur/publisher"
)

// A CleanerInfo names a cleaner and says what it does, for documents and for the
// configuration's check.
type CleanerInfo struct {
	Name, Description string
}

// A cleaner is a named change to a draft.
type cleaner struct {
	CleanerInfo
	clean func(*draft)
}

// cleaners lists them in the order in which they run, whatever the order in the
// configuration: the footer has to go before its rules do.
func cleaners() []cleaner {
	return []cleaner{
		{CleanerInfo{"duplicate-title", "removes the title where the text repeats it at its top"}, cutDuplicateTitle},
		{CleanerInfo{"byline", "takes a line such as “By Jane Doe” under the title as the author's name"}, takeByline},
		{CleanerInfo{"footer-asks", "cuts a footer that asks to share, forward, read the original, subscribe, look at sponsors or donate, and notes what it asked for"}, cutFooter},
		{CleanerInfo{"asterisk-rules", "makes lines of rows of asterisks or dashes, and removes those at the start and end"}, mendRules},
		{CleanerInfo{"standfirst", "takes a first paragraph that is clearly a standfirst as the lead"}, takeLead},
	}
}

// noCleaner is the name that stands for an empty list, since an empty list stands
// for the default.
const noCleaner = "none"

// Cleaners lists the cleaners in the order in which they run, and "none".
func Cleaners() []CleanerInfo {
	var out []CleanerInfo
	for _, c := range cleaners() {
		out = append(out, c.CleanerInfo)
	}
	return append(out, CleanerInfo{noCleaner, "leaves the text as it is; stands alone"})
}

// DefaultCleaners gives the names of those that run where Config names none.
func DefaultCleaners() []string {
	var out []string
	for _, c := range cleaners() {
		out = append(out, c.Name)
	}
	return out
}

// clean runs the site's patterns, then the cleaners.
func (d *draft) clean(c Config) {
	d.cutPatterns(c.Patterns)
	for _, cl := range cleaners() {
		if slices.Contains(c.Cleaners, cl.Name) {
			cl.clean(d)
		}
	}
	sort.SliceStable(d.asks, func(i, j int) bool { return d.asks[i].at < d.asks[j].at })
}

func (d *draft) cutPatterns(patterns []Pattern) {
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool {
		found := false
		for _, p := range patterns {
			if p.Match == nil || b.text == "" || !p.Match.MatchString(b.text) {
				continue
			}
			found = true
			if p.Block != "" {
				d.note(p.Block, b.at)
			}
		}
		return found
	})
}

// mendRules makes every rule the same element and drops those that part nothing.
func mendRules(d *draft) {
	var out []*block
	for _, b := range d.blocks {
		if b.isRule() {
			if len(out) == 0 || out[len(out)-1].isRule() {
				continue
			}
			b.node, b.text = element(atom.Hr), ""
		}
		out = append(out, b)
	}
	if n := len(out); n > 0 && out[n-1].isRule() {
		out = out[:n-1]
	}
	d.blocks = out
}

// checkConfig refuses what Read could only ignore.
func checkConfig(c Config) error {
	names := append(DefaultCleaners(), noCleaner)
	for _, n := range c.Cleaners {
		if !slices.Contains(names, n) {
			return invalid("article.cleaners", "choose from "+strings.Join(names, ", "), "there is no cleaner %q", n)
		}
		if n == noCleaner && len(c.Cleaners) > 1 {
			return invalid("article.cleaners", "leave out the other names, or “none”", "“none” stands beside other cleaners")
		}
	}
	for _, p := range c.Patterns {
		if p.Match == nil {
			return invalid("article.patterns", "give a regular expression as match", "the pattern %q matches nothing", p.Name)
		}
		if p.Block != "" && !slices.Contains(publisher.Blocks(), p.Block) {
			return invalid("article.patterns", "choose a block that publisher.Blocks lists", "there is no block %q", p.Block)
		}
	}
	if c.Format != "" && formatNamed(c.Format) == formatUnknown {
		return invalid("format", "choose from "+strings.Join(Formats(), ", "), "there is no format %q", c.Format)
	}
	if c.DeclaredLanguage != "" && languageTag(c.DeclaredLanguage) == "" {
		return invalid("language", "write it as a tag, such as fr or en", "the language %q is not known", c.DeclaredLanguage)
	}
	return nil
}
