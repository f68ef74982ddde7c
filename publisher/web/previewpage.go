package web

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"path"
	"strconv"
	"strings"

	"crieur/publisher"
	"crieur/publisher/locale"
)

// reload has the page load anew when another preview than its own is shown, on the
// paper that was picked. The browser connects again by itself when the server was
// away.
const reload = `var kept=sessionStorage,paper=document.getElementById(kept.paper);if(paper)paper.checked=true;` +
	`new EventSource("changes?seen="+document.body.dataset.version).onmessage=function(){` +
	`var picked=document.querySelector("[name=paper]:checked");if(picked)kept.paper=picked.id;location.reload()}`

// A previewer lays previews out.
type previewer struct {
	catalogue *locale.Catalogue
	css       template.CSS
	page      *template.Template
}

func newPreviewer(c PreviewConfig) (*previewer, error) {
	css, err := styles(c.Templates, c.Accent, "web/preview.css")
	if err != nil {
		return nil, err
	}
	page, err := parse(c.Templates, "web/preview.html.tmpl", template.FuncMap{
		"initial": func(s string) string {
			for _, r := range s {
				return strings.ToUpper(string(r))
			}
			return "·"
		},
		"pair": func(page, of any) pair { return pair{page, of} },
	})
	if err != nil {
		return nil, err
	}
	return &previewer{catalogue: c.Catalogue, css: css, page: page}, nil
}

// A sheet is what preview.html.tmpl draws.
type sheet struct {
	Preview
	L       *locale.Localizer
	CSS     template.CSS
	Mails   []mailView
	Posts   []postView
	Version string // of a page that is served, and so reloads; "": it is a file
	Reload  template.JS
}

type mailView struct {
	PreviewMail
	Light, Dark string // files of its frames
	Weight      string
}

// A pair hands a template one thing of a page together with the page.
type pair struct{ Page, Of any }

// A file is a part of a preview. Its name has slashes and stays within the folder.
type file struct {
	name, mediaType string
	data            []byte
}

const (
	htmlType = "text/html; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

// layOut gives a preview's page, not yet drawn, and the files that it shows and
// that stand beside it.
func (d *previewer) layOut(p Preview) (sheet, []file, error) {
	s := sheet{Preview: p, L: d.catalogue.For(p.Language), CSS: d.css, Reload: reload}
	var files []file
	taken := names{}
	for _, m := range p.Mails {
		stem := taken.free("mail-" + m.Channel)
		v := mailView{PreviewMail: m, Light: stem + ".light.html", Dark: stem + ".dark.html", Weight: weight(s.L, m)}
		s.Mails = append(s.Mails, v)
		files = append(files, file{stem + ".html", htmlType, []byte(m.HTML)}, file{stem + ".txt", textType, []byte(m.Text)},
			file{v.Light, htmlType, []byte(inScheme(m.HTML, "light"))}, file{v.Dark, htmlType, []byte(inScheme(m.HTML, "dark"))})
	}
	pictures := map[string]bool{}
	for _, post := range p.Posts {
		v := postView{PreviewPost: post, Name: networkName(post.Network), Cost: dollars(s.L, post.Cost)}
		var texts []string
		for _, part := range post.Parts {
			drawn, refs := partOf(post.Network, part)
			v.Parts = append(v.Parts, drawn)
			texts = append(texts, part.Text)
			for _, ref := range refs {
				picture, ok := p.Pictures[ref.Hash]
				if !ok {
					return s, nil, &publisher.Error{Kind: publisher.NotFound, Op: "find picture " + ref.Hash, Where: post.Channel}
				}
				if !pictures[ref.Hash] {
					pictures[ref.Hash] = true
					files = append(files, file{pictureFile(ref), pictureType(picture.Type), picture.Data})
				}
			}
		}
		s.Posts = append(s.Posts, v)
		files = append(files, file{taken.free("post-"+post.Channel) + ".txt", textType, []byte(strings.Join(texts, "\n\n---\n\n") + "\n")})
	}
	return s, files, nil
}

// draw gives the page as a file.
func (d *previewer) draw(s sheet) (file, error) {
	var out strings.Builder
	if err := d.page.ExecuteTemplate(&out, "preview.html.tmpl", s); err != nil {
		return file{}, &publisher.Error{Kind: publisher.Invalid, Op: "draw preview", Where: "web/preview.html.tmpl", Err: err}
	}
	return file{"index.html", htmlType, []byte(out.String())}, nil
}

func partOf(network string, p PreviewPart) (partView, []publisher.MediaRef) {
	v := partView{Part: p.Part, Spans: spans(network, p)}
	if p.Limit > 0 {
		v.Used, v.Extra = min(100, 100*p.Length/p.Limit), max(0, p.Length-p.Limit)
	}
	refs := p.Media
	for _, m := range p.Media {
		v.Media = append(v.Media, pictureOf(m))
	}
	if c := p.Card; c != nil {
		v.Card = &cardView{Host: host(c.URL), Title: c.Title, Description: c.Description}
		if c.Thumb != nil {
			thumb := pictureOf(*c.Thumb)
			v.Card.Thumb = &thumb
			refs = append([]publisher.MediaRef{*c.Thumb}, refs...)
		}
	}
	return v, refs
}

func pictureOf(m publisher.MediaRef) pictureView {
	return pictureView{Src: pictureFile(m), Alt: m.Alt, Width: m.Width, Height: m.Height}
}

func pictureFile(m publisher.MediaRef) string {
	return path.Join("media", safe(m.Hash)+extensions[m.Type])
}

// names keeps the files of a preview apart, on disks too that do not tell small
// letters from capitals.
type names map[string]bool

func (n names) free(name string) string {
	stem := safe(name)
	free := stem
	for i := 2; n[strings.ToLower(free)]; i++ {
		free = stem + "-" + strconv.Itoa(i)
	}
	n[strings.ToLower(free)] = true
	return free
}

// safe gives a name that cannot leave its folder, on any system.
func safe(name string) string {
	const most = 100
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	return name[:min(len(name), most)]
}

// weight says how heavy a mail's HTML is, and how heavy it may be: mailbox providers
// show only the beginning of what is heavier.
func weight(l *locale.Localizer, m PreviewMail) string {
	kilobytes := func(n int) string { return l.Number(max(1, (n+500)/1000)) }
	if m.SizeLimit <= 0 {
		return l.T("preview.size", "Size", kilobytes(m.Size))
	}
	return l.T("preview.size-of", "Size", kilobytes(m.Size), "Limit", kilobytes(m.SizeLimit))
}

// dollars writes millionths of a US dollar; "" for none.
func dollars(l *locale.Localizer, micro int64) string {
	if micro <= 0 {
		return ""
	}
	amount := strconv.FormatFloat(float64(micro)/1e6, 'f', 3, 64)
	return l.T("preview.cost", "Amount", strings.Replace(amount, ".", l.T("preview.decimal"), 1))
}

// scriptHash is what a content security policy allows a script by.
func scriptHash(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
