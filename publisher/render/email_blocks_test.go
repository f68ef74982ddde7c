package render_test

import (
	"net/url"
	"strings"
	"testing"

	"crieur/publisher"
	"crieur/publisher/render"
)

func TestBlocks(t *testing.T) {
	in := english()
	in.Article.OriginalURL = "https://www.source.example/a?b=c"
	r := mail(t, in)
	p := page(t, in)
	for what, text := range map[string]string{"HTML": r.HTML, "text": r.Text, "page": p} {
		for _, want := range []string{"Advertisement", "Librairie des Quais", "source.example", "Donate", "https://gazette.example/abonnement"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", what, want)
			}
		}
	}
	for what, list := range map[string][]string{"HTML": attributes(t, r.HTML, "href"), "page": attributes(t, p, "href")} {
		for _, want := range []string{
			"https://share.joinmastodon.org/#text=The%20harbour%20lights%20are%20back%2C%20and%20so%20are%20the%20boats%0Ahttps%3A%2F%2Fwww.gazette.example%2F2026%2Fhalle",
			"https://x.com/intent/post?url=https%3A%2F%2Fwww.gazette.example%2F2026%2Fhalle&text=The%20harbour%20lights%20are%20back%2C%20and%20so%20are%20the%20boats",
			"https://www.linkedin.com/sharing/share-offsite/?url=https%3A%2F%2Fwww.gazette.example%2F2026%2Fhalle",
			"https://www.source.example/a?b=c",
		} {
			if !contains(list, want) {
				t.Errorf("%s: no link to %s", what, want)
			}
		}
	}
	if !contains(attributes(t, r.HTML, "href"), in.ViewURL) {
		t.Error("the letter does not lead to its neutral copy")
	}
	if !strings.Contains(p, "mailto:?subject=") {
		t.Error("the page offers no way to pass it on")
	}
	in.Blocks.SponsorLabel = "Paid for"
	if r := mail(t, in); !strings.Contains(r.HTML, "Paid for") || strings.Contains(r.HTML, "Advertisement") {
		t.Error("the owner's label of sponsors is not used")
	}
	in.Blocks.Show = []publisher.Block{publisher.BlockDonate, publisher.BlockSponsors}
	if h := mail(t, in).HTML; strings.Contains(h, "Mastodon") || strings.Index(h, "Support us") > strings.Index(h, "Paid for") {
		t.Error("not the blocks that were asked for, in their order")
	}
	in.Blocks.Show = publisher.Blocks()
	in.Blocks.Forward, in.Blocks.Share, in.Blocks.Sponsors = false, nil, nil
	in.Blocks.Subscribe, in.Blocks.Donate, in.Article.OriginalURL = render.LinkBlock{}, render.LinkBlock{}, ""
	if h := mail(t, in).HTML; strings.Contains(h, "hairline-above") && strings.Contains(h, "uppercase") {
		t.Error("a block with nothing to say is shown")
	}
}

func TestShareWithoutOwnPage(t *testing.T) {
	in := english()
	in.Article.CanonicalURL = ""
	if hrefs := attributes(t, mail(t, in).HTML, "href"); !contains(hrefs, "https://www.facebook.com/sharer/sharer.php?u="+url.QueryEscape(in.ViewURL)) {
		t.Errorf("readers do not share the neutral copy: %q", hrefs)
	}
	in.ViewURL = ""
	if h := mail(t, in).HTML; strings.Contains(h, "facebook.com") {
		t.Error("readers share an address that does not exist")
	}
}

func TestLetterShape(t *testing.T) {
	for name, in := range map[string]render.MailInput{"fr": french(), "ar": arabic()} {
		r := mail(t, in)
		for _, want := range []string{`<html lang="` + name + `" dir="` + in.Article.Dir + `"`, `<meta name="color-scheme" content="light dark"/>`, `<!--[if mso]>`, "prefers-color-scheme: dark",
			"max-width: 600px", "[data-ogsc] .ink", `role="presentation"`, "Association", "rue des Tanneurs"} {
			if name == "ar" && (want == "Association" || want == "rue des Tanneurs") {
				continue
			}
			if !strings.Contains(r.HTML, want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
		if len(r.HTML) > 40_000 {
			t.Errorf("%s: %d bytes of HTML for a short article", name, len(r.HTML))
		}
		if strings.Contains(r.HTML, "url(") || strings.Contains(r.HTML, "@import") || strings.Contains(r.HTML, "<link") || strings.Contains(r.HTML, "<script") {
			t.Errorf("%s: something is fetched or run", name)
		}
		if strings.Count(r.HTML, "<h1") != 1 {
			t.Errorf("%s: %d headlines", name, strings.Count(r.HTML, "<h1"))
		}
	}
}
