package ledgertest

import (
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

func articles(t *testing.T, l *ledger.Ledger) {
	a := publisher.Article{ID: "a1", Title: "L’été « revient » !", Body: "<p>é</p>", Language: "fr",
		Published: noon, Tags: []string{"x"}, Image: &publisher.Image{URL: "https://x.example/i.jpg", Alt: "é"},
		Blocks: []publisher.Block{publisher.BlockShare}, Hash: "h1"}
	must(t, l.SaveArticle(t.Context(), a))
	got, err := l.Article(t.Context(), "a1")
	must(t, err)
	same(t, "article", got, a)
	a.Title, a.Hash = "Corrected", "h2"
	must(t, l.SaveArticle(t.Context(), a))
	got, err = l.Article(t.Context(), "a1")
	must(t, err)
	same(t, "corrected article", got, a)
	_, err = l.Article(t.Context(), "nope")
	wantKind(t, err, publisher.NotFound)
}

func issues(t *testing.T, l *ledger.Ledger) {
	var want []publisher.Issue
	for i, id := range []string{"c", "a", "b"} {
		issue := publisher.Issue{ID: id, Newsletter: "daily", ArticleID: "art" + id, Title: "T " + id, Hash: "h", Created: noon.Add(time.Duration(i) * time.Minute)}
		kept, _, err := l.SaveIssue(t.Context(), issue, nil)
		must(t, err)
		same(t, "kept issue", kept, issue)
		want = append([]publisher.Issue{issue}, want...)
	}
	got, err := l.Issues(t.Context(), 0)
	must(t, err)
	same(t, "issues", got, want)
	got, err = l.Issues(t.Context(), 2)
	must(t, err)
	same(t, "newest two", got, want[:2])
	one, err := l.Issue(t.Context(), "b")
	must(t, err)
	same(t, "issue", one, want[0])
	_, err = l.Issue(t.Context(), "nope")
	wantKind(t, err, publisher.NotFound)
	// A digest keeps its articles in their order, the first time that it is saved; each
	// of them knows the digest as one of its issues.
	digest := publisher.Issue{ID: "d", Newsletter: "weekly", ArticleID: "digest:1", Articles: []string{"artc", "artz", "arta"}, Title: "D", Hash: "h", Created: noon.Add(time.Hour)}
	kept, _, err := l.SaveIssue(t.Context(), digest, nil)
	must(t, err)
	same(t, "kept digest", kept, digest)
	other := digest
	other.Articles = []string{"artb"}
	kept, _, err = l.SaveIssue(t.Context(), other, nil)
	must(t, err)
	same(t, "digest saved again", kept, digest)
	one, err = l.Issue(t.Context(), "d")
	must(t, err)
	same(t, "digest", one, digest)
	bare := digest
	bare.Articles = nil
	for article, want := range map[string][]publisher.Issue{"artz": {bare}, "arta": {want[1], bare}, "artb": {want[0]}} {
		got, err = l.IssuesOf(t.Context(), article)
		must(t, err)
		same(t, "issues of "+article, got, want)
	}
	// An issue is made once: what it said first, it says for ever.
	kept, _, err = l.SaveIssue(t.Context(), publisher.Issue{ID: "b", Title: "other", Created: noon.Add(time.Hour)}, nil)
	must(t, err)
	same(t, "issue saved again", kept, want[0])
}

func rendering(channel, language, text string) publisher.Rendering {
	return publisher.Rendering{IssueID: "i", Channel: channel, Language: language, Subject: "S " + text, Preheader: "P", HTML: "<p>" + text,
		Text: text, Nonce: "n", Hash: "hash " + text, Created: noon,
		Parts: []publisher.Part{{Text: text, Length: 3, Limit: 9, Language: language, Warning: "w",
			Card:  &publisher.Card{URL: "https://x.example/", Title: "t", Thumb: &publisher.MediaRef{Hash: "m"}},
			Media: []publisher.MediaRef{{Hash: "m", Type: "image/png", Alt: "a", Width: 2, Height: 1}}}}}
}

func renderingsFrozen(t *testing.T, l *ledger.Ledger) {
	issue := publisher.Issue{ID: "i", Created: noon}
	first := []publisher.Rendering{rendering("daily", "fr", "un"), rendering("masto", "fr", "deux")}
	_, kept, err := l.SaveIssue(t.Context(), issue, first)
	must(t, err)
	same(t, "kept", kept, first)
	_, kept, err = l.SaveIssue(t.Context(), issue, []publisher.Rendering{rendering("daily", "fr", "CHANGED"), rendering("daily", "en", "one")})
	must(t, err)
	same(t, "kept the second time", kept, []publisher.Rendering{first[0], rendering("daily", "en", "one")})
	all, err := l.Renderings(t.Context(), "i")
	must(t, err)
	same(t, "all", all, []publisher.Rendering{first[0], rendering("daily", "en", "one"), first[1]})
	none, err := l.Renderings(t.Context(), "nope")
	must(t, err)
	if len(none) != 0 {
		t.Fatalf("got %d renderings of an issue that does not exist", len(none))
	}
}

func renderingFor(t *testing.T, l *ledger.Ledger) {
	_, _, err := l.SaveIssue(t.Context(), publisher.Issue{ID: "i"}, []publisher.Rendering{
		rendering("daily", "fr", "fr"), rendering("daily", "pt-BR", "br"), rendering("daily", "pt", "pt")})
	must(t, err)
	for language, want := range map[string]string{"fr": "fr", "PT-br": "br", "pt": "pt", "pt-PT": "br", "fr-CA": "fr", "de": "fr", "": "fr"} {
		r, err := l.RenderingFor(t.Context(), "i", "daily", language)
		must(t, err)
		if r.Text != want {
			t.Errorf("a reader of %q gets %q, want %q", language, r.Text, want)
		}
	}
	_, err = l.RenderingFor(t.Context(), "i", "nope", "fr")
	wantKind(t, err, publisher.NotFound)
}

func media(t *testing.T, l *ledger.Ledger) {
	data := []byte{0, 1, 0xff, 0}
	hash, err := l.SaveMedia(t.Context(), "image/png", data)
	must(t, err)
	again, err := l.SaveMedia(t.Context(), "image/png", data)
	must(t, err)
	if hash != again || len(hash) != 64 {
		t.Fatalf("hashes %q and %q", hash, again)
	}
	got, kind, err := l.Media(t.Context(), hash)
	must(t, err)
	same(t, "bytes", got, data)
	same(t, "type", kind, "image/png")
	_, _, err = l.Media(t.Context(), "nope")
	wantKind(t, err, publisher.NotFound)
}

func tokens(t *testing.T, l *ledger.Ledger) {
	load := func(channel string, want []byte) {
		t.Helper()
		got, err := l.LoadToken(t.Context(), channel)
		must(t, err)
		same(t, "token", got, want)
	}
	load("x", nil)
	must(t, l.SaveToken(t.Context(), "x", []byte("one")))
	must(t, l.SaveToken(t.Context(), "y", []byte{0xff, 0}))
	must(t, l.SaveToken(t.Context(), "x", []byte("two")))
	load("x", []byte("two"))
	load("y", []byte{0xff, 0})
	must(t, l.SaveToken(t.Context(), "x", nil))
	load("x", nil)
	must(t, l.SaveToken(t.Context(), "z", nil)) // forgetting what is not there is no error
}
