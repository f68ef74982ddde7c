package socialtest

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"crieur/publisher"
)

func traits(t *testing.T, b *bench) {
	tr := b.network.Traits()
	if tr.Network == "" || tr.Text <= 0 || tr.Len == nil {
		t.Fatalf("traits without name, length or count: %+v", tr)
	}
	if n := tr.Len(""); n != 0 {
		t.Errorf("nothing is %d long", n)
	}
	if n := tr.Len("é"); n != 1 {
		t.Errorf("é is %d long", n)
	}
	if tr.Len(strings.Repeat("a", tr.Text)) > tr.Text || tr.Len(strings.Repeat("a", tr.Text+1)) <= tr.Text {
		t.Errorf("letters do not count as one each")
	}
	if tr.Media > 0 && (tr.MediaBytes <= 0 || len(tr.MediaTypes) == 0 || tr.AltText <= 0) {
		t.Errorf("pictures are taken, but not which: %+v", tr)
	}
	if _, ok := b.network.(publisher.Finder); ok && tr.Settle <= 0 {
		t.Error("a Finder whose no could be trusted at once")
	}
	if tr.Price != nil && tr.Price(newPost("k")) <= 0 {
		t.Error("a price of nothing")
	}
}

func verify(t *testing.T, b *bench) {
	v, ok := b.network.(publisher.Verifier)
	if !ok {
		t.Fatalf("%T is no Verifier", b.network)
	}
	name, err := v.Verify(t.Context())
	if err != nil || !strings.HasPrefix(name, "@") {
		t.Errorf("got %q, %v", name, err)
	}
	b.stands(t)
	b.onEvery(b.refusal(http.StatusUnauthorized))
	_, err = v.Verify(t.Context())
	b.failed(t, err, publisher.Denied)
}

func probe(t *testing.T, b *bench) {
	p, ok := b.network.(publisher.Prober)
	if !ok {
		return // the network takes the same on every server
	}
	before := b.network.Traits()
	b.onEvery(b.refusal(http.StatusServiceUnavailable))
	b.failed(t, p.Probe(t.Context()), publisher.Busy)
	if after := b.network.Traits(); after.Text != before.Text || after.URL != before.URL {
		t.Errorf("a failure has changed the limits: %+v", after)
	}
	b.onEvery(nil)
	if err := p.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	traits(t, b)
}

func postFindRemove(t *testing.T, b *bench) {
	p, other := newPost(keyOf(t, 1)), newPost(keyOf(t, 2))
	if r, found := b.find(t, p); found {
		t.Fatalf("found before it was made: %+v", r)
	}
	r := b.post(t, p)
	b.stands(t, p.Text)
	if u, err := url.Parse(r.URL); err != nil || u.Host == "" {
		t.Errorf("the post's address is none: %q", r.URL)
	}
	found, ok := b.find(t, p)
	if !ok || found.ID != r.ID || found.URL != r.URL || found.Ref != r.Ref {
		t.Errorf("found %v:\n%+v, want\n%+v", ok, found, r)
	}
	if r, ok := b.find(t, other); ok {
		t.Errorf("another post is taken for this one: %+v", r)
	}
	remover, ok := b.network.(publisher.Remover)
	if !ok {
		t.Fatalf("%T is no Remover", b.network)
	}
	for _, when := range []string{"there", "gone"} {
		if err := remover.Remove(t.Context(), r); err != nil {
			t.Errorf("remove what is %s: %v", when, err)
		}
		b.stands(t)
	}
	if r, ok := b.find(t, p); ok {
		t.Errorf("found after it was removed: %+v", r)
	}
}

func pictures(t *testing.T, b *bench) {
	tr := b.network.Traits()
	if tr.Media == 0 {
		return
	}
	p := newPost(keyOf(t, "img"))
	for i := range tr.Media {
		p.Media = append(p.Media, picture(t, uint8(i+1), "Un héron, vu « d’en bas »"))
	}
	r := b.post(t, p)
	b.stands(t, p.Text)
	if found, ok := b.find(t, p); !ok || found.ID != r.ID {
		t.Errorf("a post with pictures is not found: %+v", found)
	}
}

func card(t *testing.T, b *bench) {
	if !b.network.Traits().Card {
		return
	}
	p := newPost(keyOf(t, "card"))
	thumb := picture(t, 7, "")
	p.Card = &publisher.PostCard{URL: "https://gazette.example/eau", Title: "L’eau monte", Description: "Au marais.", Thumb: &thumb}
	b.post(t, p)
	b.stands(t, p.Text)

	// A picture that is too large for any server is no reason not to post.
	p = newPost(keyOf(t, "large"))
	p.Card = &publisher.PostCard{URL: "https://gazette.example/eau", Title: "L’eau monte",
		Thumb: &publisher.Media{Type: "image/png", Data: make([]byte, 32<<20)}}
	b.post(t, p)
	if _, ok := b.find(t, p); !ok {
		t.Error("not found")
	}
}

func warning(t *testing.T, b *bench) {
	p := newPost(keyOf(t, "warn"))
	p.Warning = "Images de guerre"
	r := b.post(t, p)
	b.stands(t, p.Text)
	if found, ok := b.find(t, p); !ok || found.ID != r.ID {
		t.Errorf("a post with a warning is not found: %+v", found)
	}
}

func thread(t *testing.T, b *bench) {
	if !b.network.Traits().Thread {
		return
	}
	var texts []string
	var root, parent *publisher.Receipt
	for i := range 3 {
		p := newPost(keyOf(t, i))
		p.Root, p.Parent = root, parent
		r := b.post(t, p)
		if found, ok := b.find(t, p); !ok || found.ID != r.ID || found.Ref != r.Ref {
			t.Errorf("part %d is not found: %+v", i+1, found)
		}
		if parent = &r; root == nil {
			root = &r
		}
		texts = append(texts, p.Text)
	}
	b.stands(t, texts...)
}

// Whatever protects a network from doubles, a key, a name or the text itself: the
// second call gives the first one's receipt.
func sameKeyTwice(t *testing.T, b *bench) {
	p := newPost(keyOf(t, 1))
	first := b.post(t, p)
	second := b.post(t, p)
	b.stands(t, p.Text)
	if first.ID != second.ID || first.URL != second.URL || first.Ref != second.Ref {
		t.Errorf("two receipts for one post:\n%+v\n%+v", first, second)
	}
}

func manyAtOnce(t *testing.T, b *bench) {
	const n = 12
	var texts []string
	var wg sync.WaitGroup
	for i := range n {
		p := newPost(keyOf(t, i))
		texts = append(texts, p.Text)
		wg.Go(func() {
			b.network.Traits()
			if _, err := b.network.Post(t.Context(), p); err != nil {
				t.Errorf("post %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	b.stands(t, texts...)
}

// Networks limit how often one may log in, so a session outlives its process.
func sessionsAreKept(t *testing.T, b *bench) {
	p := newPost(keyOf(t, 1))
	b.post(t, p)
	logins := b.sessions()
	again := b.open(t, b.env)
	next := newPost(keyOf(t, 2))
	if _, err := again.Post(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if now := b.sessions(); now != logins || logins > 1 {
		t.Errorf("%d logins, then %d", logins, now)
	}
	b.stands(t, p.Text, next.Text)
}
