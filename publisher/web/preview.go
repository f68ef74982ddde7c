package web

import (
	"io/fs"

	"crieur/publisher"
	"crieur/publisher/locale"
)

// A Preview is every rendering of one article, side by side.
type Preview struct {
	Title, Source string
	Language      string // of the page's own words
	SiteName      string
	Mode          string
	Mails         []PreviewMail
	Posts         []PreviewPost
	Pictures      map[string]Picture // that posts name, by hash
	Warnings      []string
	Problem       string // why there is nothing to show; then the rest is empty
	Hint          string
}

// A PreviewMail is a newsletter's mail as a made-up reader gets it.
type PreviewMail struct {
	Channel, From, Subject, Preheader string
	HTML, Text                        string
	Size, SizeLimit                   int // of HTML as it is sent, in bytes; the most that goes out, 0: not known
}

// A PreviewPost is one channel's post, or thread.
type PreviewPost struct {
	Channel string
	Network string // the kind: "mastodon"
	Handle  string // of the account; "": not known
	Parts   []PreviewPart
	Cost    int64 // in millionths of a US dollar
}

// A PreviewPart is one post with what its network makes a link of, in order.
type PreviewPart struct {
	publisher.Part
	Links []Link
}

// A Link is a piece of a post's text.
type Link struct {
	Start, End int  // bytes of the text
	Address    bool // a URL, which some networks show shortened; else a mention or a tag
}

// A Picture is an image file.
type Picture struct {
	Type string // image/jpeg, …
	Data []byte
}

// PreviewConfig is what showing a preview needs.
type PreviewConfig struct {
	Catalogue *locale.Catalogue
	Templates fs.FS  // holds web/style.css, web/preview.css and web/preview.html.tmpl
	Accent    string // "#rrggbb"; "": the built-in one
}
