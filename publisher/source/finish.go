package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/unicode/norm"

	"crieur/publisher"
)

// article makes the article of a draft.
func (d *draft) article(ctx context.Context, c Config) (publisher.Article, error) {
	a := publisher.Article{Source: d.in.src}
	if err := ctx.Err(); err != nil {
		return a, &publisher.Error{Kind: publisher.Busy, Op: "read article", Where: d.in.where, Err: err}
	}
	if err := d.takeTitle(); err != nil {
		return a, err
	}
	d.clean(c)
	if !d.hasBody() {
		return a, invalid(d.in.where, "write the text under the title, after an empty line", "the article has a title and no text")
	}
	if err := d.addresses(&a, c); err != nil {
		return a, err
	}
	base := d.base(c)
	d.resolveLinks(base)
	pictures, err := d.resolvePictures(base, c)
	if err != nil {
		return a, err
	}
	lead, err := d.leadPicture(pictures, base, c)
	if err != nil {
		return a, err
	}
	if len(pictures) > 0 && d.opensWith(lead) {
		// The picture above the text is the lead picture: it is not shown twice.
		d.cut(0, 1)
		pictures = pictures[1:]
	}
	if a.Body = d.body(); isBlank(a.Body) {
		return a, invalid(d.in.where, "write the text under the title, after an empty line", "the article has a title and no text")
	}
	d.fill(&a, lead, pictures, c)
	return a, nil
}

func (d *draft) hasBody() bool {
	for _, b := range d.blocks {
		if !b.isRule() && (b.text != "" || find(b.node, isElement(atom.Img)) != nil) {
			return true
		}
	}
	return false
}

// fill sets the fields that are plain text, and those that follow from the rest.
func (d *draft) fill(a *publisher.Article, lead *shown, pictures []shown, c Config) {
	m := &d.meta
	a.Title, a.Lead, a.Author, a.Warning = m.title, oneLine(m.lead), oneLine(m.author), oneLine(m.warning)
	a.Wants, a.Notes = m.wants, d.notes
	a.Published, a.Embargo, a.Tags = m.published, m.embargo, tidyTags(m.tags)
	for _, p := range pictures {
		a.Images = append(a.Images, p.Image)
	}
	if lead != nil {
		img := lead.Image
		a.Image = &img
	}
	for _, k := range d.asks {
		a.Blocks = append(a.Blocks, k.block)
	}
	words := []string{a.Title, a.Lead}
	for _, b := range d.blocks {
		words = append(words, b.text)
	}
	a.Language = language(m.language, strings.Join(words, "\n"), c)
	a.Dir = direction(a.Language)
	// Composed, since a file's letters may come apart on its way through another system.
	a.ID = publisher.ArticleID(norm.NFC.String(oneLine(first(c.ID, m.id))), norm.NFC.String(a.CanonicalURL), norm.NFC.String(a.Title), a.Published)
	a.Hash = hash(a, lead, pictures)
}

// addresses sets the canonical and the original URL.
func (d *draft) addresses(a *publisher.Article, c Config) error {
	base := webURL(first(d.in.url, c.SiteURL))
	for _, f := range []struct {
		key, url string
		to       *string
	}{
		{"canonical", first(c.CanonicalURL, d.meta.canonical, d.in.url), &a.CanonicalURL},
		{"original", first(c.OriginalURL, d.meta.original), &a.OriginalURL},
	} {
		if f.url == "" {
			continue
		}
		u := webURL(f.url)
		if u == nil && !isWebAddress(f.url) {
			u = webURL(absolute(base, f.url))
		}
		if u != nil {
			*f.to = withoutTracking(u)
		} else if d.format != formatHTML || d.front != nil {
			return d.badAddress(f.key, f.url)
		}
		// A page's own mistake does not keep it from being read.
	}
	d.meta.canonical = a.CanonicalURL
	return nil
}

func (d *draft) badAddress(key, s string) error {
	where := d.in.where
	if f, ok := d.front.find(key+"url", key); ok {
		where = line(where, f.line)
	}
	return invalid(where, "write the whole address, such as https://example.org/article, or set site.url", "the %s address %q cannot be used", key, oneLine(redact(s)))
}

var trackers = regexp.MustCompile(`(?i)^(utm_.*|fbclid|gclid|dclid|msclkid|mc_cid|mc_eid|igshid|yclid|_hsenc|_hsmi|at_(medium|campaign|custom.*))$`)

