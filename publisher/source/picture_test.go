package source_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/source"
)

// tree writes files under a new folder; a name that ends in .png gets a picture.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data := []byte(content)
		if strings.HasSuffix(name, ".png") && content == "" {
			data = picture(t)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const around = "# T\n\nA text. It goes on.\n\n"

func TestLocalPictures(t *testing.T) {
	site := source.Config{SiteURL: "https://e.example/blog"}
	for name, c := range map[string]struct {
		files   map[string]string
		article string // the file that is read
		text    string
		conf    source.Config
		path    string // under the folder
		url     string
		src     string // in the body
	}{
		"beside":                       {map[string]string{"p.png": ""}, "a.md", around + "See ![A](p.png).", source.Config{}, "p.png", "", "p.png"},
		"beside, with a dot":           {map[string]string{"p.png": ""}, "a.md", around + "See ![A](./p.png).", source.Config{}, "p.png", "", "./p.png"},
		"below":                        {map[string]string{"i/p q.png": ""}, "a.md", around + "See ![A](i/p%20q.png?v=1).", source.Config{}, "i/p q.png", "", "i/p%20q.png"},
		"beside, with a site":          {map[string]string{"p.png": ""}, "a.md", around + "See ![A](p.png).", site, "p.png", "https://e.example/blog/p.png", "p.png"},
		"beside, with its address":     {map[string]string{"p.png": ""}, "a.md", "---\ncanonical: https://e.example/x/y/\n---\n" + around + "See ![A](p.png).", source.Config{}, "p.png", "https://e.example/x/y/p.png", "p.png"},
		"in an html element":           {map[string]string{"p.png": ""}, "a.md", around + `<figure><img src="p.png" alt="A"></figure>`, source.Config{}, "p.png", "", ""},
		"in an html file":              {map[string]string{"p.png": ""}, "a.html", `<title>T</title><p>A text. It goes on.</p><p>See <img src="p.png" alt="A">.</p>`, source.Config{}, "p.png", "", "p.png"},
		"static beside":                {map[string]string{"static/p.png": ""}, "a.md", around + "See ![A](/p.png).", source.Config{}, "static/p.png", "", "/p.png"},
		"hugo's static":                {map[string]string{"static/i/p.png": "", "content/posts/a.md": ""}, "content/posts/a.md", around + "See ![A](/i/p.png).", site, "static/i/p.png", "https://e.example/i/p.png", "/i/p.png"},
		"hugo's assets":                {map[string]string{"assets/p.png": "", "content/a/index.md": ""}, "content/a/index.md", around + "See ![A](p.png).", source.Config{}, "assets/p.png", "", "p.png"},
		"jekyll's assets":              {map[string]string{"assets/i/p.png": "", "_posts/a.md": ""}, "_posts/a.md", around + "See ![A](/assets/i/p.png).", source.Config{}, "assets/i/p.png", "", "/assets/i/p.png"},
		"not there, but on the site":   {nil, "a.md", around + "See ![A](/p.png).", site, "", "https://e.example/p.png", "https://e.example/p.png"},
		"above, so from the site":      {map[string]string{"p.png": "", "sub/a.md": ""}, "sub/a.md", around + "See ![A](../p.png).", site, "", "https://e.example/p.png", "https://e.example/p.png"},
		"on the web":                   {nil, "a.md", around + "See ![A](https://w.example/p.png).", source.Config{}, "", "https://w.example/p.png", "https://w.example/p.png"},
		"on the web, without a scheme": {nil, "a.md", around + "See ![A](//w.example/p.png).", source.Config{}, "", "https://w.example/p.png", "https://w.example/p.png"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, c.files)
			file := filepath.Join(dir, c.article)
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := source.Read(t.Context(), file, nil, c.conf)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Images) != 1 || a.Image == nil {
				t.Fatalf("images = %+v, lead %+v, want one that is both", a.Images, a.Image)
			}
			got := a.Images[0]
			if got.Path != "" {
				rel, err := filepath.Rel(dir, got.Path)
				if err != nil {
					t.Fatal(err)
				}
				if data, kind, err := source.LoadImage(got.Path, 1<<20); err != nil || kind != "image/png" || len(data) == 0 {
					t.Errorf("LoadImage: %d bytes of %q, %v", len(data), kind, err)
				}
				got.Path = filepath.ToSlash(rel)
			}
			if diff := cmp.Diff(publisher.Image{Path: c.path, URL: c.url, Alt: "A"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := `src="` + c.src + `"`; c.src != "" && !strings.Contains(a.Body, want) {
				t.Errorf("body = %s\nwant %s in it", a.Body, want)
			}
		})
	}
}

