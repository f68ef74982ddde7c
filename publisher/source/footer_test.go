package source_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/source"
)

// An article around a footer: its two paragraphs must stay whatever comes below.
const (
	frHead = "La fontaine de la place coule à nouveau\n\n" +
		"La fontaine avait été coupée en juillet. Les pompiers en ont rouvert la vanne mardi, devant une trentaine d'enfants.\n\n" +
		"Le débit reste limité à deux litres par minute. Une décision sur l'été prochain sera prise en conseil, a dit la maire.\n\n"
	enHead = "The fountain on the square runs again\n\n" +
		"The fountain was shut off in July. Firemen opened the valve on Tuesday, watched by some thirty children.\n\n" +
		"The flow is limited to two litres a minute. The council will decide about next summer, the mayor said.\n\n"
)

func TestFooterIsCut(t *testing.T) {
	const (
		share, forward, original    = publisher.BlockShare, publisher.BlockForward, publisher.BlockOriginal
		subscribe, sponsors, donate = publisher.BlockSubscribe, publisher.BlockSponsors, publisher.BlockDonate
	)
	for name, c := range map[string]struct {
		head, footer string
		want         []publisher.Block
	}{
		"fr: share alone":                  {frHead, "Partagez cet article sur les réseaux sociaux !", []publisher.Block{share}},
		"fr: share, a row of networks":     {frHead, "Partager sur Facebook | X | Mastodon | WhatsApp", []publisher.Block{share}},
		"fr: share, with a question":       {frHead, "Cet article vous a plu ?\n\nPartagez-le !", []publisher.Block{share}},
		"fr: forward":                      {frHead, "N'hésitez pas à transférer cet article à un ami.", []publisher.Block{forward}},
		"fr: forward to those around you":  {frHead, "Faites suivre cette lettre à vos proches.", []publisher.Block{forward}},
		"fr: original":                     {frHead, "Lire l’article original", []publisher.Block{original}},
		"fr: first published elsewhere":    {frHead, "Cet article a été initialement publié sur le site de la commune.", []publisher.Block{original}},
		"fr: original, as a source":        {frHead, "Source : https://commune.example/fontaine", []publisher.Block{original}},
		"fr: subscribe":                    {frHead, "Abonnez-vous à notre newsletter.", []publisher.Block{subscribe}},
		"fr: subscribe to the letter":      {frHead, "Pour ne rien manquer, inscrivez-vous gratuitement à ma lettre d'information.", []publisher.Block{subscribe}},
		"fr: receive":                      {frHead, "Recevez nos articles par courriel chaque matin.", []publisher.Block{subscribe}},
		"fr: sponsors":                     {frHead, "Découvrez les offres de nos partenaires.", []publisher.Block{sponsors}},
		"fr: donate":                       {frHead, "Soutenez-nous : faites un don !", []publisher.Block{donate}},
		"fr: donate by a service":          {frHead, "Vous pouvez nous soutenir via Tipeee ou HelloAsso.", []publisher.Block{donate}},
		"fr: stars, two asks":              {frHead, "***\n\nPartagez cet article\n\n***\n\nAbonnez-vous à notre infolettre", []publisher.Block{share, subscribe}},
		"fr: without empty lines":          {frHead, "------------\nPartagez cet article\n------------\nFaites un don", []publisher.Block{share, donate}},
		"fr: a plea, then what it is for":  {frHead, "_____\n\nNotre journal vit sans publicité, grâce à vous.\n\nFaites-nous un don.", []publisher.Block{donate}},
		"fr: all rights":                   {frHead, "Partagez cet article !\n\n© La Commune, tous droits réservés", []publisher.Block{share}},
		"fr: a stranger between asks":      {frHead, "***\n\nPartagez cet article\n\n***\n\nL'agenda des marchés est en ligne.\n\n***\n\nAbonnez-vous à notre lettre d'information", []publisher.Block{share, subscribe}},
		"en: share":                        {enHead, "Share this story on social media:", []publisher.Block{share}},
		"en: share, one word":              {enHead, "Share:\n\nFacebook Mastodon Email", []publisher.Block{share}},
		"en: forward":                      {enHead, "Did you like this article? Forward it to a friend!", []publisher.Block{forward}},
		"en: original":                     {enHead, "This article was originally published in The Square.", []publisher.Block{original}},
		"en: read the original":            {enHead, "You can read the original here.", []publisher.Block{original}},
		"en: subscribe":                    {enHead, "Subscribe to our free newsletter.", []publisher.Block{subscribe}},
		"en: to get it":                    {enHead, "Sign up here to get the newsletter in your inbox.", []publisher.Block{subscribe}},
		"en: sponsors":                     {enHead, "* * *\n\nPlease take a look at what our advertisers offer.", []publisher.Block{sponsors}},
		"en: brought to you":               {enHead, "This newsletter is brought to you by Fountain & Sons.", []publisher.Block{sponsors}},
		"en: donate":                       {enHead, "Please consider making a donation to keep this site free.", []publisher.Block{donate}},
		"en: donate by a service":          {enHead, "You can support our journalism with a donation through PayPal.", []publisher.Block{donate}},
		"en: coffee":                       {enHead, "Buy me a coffee", []publisher.Block{donate}},
		"en: equals signs, several":        {enHead, "=====\n\nShare this article\n\nSubscribe to our newsletter\n\nSupport us\n\n=====", []publisher.Block{share, subscribe, donate}},
		"en: the same ask twice":           {enHead, "Share this article!\n\n***\n\nShare this story with your friends!\n\nSubscribe to our newsletter.", []publisher.Block{share, forward, subscribe}},
		"en: two asks in one sentence":     {enHead, "---\n\nPlease visit our sponsors, or send us a donation via PayPal.", []publisher.Block{sponsors, donate}},
		"en: in markdown, with a html row": {enHead, "***\n\nShare this article\n\n- Facebook\n- Mastodon", []publisher.Block{share}},
	} {
		t.Run(name, func(t *testing.T) {
			a := mustRead(t, "a.txt", c.head+c.footer+"\n", source.Config{})
			if got := paragraphs(t, a.Body); len(got) != 2 {
				t.Errorf("body:\n%s\nwant the two paragraphs", strings.Join(got, "\n"))
			}
			if diff := cmp.Diff(c.want, a.Blocks); diff != "" {
				t.Errorf("blocks (-want +got):\n%s", diff)
			}
		})
	}
}

