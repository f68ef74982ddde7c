package web_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/web"
)

// files lists the files below dir, with slashes.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func read(t testing.TB, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWritePreview(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	p := sample()
	hall, clock := p.Posts[0].Parts[0].Media[0].Hash, p.Posts[0].Parts[0].Media[1].Hash
	for range 2 { // the second writes over the first
		if err := web.WritePreview(dir, p, previewConfig(t)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"index.html", "mail-quotidien.dark.html", "mail-quotidien.html", "mail-quotidien.light.html", "mail-quotidien.txt",
		"media/" + hall + ".jpg", "media/" + clock + ".png", "post-fil.txt", "post-mastodon.txt", "post-x.txt"}
	slices.Sort(want)
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Fatal(diff)
	}
	page := read(t, dir, "index.html")
	for _, name := range beside(t, page) {
		if !slices.Contains(want, name) {
			t.Errorf("the page wants %s, which is not there", name)
		}
	}
	if len(beside(t, page)) != 4 { // two frames' letters, two pictures
		t.Error("the page wants", beside(t, page))
	}
	if found := elements(t, page); len(found["script"]) > 0 {
		t.Error("a page that no server can change has a script to reload it")
	}
	for name, content := range map[string]string{
		"mail-quotidien.html": letter, "mail-quotidien.txt": p.Mails[0].Text, "media/" + hall + ".jpg": "hall",
		"post-fil.txt": "Un\n\n---\n\nDeux https://gazette.example/a\n",
	} {
		if diff := cmp.Diff(content, read(t, dir, name)); diff != "" {
			t.Error(name, diff)
		}
	}
}

func TestNoNameLeavesTheFolder(t *testing.T) {
	names := []string{"", ".", "..", "../../escaped", "/escaped", `..\escaped`, `C:\escaped`, "a/b", "CON", "nul.txt", "x\x00y", "été", "Été", "a b", "a-b", "A-B",
		strings.Repeat("long/", 100), "%2e%2e%2f", "index", "media", "post-x", "\xff"}
	parent := t.TempDir()
	dir := filepath.Join(parent, "out")
	p := web.Preview{Language: "en", Mode: "live", Pictures: map[string]web.Picture{}}
	for i, name := range names {
		ref := publisher.MediaRef{Hash: "../" + strconv.Itoa(i), Type: "image/jpeg/../../escaped"}
		p.Pictures[ref.Hash] = web.Picture{Type: "image/jpeg", Data: []byte(name)}
		p.Mails = append(p.Mails, web.PreviewMail{Channel: name, HTML: "mail " + name, Text: name})
		p.Posts = append(p.Posts, web.PreviewPost{Channel: name, Network: name,
			Parts: []web.PreviewPart{{Part: publisher.Part{Text: "post " + name, Media: []publisher.MediaRef{ref}}}}})
	}
	if err := web.WritePreview(dir, p, previewConfig(t)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	posts, mails := 0, 0
	for _, name := range files(t, parent) {
		rest, inside := strings.CutPrefix(name, "out/")
		rest, media := strings.CutPrefix(rest, "media/")
		if !inside || strings.ContainsAny(rest, `/\:%`) || len(rest) > 130 {
			t.Errorf("%q was written", name)
		}
		if seen[strings.ToLower(name)] {
			t.Errorf("%q stands on another file where capitals do not count", name)
		}
		seen[strings.ToLower(name)] = true
		switch {
		case media:
		case strings.HasPrefix(rest, "post-"):
			posts++
		case strings.HasPrefix(rest, "mail-"):
			mails++
		case rest != "index.html":
			t.Errorf("%q was written", name)
		}
	}
	if posts != len(names) || mails != 4*len(names) {
		t.Errorf("%d posts and %d files of mails for %d names", posts, mails, len(names))
	}
	for _, name := range beside(t, read(t, dir, "index.html")) {
		if !seen["out/"+strings.ToLower(name)] {
			t.Errorf("the page wants %s, which is not there", name)
		}
	}
}

func TestWritePreviewSaysWhyItCannot(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	busy := t.TempDir()
	if err := os.Mkdir(filepath.Join(busy, "index.html"), 0o700); err != nil {
		t.Fatal(err)
	}
	lost := sample()
	clear(lost.Pictures)
	for name, test := range map[string]struct {
		dir   string
		p     web.Preview
		kind  publisher.Kind
		where string
	}{
		"folder is a file": {taken, sample(), publisher.Internal, taken},
		"file is a folder": {busy, sample(), publisher.Internal, filepath.Join(busy, "index.html")},
		"picture is lost":  {t.TempDir(), lost, publisher.NotFound, "mastodon"},
	} {
		t.Run(name, func(t *testing.T) {
			err := web.WritePreview(test.dir, test.p, previewConfig(t))
			e, ok := errors.AsType[*publisher.Error](err)
			if !ok || e.Kind != test.kind || e.Where != test.where {
				t.Errorf("got %v", err)
			}
		})
	}
}