// withoutTracking makes one address of those that lead to the same page: without
// a fragment and the parameters that only count where readers come from.
func withoutTracking(u *url.URL) string {
	v := *u
	v.Fragment, v.RawFragment = "", ""
	if v.RawQuery != "" {
		var kept []string
		for _, p := range strings.Split(v.RawQuery, "&") {
			if key, _, _ := strings.Cut(p, "="); !trackers.MatchString(key) && p != "" {
				kept = append(kept, p)
			}
		}
		v.RawQuery = escapeQuery(strings.Join(kept, "&"))
	}
	v.ForceQuery = false
	return v.String()
}

// leadPicture gives the declared picture, else the first of the text.
func (d *draft) leadPicture(pictures []shown, base *url.URL, c Config) (*shown, error) {
	if d.meta.image == nil {
		if len(pictures) == 0 {
			return nil, nil
		}
		return &pictures[0], nil
	}
	s, ok, err := d.resolve(*d.meta.image, base, c)
	if err != nil || !ok {
		return nil, err
	}
	// Where the text shows the same picture, its words about it serve both.
	for i := range pictures {
		p := &pictures[i]
		if samePicture(s, *p) {
			p.Alt, p.Caption, p.Credit = first(p.Alt, s.Alt), first(p.Caption, s.Caption), first(p.Credit, s.Credit)
			return p, nil
		}
	}
	return &s, nil
}

var sizeSuffix = regexp.MustCompile(`(?i)([-_](\d+x\d+|scaled|large|medium|thumb(nail)?|w?\d{3,4}w?))+(\.\w+)$`)

// samePicture compares files and addresses; of an address, the name that is left
// without the size that content systems put in it.
func samePicture(a, b shown) bool {
	if a.Path != "" || b.Path != "" {
		return a.Path == b.Path
	}
	name := func(s string) string {
		u, err := url.Parse(s)
		if err != nil {
			return s
		}
		return u.Hostname() + "/" + sizeSuffix.ReplaceAllString(path.Base(u.Path), "$4")
	}
	return a.URL == b.URL || name(a.URL) == name(b.URL) && path.Ext(a.URL) != ""
}

// opensWith reports that the text begins with the lead picture, in a figure or by
// itself.
func (d *draft) opensWith(lead *shown) bool {
	if lead == nil || len(d.blocks) < 2 || d.blocks[0].node.DataAtom != atom.Figure && d.blocks[0].text != "" {
		return false
	}
	imgs := findAll(d.blocks[0].node, isElement(atom.Img))
	return len(imgs) == 1 && attr(imgs[0], "src") == lead.src
}

// body writes the blocks, with the headings of an article under its title.
func (d *draft) body() string {
	var b strings.Builder
	for _, bl := range d.blocks {
		for _, h := range findAll(bl.node, isElement(atom.H1)) {
			h.DataAtom, h.Data = atom.H2, "h2"
		}
		// The only errors are those of the writer, and of trees that no parser makes.
		_ = html.Render(&b, bl.node)
		b.WriteByte('\n')
	}
	return strings.TrimSpace(sanitise(withoutControls(b.String())))
}

// tidyTags makes tags of what stood there as tags, each once.
func tidyTags(tags []string) []string {
	const most = 30
	var out []string
	seen := make(map[string]bool)
	for _, t := range tags {
		t = strings.TrimLeft(oneLine(t), "# ")
		if k := fold(t); k != "" && !seen[k] && len(out) < most {
			seen[k] = true
			out = append(out, t)
		}
	}
	return out
}

// hash covers what readers would see changed. Local pictures count by reference
// and contents, not by where they lie.
func hash(a *publisher.Article, lead *shown, pictures []shown) string {
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			_, _ = io.WriteString(h, p)
			_, _ = h.Write([]byte{0})
		}
	}
	put(a.Title, a.Lead, a.Body, a.Language, a.CanonicalURL, a.OriginalURL, a.Warning, a.Author)
	put(a.Tags...)
	if lead != nil {
		pictures = append([]shown{*lead}, pictures...)
	}
	for _, p := range pictures {
		put("", p.src, p.contents, p.Alt, p.Caption, p.Credit)
	}
	return hex.EncodeToString(h.Sum(nil))
}
