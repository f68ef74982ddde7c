package source

import (
	"path/filepath"
	"regexp"
	"strings"
)

type format int8

const (
	formatUnknown format = iota
	formatMarkdown
	formatHTML
	formatText
)

// Formats lists what Config.Format may be besides "".
func Formats() []string { return []string{"markdown", "html", "text"} }

func formatNamed(name string) format {
	for i, n := range Formats() {
		if n == name {
			return format(i + 1)
		}
	}
	return formatUnknown
}

func formatOf(path string) format {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".md", ".markdown", ".mdown", ".mkd":
		return formatMarkdown
	case ".html", ".htm", ".xhtml":
		return formatHTML
	case ".txt", ".text":
		return formatText
	}
	return formatUnknown
}

var (
	startsLikeHTML  = regexp.MustCompile(`(?i)^\s*(<!--|<!doctype\s+html|<(html|head|body|meta|article|main|section|div|header|figure|h[1-6]|p)[\s>])`)
	markdownHeading = regexp.MustCompile(`(?m)^#{1,6} \S`)
	markdownInline  = regexp.MustCompile(`!?\[[^\]\n]+\]\([^)\s]+[^)\n]*\)|\*\*[^*\n]+\*\*|(?m:^\x60{3})`)
)

// sniff tells the format of a text that comes without a name. Markdown is claimed
// only by what plain text does not hold by chance.
func sniff(text string, front *frontMatter) format {
	switch {
	case startsLikeHTML.MatchString(text):
		return formatHTML
	case front != nil, markdownHeading.MatchString(text), markdownInline.MatchString(text):
		return formatMarkdown
	}
	return formatText
}