// An article may write about newsletters, gifts and sharing. None of that goes.
func TestBodyIsNotTakenForAFooter(t *testing.T) {
	for name, c := range map[string]struct{ head, last string }{
		"fr: the association takes PayPal":   {frHead, "L'association publie une newsletter et accepte les dons via PayPal, précise sa présidente."},
		"fr: a banner is quoted":             {frHead, "« Partagez cet article avec vos amis », demande l'affiche collée à la fontaine."},
		"fr: a slogan is quoted":             {frHead, "Sur la vitrine, on lit : « Abonnez-vous à notre newsletter ! Soutenez-nous ! »"},
		"fr: where to give":                  {frHead, "Pour aider à la restauration, vous pouvez faire un don à la Fondation du patrimoine, qui reversera la somme à la commune."},
		"fr: people share":                   {frHead, "Des centaines d'habitants ont partagé l'article original sur les réseaux sociaux."},
		"fr: a subscription of another kind": {frHead, "Les abonnés au réseau de chaleur recevront une lettre d'information en mars."},
		"fr: the advertisers left":           {frHead, "Les annonceurs ont quitté le journal un à un, et ses sponsors avec eux."},
		"fr: support in a speech":            {frHead, "« Nous avons besoin de votre soutien financier », a lancé la maire aux commerçants."},
		"fr: the source of a river":          {frHead, "La source : une résurgence, à huit cents mètres de là."},
		"fr: a long last paragraph":          {frHead, "La commission a passé en revue les comptes de l'année, qui montrent une baisse des recettes de la fontaine, des amendes et du stationnement, puis elle a entendu le fontainier, le garde champêtre et deux commerçants de la place. Le rapport, long de quarante pages, sera remis à la préfecture avant la fin du mois, et la population pourra le lire en mairie. Abonnez-vous à notre newsletter."},
		"fr: an essay in the first person":   {frHead, "Mon grand-père nous avait fait un don étrange : une clé, sans la fontaine."},
		"en: readers can sign up":            {enHead, "Residents who want to help can sign up for the association's newsletter or donate via PayPal."},
		"en: a sign is quoted":               {enHead, `"Share this story," says the plaque. "Subscribe to our newsletter. Donate."`},
		"en: where to give":                  {enHead, "You can donate to the restoration fund at the town hall, in cash only."},
		"en: support for the law":            {enHead, "Your support may matter less than you think: the bill needs two thirds."},
		"en: shares":                         {enHead, "Share prices fell on the news. Sponsors of the club sold first."},
		"en: an original article":            {enHead, "The original article of the charter, on fountains, was never repealed."},
		"en: a section break above":          {enHead, "* * *\n\nIn the end the newsletter was delivered by hand, and the donations came in coins."},
		"en: an ask in the middle":           {enHead, "Subscribe to our newsletter, the sheet said, and nobody did until the spring.\n\nThe next morning the valve was open again. Nobody had heard it."},
		"en: a list of networks":             {enHead, "Facebook, Mastodon and Telegram all carried the news within minutes of the valve being opened."},
	} {
		t.Run(name, func(t *testing.T) {
			a := mustRead(t, "a.txt", c.head+c.last+"\n", source.Config{})
			body := strings.Join(paragraphs(t, a.Body), "\n")
			for _, p := range strings.Split(c.last, "\n\n") {
				if p != "* * *" && !strings.Contains(body, p) {
					t.Errorf("cut: %q", p)
				}
			}
			if len(a.Blocks) != 0 {
				t.Errorf("blocks = %v, want none", a.Blocks)
			}
		})
	}
}