// No reference reads a file outside the article's folder and its site's.
func TestPicturesOutside(t *testing.T) {
	outside := filepath.Join(tree(t, map[string]string{"secret.png": ""}), "secret.png")
	for name, c := range map[string]struct {
		ref  string
		says string
		link string // a symbolic link to make, and what it leads to
		to   string
	}{
		"an absolute path":               {outside, "no such picture|outside", "", ""},
		"a path up":                      {"../secret.png", "outside", "", ""},
		"a path down and up":             {"i/../../secret.png", "outside", "", ""},
		"a path up, encoded":             {"%2e%2e/secret.png", "outside", "", ""},
		"backslashes":                    {`..\secret.png`, "no such picture", "", ""},
		"a link to a file":               {"l.png", "outside", "l.png", outside},
		"a link to a folder":             {"l/secret.png", "outside", "l", filepath.Dir(outside)},
		"a link instead of static":       {"/secret.png", "outside", "static", filepath.Dir(outside)},
		"a file address":                 {"file://" + outside, "", "", ""},
		"a name that is not there":       {"p.png", "no such picture", "", ""},
		"a folder":                       {"folder.png", "no such picture", "", ""},
		"a text by a picture's name":     {"text.png", "not a picture", "", ""},
		"a drawing that mail can't show": {"d.svg", "not a picture", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, map[string]string{"text.png": "words", "d.svg": "<svg/>", "folder.png/x": "", "a.md": around + "See ![A](<" + c.ref + ">)."})
			if c.link != "" {
				if err := os.Symlink(c.to, filepath.Join(dir, c.link)); err != nil {
					t.Fatal(err)
				}
			}
			a, err := source.Read(t.Context(), filepath.Join(dir, "a.md"), nil, source.Config{})
			if c.says == "" {
				if err != nil || a.Image != nil || strings.Contains(a.Body, "<img") {
					t.Errorf("got %v, %s, %v; want the picture dropped", a.Image, a.Body, err)
				}
				return
			}
			wantError(t, err, publisher.Invalid, "a.md:5", c.says)
		})
	}
}

