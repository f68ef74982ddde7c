package render

import (
	"time"

	"crieur/publisher"
)

// fullSpecimen is a letter that has everything a template can ask for.
func fullSpecimen() MailInput {
	const site = "https://site.example/"
	image := publisher.Image{URL: site + "a.jpg", Alt: "alt", Caption: "caption", Credit: "credit"}
	return MailInput{
		Article: publisher.Article{Title: "Title", Lead: "Lead", Author: "Author", Language: "en",
			Body: "<p>Text <a href=\"/b\">link</a></p>", CanonicalURL: site + "a", OriginalURL: "https://other.example/a",
			Published: time.Unix(0, 0), Tags: []string{"tag"}, Image: &image},
		Site: Site{Name: "Site", URL: site, Logo: site + "logo.png", Accent: defaultAccent, Sender: "Sender",
			PostalAddress: "1 Street\nTown", PrivacyURL: site + "privacy"},
		Newsletter: Newsletter{Name: "news", Title: "News"},
		Blocks: Blocks{Share: ShareNetworks(), Forward: true, Subscribe: LinkBlock{URL: site + "subscribe"},
			Sponsors: []Sponsor{{Name: "Sponsor", Text: "Offer", URL: "https://sponsor.example/", Image: site + "s.png", Alt: "alt"}},
			Donate:   LinkBlock{URL: site + "donate"}, Show: publisher.Blocks()},
		Language: "en", Date: time.Unix(0, 0), ViewURL: site + "i/1",
		Errata: []Erratum{{Title: "Title", URL: site + "b", Sent: time.Unix(0, 0), Text: "Text"}, {Title: "Title"}},
	}
}

// digestSpecimens are digests that have everything a template can ask for, and next
// to nothing.
func digestSpecimens() []DigestInput {
	full := DigestInput{MailInput: fullSpecimen()}
	article := full.Article
	full.Article = publisher.Article{}
	full.Articles = []DigestArticle{{Article: article, Group: "Group", URL: article.CanonicalURL}, {Article: article, Group: "Group"}, {Article: article, Group: "Other"}}
	return []DigestInput{full, {Articles: []DigestArticle{{Article: publisher.Article{Title: "x"}}}}}
}
