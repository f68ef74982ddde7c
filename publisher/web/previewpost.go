package web

import (
	"net/url"
	"strings"

	"crieur/publisher"
)

// postView is a post, or thread, as its network shows it.
type postView struct {
	PreviewPost
	Name  string // of the network
	Cost  string // "": free
	Parts []partView
}

type partView struct {
	publisher.Part
	Spans []span
	Media []pictureView
	Card  *cardView
	Used  int // percent of the limit, at most 100
	Extra int // what is beyond the limit
}

// A span is a piece of a post's text.
type span struct {
	Text string
	Link bool
}

type pictureView struct {
	Src, Alt      string
	Width, Height int
}

type cardView struct {
	Host, Title, Description string
	Thumb                    *pictureView
}

// networkName gives the name that a network gives itself.
func networkName(kind string) string {
	switch kind {
	case "":
		return ""
	case "linkedin":
		return "LinkedIn"
	}
	return strings.ToUpper(kind[:1]) + kind[1:]
}

// spans cuts a text at its links. Ranges that no text can have are passed over.
func spans(network string, p PreviewPart) []span {
	var out []span
	at := 0
	for _, l := range p.Links {
		if l.Start < at || l.End <= l.Start || l.End > len(p.Text) {
			continue
		}
		if l.Start > at {
			out = append(out, span{p.Text[at:l.Start], false})
		}
		text := p.Text[l.Start:l.End]
		if l.Address {
			text = shownAddress(network, text)
		}
		out = append(out, span{text, true})
		at = l.End
	}
	if at < len(p.Text) {
		out = append(out, span{p.Text[at:], false})
	}
	return out
}

// shownAddress gives a URL as a network's own pages write it: Mastodon hides all but
// 30 characters, X all but 26 of path and host, and Bluesky shows the text as it is.
func shownAddress(network, address string) string {
	most := 0
	switch network {
	case "mastodon":
		most = 30
	case "x":
		most = 26
	default:
		return address
	}
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	address = strings.TrimPrefix(address, "www.")
	if network == "x" {
		address = strings.TrimSuffix(address, "/")
	}
	if runes := []rune(address); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return address
}

// host gives where a link leads, as cards name it.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Hostname(), "www.")
}
