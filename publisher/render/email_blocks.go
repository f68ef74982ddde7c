package render

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"crieur/publisher"
)

// A block is a part around the article: a label, one line, one link or a few.
type block struct {
	Name  publisher.Block // "" for an erratum
	Label string
	Text  string
	Image *photo // sponsors
	Links []link
	Share string // share only: the address that its links share
}

// A link is a text and an absolute URL.
type link struct{ Text, URL string }

// shareAddress gives the page of a network on which a reader shares a title and a page's
// address, "" for a network that has none.
func shareAddress(network, title, address string) string {
	title, address, both := escape(title), escape(address), escape(title+"\n"+address)
	switch network {
	case "mastodon":
		return "https://share.joinmastodon.org/#text=" + both
	case "bluesky":
		return "https://bsky.app/intent/compose?text=" + both
	case "x":
		return "https://x.com/intent/post?url=" + address + "&text=" + title
	case "facebook":
		return "https://www.facebook.com/sharer/sharer.php?u=" + address
	case "linkedin":
		return "https://www.linkedin.com/sharing/share-offsite/?url=" + address
	case "whatsapp":
		return "https://wa.me/?text=" + both
	case "telegram":
		return "https://t.me/share/url?url=" + address + "&text=" + title
	}
	return ""
}

func mailto(title, address string) string {
	return "mailto:?subject=" + escape(title) + "&body=" + escape(title+"\r\n\r\n"+address)
}

// escape writes a space as %20 and not as "+", which a mailto URL does not know.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// ShareNetworks lists the names that Blocks.Share can hold.
func ShareNetworks() []string {
	return []string{"mastodon", "bluesky", "x", "facebook", "linkedin", "whatsapp", "telegram", "email"}
}

// blocks gives the errata, and what in.Blocks.Show asks for and has something to say.
func (l *letter) blocks(in *MailInput, personal bool) ([]block, error) {
	all := l.errata(in)
	for _, name := range in.Blocks.Show {
		id := "block." + string(name) + "."
		b := block{Name: name, Label: l.T(id + "label"), Text: l.T(id + "text")}
		if l.Sections != nil && (name == publisher.BlockShare || name == publisher.BlockForward) {
			b.Text = l.T(id + "letter")
		}
		address, link := "", l.T(id+"link")
		switch name {
		case publisher.BlockShare:
			links, err := l.shareLinks(in)
			if err != nil {
				return nil, err
			}
			if len(links) > 0 {
				b.Links, b.Share = links, in.sharedAddress()
				all = append(all, b)
			}
			continue
		case publisher.BlockForward:
			address = l.forwardAddress(in, personal)
		case publisher.BlockOriginal:
			address = in.Article.OriginalURL
			b.Text = l.T(id+"text", "Host", hostOf(address))
		case publisher.BlockSubscribe:
			address = in.Blocks.Subscribe.URL
			b.Text = l.ownText(in.Blocks.Subscribe, b.Text)
		case publisher.BlockSponsors:
			sponsors, err := l.sponsors(in, b.Label, link)
			if err != nil {
				return nil, err
			}
			all = append(all, sponsors...)
			continue
		case publisher.BlockDonate:
			address = in.Blocks.Donate.URL
			b.Text = l.ownText(in.Blocks.Donate, b.Text)
		default:
			return nil, &publisher.Error{Kind: publisher.Invalid, Op: "set blocks", Where: "newsletters." + in.Newsletter.Name + ".blocks",
				Err: fmt.Errorf("no block %q", name), Hint: fmt.Sprintf("there are: %v", publisher.Blocks())}
		}
		if address != "" {
			b.add(link, address)
			all = append(all, b)
		}
	}
	return all, nil
}

func (b *block) add(text, address string) {
	b.Links = append(b.Links, link{Text: text, URL: address})
}

func (l *letter) ownText(b LinkBlock, builtIn string) string {
	if b.Text != "" {
		return l.set(b.Text)
	}
	return builtIn
}

// forwardAddress gives what a reader can pass on: the neutral copy, from which
// nobody can unsubscribe them. That copy itself offers to be mailed.
func (l *letter) forwardAddress(in *MailInput, personal bool) string {
	address := in.publicAddress()
	if !in.Blocks.Forward || address == "" {
		return ""
	}
	if personal {
		return address
	}
	return mailto(l.Article.Title, address)
}

// publicAddress is where anyone can read the article: the neutral copy, else the
// site's own page.
func (in *MailInput) publicAddress() string {
	if in.ViewURL != "" {
		return in.ViewURL
	}
	return in.Article.CanonicalURL
}

// sharedAddress is what readers share: the site's own page, else the neutral copy.
func (in *MailInput) sharedAddress() string {
	if in.Article.CanonicalURL != "" {
		return in.Article.CanonicalURL
	}
	return in.ViewURL
}

func (l *letter) shareLinks(in *MailInput) ([]link, error) {
	address := in.sharedAddress()
	if address == "" {
		return nil, nil
	}
	var links []link
	for i, network := range in.Blocks.Share {
		page := shareAddress(network, l.Article.Title, address)
		if network == "email" {
			page = mailto(l.Article.Title, address)
		}
		if page == "" {
			return nil, &publisher.Error{Kind: publisher.Invalid, Op: "set blocks", Where: fmt.Sprintf("blocks.share.networks[%d]", i),
				Err: fmt.Errorf("no network to share on is called %q", network), Hint: "there are: " + strings.Join(ShareNetworks(), ", ")}
		}
		links = append(links, link{Text: l.T("share." + network), URL: page})
	}
	return links, nil
}

// sponsors gives a block for each sponsor. Every one is labelled as advertising.
func (l *letter) sponsors(in *MailInput, label, linkText string) ([]block, error) {
	if in.Blocks.SponsorLabel != "" {
		label = l.set(in.Blocks.SponsorLabel)
	}
	var all []block
	for _, sp := range in.Blocks.Sponsors {
		b := block{Name: publisher.BlockSponsors, Label: label, Text: l.set(sp.Text)}
		text := l.set(sp.Name)
		if text == "" {
			text = linkText
		}
		if sp.URL != "" {
			b.add(text, sp.URL)
		}
		if sp.Image != "" {
			address, err := in.mediaURL(imageAt(sp.Image))
			if err != nil {
				return nil, err
			}
			b.Image = &photo{URL: address, Alt: l.set(sp.Alt)}
		}
		if b.Text != "" || b.Image != nil || len(b.Links) > 0 {
			all = append(all, b)
		}
	}
	return slices.Clip(all), nil
}
