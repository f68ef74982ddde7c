package render_test

import (
	"strings"
	"testing"

	"crieur/publisher"
	"crieur/publisher/render"
)

// A proof is the letter as it is frozen, under a head: nothing of it is changed.
func TestProof(t *testing.T) {
	set := openSet(t, "")
	in := french()
	letter := mail(t, in)
	proof, err := set.Proof(letter, render.ProofInput{Site: in.Site, Language: "fr", Subject: "[À approuver] La halle\nBcc: x@example.org", Lead: "« <La halle> » attend !",
		Lines: []string{"1 204 abonnés"}, Links: []render.NoticeLink{{Text: "Retenir", URL: "https://lettres.example/desk/T?do=hold"}}})
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(proof.HTML, "Retenir</a>")
	if !ok || !strings.Contains(head, `href="https://lettres.example/desk/T?do=hold"`) || !strings.Contains(head, "&lt;La halle&gt;") {
		t.Errorf("the head: %s", head)
	}
	_, body, _ := strings.Cut(letter.HTML, "<body")
	_, body, _ = strings.Cut(body, ">")
	if !strings.HasSuffix(rest, body) {
		t.Error("the letter's HTML was changed")
	}
	if !strings.HasSuffix(proof.Text, letter.Text) || !strings.Contains(proof.Text, "https://lettres.example/desk/T?do=hold") {
		t.Error("the letter's text was changed, or has no link above it")
	}
	if strings.Contains(proof.Subject, "\n") || proof.Nonce != letter.Nonce {
		t.Errorf("subject %q", proof.Subject)
	}
	for _, f := range []publisher.MergeField{publisher.MergeUnsubscribe, publisher.MergeView} {
		if strings.Count(proof.HTML, publisher.Marker(letter.Nonce, f)) != strings.Count(letter.HTML, publisher.Marker(letter.Nonce, f)) {
			t.Errorf("the markers of %s are others", f)
		}
	}
}

func TestNotice(t *testing.T) {
	in := french()
	r, err := openSet(t, "").Notice(render.NoticeInput{Site: in.Site, Language: "fr", Date: in.Date, Title: "Envoyé : « La halle » !", Lead: "3 envois n'ont pas abouti.",
		Facts: []render.NoticeFact{{Label: "quotidien", Value: "1 201 acceptés"}},
		Parts: []render.NoticePart{{Title: "À regarder", Lines: []render.NoticeLine{{Text: "<b>bruno@example.org", Note: "550 no\r\nsuch user"}}},
			{Title: "Messages", Lines: []render.NoticeLine{{Text: "https://m.example/1", URL: "https://m.example/1", Note: "accepté"}, {Text: "mauvais", URL: "javascript:alert(1)"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Envoyé\u00a0: «\u00a0La halle\u00a0»\u202f!"; r.Subject != want {
		t.Errorf("subject %q, want %q", r.Subject, want)
	}
	for _, bad := range []string{"<b>", "javascript:", "crieurmerge", "550 no\r"} {
		if strings.Contains(r.HTML, bad) {
			t.Errorf("the HTML holds %q", bad)
		}
	}
	for _, want := range []string{"quotidien\u00a0: 1 201 acceptés", "550 no such user", "https://m.example/1"} {
		if strings.Count(r.Text, want) != 1 {
			t.Errorf("the text holds %q %d times:\n%s", want, strings.Count(r.Text, want), r.Text)
		}
	}
}
