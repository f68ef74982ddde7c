package socialtest

import (
	"testing"

	"crieur/publisher"
)

// Of a network that can change its posts, the words change and nothing else does.
func edit(t *testing.T, b *bench) {
	editor, ok := b.network.(publisher.Editor)
	if !ok {
		return // what stands there stands
	}
	p := newPost(keyOf(t, 1))
	if b.network.Traits().Media > 0 {
		p.Media = []publisher.Media{picture(t, 3, "Un héron")}
	}
	first := b.post(t, p)
	another := newPost(keyOf(t, 2))
	other := b.post(t, another)
	answer := newPost(keyOf(t, 3))
	if b.network.Traits().Thread {
		answer.Parent, answer.Root = &first, &first
	}
	b.post(t, answer)

	changed := p
	changed.Text, changed.Warning = "Corrigé\u00a0: l’eau <baisse> & « c’est bien ».\n\nhttps://gazette.example/eau?a=1&b=2 #marais", "Eau"
	var last publisher.Receipt
	for range 2 { // the same again changes nothing
		r, err := editor.Edit(t.Context(), first, changed)
		if err != nil {
			t.Fatalf("edit: %v", err)
		}
		if r.ID != first.ID || r.URL != first.URL || r.At.IsZero() {
			t.Errorf("the receipt is another post's: %+v, want the ID and URL of %+v", r, first)
		}
		last = r
	}
	b.stands(t, changed.Text, another.Text, answer.Text)

	// What an edit gives is as good as what the post gave.
	if b.network.Traits().Thread {
		next := newPost(keyOf(t, 4))
		next.Parent, next.Root = &last, &last
		b.post(t, next)
	}
	remover := b.network.(publisher.Remover)
	if err := remover.Remove(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	_, err := editor.Edit(t.Context(), other, changed)
	b.failed(t, err, publisher.NotFound)
}