func TestLeadPicture(t *testing.T) {
	files := map[string]string{"p.png": "", "q.png": ""}
	for name, c := range map[string]struct {
		text   string
		lead   publisher.Image
		images int
		figure int // figures left in the body
	}{
		"declared, and not in the text": {"---\nimage: {src: p.png, alt: A, caption: C, credit: D}\n---\n" + around, publisher.Image{Path: "p.png", Alt: "A", Caption: "C", Credit: "D"}, 0, 0},
		"declared, and above the text":  {"---\ntitle: T\nimage: p.png\n---\n![A](p.png \"C © D\")\n\nA text. It goes on.\n", publisher.Image{Path: "p.png", Alt: "A", Caption: "C", Credit: "D"}, 0, 0},
		"declared, and in the text":     {"---\nimage: p.png\n---\n" + around + "![A](p.png \"C\")\n\nMore.\n", publisher.Image{Path: "p.png", Alt: "A", Caption: "C"}, 1, 1},
		"declared, beside another":      {"---\nimage: p.png\nimage_alt: A\n---\n" + around + "![B](q.png)\n\nMore.\n", publisher.Image{Path: "p.png", Alt: "A"}, 1, 1},
		"not declared, above":           {"# T\n\n![A](p.png)\n\nA text. It goes on.\n", publisher.Image{Path: "p.png", Alt: "A"}, 0, 0},
		"not declared, above the title": {"![A](p.png)\n\n# T\n\nA text. It goes on.\n", publisher.Image{Path: "p.png", Alt: "A"}, 0, 0},
		"not declared, in the text":     {around + "![A](p.png)\n\n![B](q.png)\n", publisher.Image{Path: "p.png", Alt: "A"}, 2, 2},
		"typographic alternative text":  {around + "![L’« œuvre » : 2 h](p.png)\n", publisher.Image{Path: "p.png", Alt: "L’« œuvre » : 2 h"}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, files)
			file := filepath.Join(dir, "a.md")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := source.Read(t.Context(), file, nil, source.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if a.Image == nil {
				t.Fatal("no lead picture")
			}
			a.Image.Path = filepath.Base(a.Image.Path)
			if diff := cmp.Diff(c.lead, *a.Image); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(a.Images) != c.images || strings.Count(a.Body, "<figure>") != c.figure {
				t.Errorf("%d images, body %s\nwant %d images, %d figures", len(a.Images), a.Body, c.images, c.figure)
			}
			if want := `alt="` + c.lead.Alt + `"`; c.figure > 0 && c.images == c.figure && strings.Contains(a.Body, "p.png") && !strings.Contains(a.Body, want) {
				t.Errorf("body = %s\nwant %s in it", a.Body, want)
			}
		})
	}
}

// A picture that was replaced under the same name is a change.
func TestHashSeesPictures(t *testing.T) {
	dir := tree(t, map[string]string{"p.png": "", "a.md": around + "![A](p.png)\n\nMore.\n"})
	read := func() string {
		a, err := source.Read(t.Context(), filepath.Join(dir, "a.md"), nil, source.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return a.Hash
	}
	before := read()
	if again := read(); again != before {
		t.Errorf("the same article has two hashes: %s, %s", before, again)
	}
	if err := os.WriteFile(filepath.Join(dir, "p.png"), append(picture(t), 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if after := read(); after == before {
		t.Error("another picture, and the same hash")
	}
}

func TestLoadImage(t *testing.T) {
	dir := tree(t, map[string]string{"p.png": "", "t.png": "words"})
	_, _, err := source.LoadImage(filepath.Join(dir, "x.png"), 100)
	wantError(t, err, publisher.NotFound, "x.png", "no such file")
	_, _, err = source.LoadImage(dir, 100)
	wantError(t, err, publisher.Invalid, dir, "folder")
	_, _, err = source.LoadImage(filepath.Join(dir, "t.png"), 100)
	wantError(t, err, publisher.Invalid, "t.png", "not a picture")
	_, _, err = source.LoadImage(filepath.Join(dir, "p.png"), 10)
	wantError(t, err, publisher.Invalid, "p.png", "larger than 10 bytes")
}

// Hugo's address of an article follows its section, unless it says otherwise.
func TestSlugUnderContent(t *testing.T) {
	conf := source.Config{SiteURL: "https://e.example/"}
	for file, want := range map[string]string{
		"content/posts/a.md":         "https://e.example/posts/s/",
		"content/posts/deep/a.md":    "https://e.example/posts/deep/s/",
		"content/posts/pic/index.md": "https://e.example/posts/s/",
		"content/a.md":               "https://e.example/s/",
		"a.md":                       "https://e.example/s/",
	} {
		t.Run(file, func(t *testing.T) {
			dir := tree(t, map[string]string{file: "---\nslug: s\n---\n" + around})
			a, err := source.Read(t.Context(), filepath.Join(dir, filepath.FromSlash(file)), nil, conf)
			if err != nil {
				t.Fatal(err)
			}
			if a.CanonicalURL != want {
				t.Errorf("canonical = %q, want %q", a.CanonicalURL, want)
			}
		})
	}
}