// What only may be an ask goes with a footer that is one, and stays without.
func TestFooterStopsAtTheArticle(t *testing.T) {
	a := mustRead(t, "a.txt", frHead+"Vous pouvez faire un don à la Fondation du patrimoine.\n\nPartagez cet article !\n\nFaites un don.\n", source.Config{})
	got := paragraphs(t, a.Body)
	if len(got) != 3 || !strings.Contains(got[2], "Fondation") {
		t.Errorf("body:\n%s\nwant three paragraphs, the last of them about the foundation", strings.Join(got, "\n"))
	}
}

func TestFooterOfAPageGivesTheOriginal(t *testing.T) {
	const page = `<h1>La fontaine coule</h1><p>Un premier paragraphe, avec deux phrases. En voici l'autre.</p><p>Un second, plus court. Et fini.</p>
<div class="share"><p>Partager cet article</p><ul><li><a href="/f">Facebook</a></li><li><a href="/m">Mastodon</a></li></ul></div><hr>
<p>Vous pouvez lire l’article original <a href="https://o.example/a?x=1&amp;fbclid=z">ici</a>.</p>`
	a := mustRead(t, "a.html", page, source.Config{})
	if a.OriginalURL != "https://o.example/a?x=1" {
		t.Errorf("original = %q", a.OriginalURL)
	}
	if n := len(paragraphs(t, a.Body)); n != 2 {
		t.Errorf("%d blocks in the body, want 2:\n%s", n, a.Body)
	}
	if diff := cmp.Diff([]publisher.Block{publisher.BlockShare, publisher.BlockOriginal}, a.Blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

func TestPatterns(t *testing.T) {
	text := frHead + "[pub] Une réclame au milieu.\n\nEncore un paragraphe du texte, avec deux phrases. La voici.\n\nAdoptez un journaliste.\n\nPartagez cet article.\n"
	a := mustRead(t, "a.txt", text, source.Config{Patterns: []source.Pattern{
		{Name: "réclames", Match: regexp.MustCompile(`^\[pub\]`)},
		{Name: "adoption", Block: publisher.BlockDonate, Match: regexp.MustCompile(`(?i)adoptez un journaliste`)},
	}})
	if n := len(paragraphs(t, a.Body)); n != 3 {
		t.Errorf("%d paragraphs, want 3:\n%s", n, a.Body)
	}
	if diff := cmp.Diff([]publisher.Block{publisher.BlockDonate, publisher.BlockShare}, a.Blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

// Each cleaner does its own part, and no cleaner does nothing.
func TestCleanersByName(t *testing.T) {
	const text = "A title\n\nA title\n\nBy Ann Example\n\nA standfirst without a full stop that tells the story\n\nA first paragraph. It has two sentences.\n\n***\n\nA second paragraph. It has two as well.\n\n***\n\nShare this article!\n"
	all := func(a publisher.Article) []string {
		return append([]string{a.Title, a.Lead, a.Author}, append(paragraphs(t, a.Body), strings.Repeat("-", strings.Count(a.Body, "<hr")))...)
	}
	for name, want := range map[string][]string{
		"none":            {"A title", "", "", "A title", "By Ann Example", "A standfirst without a full stop that tells the story", "A first paragraph. It has two sentences.", "***", "A second paragraph. It has two as well.", "***", "Share this article!", ""},
		"duplicate-title": {"A title", "", "", "By Ann Example", "A standfirst without a full stop that tells the story", "A first paragraph. It has two sentences.", "***", "A second paragraph. It has two as well.", "***", "Share this article!", ""},
		"byline":          {"A title", "", "Ann Example", "A title", "A standfirst without a full stop that tells the story", "A first paragraph. It has two sentences.", "***", "A second paragraph. It has two as well.", "***", "Share this article!", ""},
		"footer-asks":     {"A title", "", "", "A title", "By Ann Example", "A standfirst without a full stop that tells the story", "A first paragraph. It has two sentences.", "***", "A second paragraph. It has two as well.", ""},
		"asterisk-rules":  {"A title", "", "", "A title", "By Ann Example", "A standfirst without a full stop that tells the story", "A first paragraph. It has two sentences.", "A second paragraph. It has two as well.", "Share this article!", "--"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, all(mustRead(t, "a.txt", text, source.Config{Cleaners: []string{name}}))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("all of them", func(t *testing.T) {
		want := []string{"A title", "A standfirst without a full stop that tells the story", "Ann Example", "A first paragraph. It has two sentences.", "A second paragraph. It has two as well.", "-"}
		if diff := cmp.Diff(want, all(mustRead(t, "a.txt", text, source.Config{}))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	for _, info := range source.Cleaners() {
		if info.Description == "" {
			t.Errorf("cleaner %s has no description", info.Name)
		}
	}
	_, err := read(t, "a.txt", text, source.Config{Cleaners: []string{"asterix-rules"}})
	wantError(t, err, publisher.Invalid, "article.cleaners", `no cleaner "asterix-rules"`)
	if hint := publisher.HintOf(err); !strings.Contains(hint, "asterisk-rules") {
		t.Errorf("hint = %q, want the names", hint)
	}
}
