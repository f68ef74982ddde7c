package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"crieur/publisher"
)

// reload has the page load anew when the preview has changed, and tries again by
// itself when the server was away.
const reload = `new EventSource("changes").onmessage=function(){location.reload()}`

var reloadHash = func() string {
	sum := sha256.Sum256([]byte(reload))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

// A previewer draws previews.
type previewer struct {
	c     PreviewConfig
	css   template.CSS
	drawn *template.Template
}

func newPreviewer(c PreviewConfig) (*previewer, error) {
	css, err := styles(c.Templates, c.Accent)
	if err != nil {
		return nil, err
	}
	own, err := fs.ReadFile(c.Templates, "web/preview.css")
	if err != nil {
		return nil, &publisher.Error{Op: "read style sheet", Err: err}
	}
	t, err := template.New("").Funcs(template.FuncMap{
		"initial": func(s string) string {
			for _, r := range s {
				return strings.ToUpper(string(r))
			}
			return "·"
		},
		"media":      func(m publisher.MediaRef) string { return "media/" + fileOf(m) },
		"paragraphs": func(s string) []string { return strings.Split(s, "\n") },
		"kilobytes":  func(n int) string { return fmt.Sprintf("%.1f", float64(n)/1024) },
		"over":       func(p publisher.Part) bool { return p.Limit > 0 && p.Length > p.Limit },
		"share": func(p publisher.Part) int {
			if p.Limit <= 0 {
				return 0
			}
			return min(100, 100*p.Length/p.Limit)
		},
	}).ParseFS(c.Templates, "web/preview.html.tmpl")
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read templates", Where: "web/preview.html.tmpl", Err: err}
	}
	return &previewer{c: c, css: css + template.CSS(own), drawn: t}, nil
}

func (d *previewer) page(w io.Writer, p Preview, live bool) error {
	return d.drawn.ExecuteTemplate(w, "preview.html.tmpl", previewView{Preview: p, L: d.c.Catalogue.For(p.Language), CSS: d.css, Live: live, Reload: reload})
}

// WritePreview writes a preview into a folder: index.html, and beside it each mail
// as HTML and text, each post as text, and the pictures. It needs no server, and
// overwrites what an earlier preview wrote.
func WritePreview(ctx context.Context, dir string, p Preview, c PreviewConfig) error {
	d, err := newPreviewer(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "media"), 0o755); err != nil {
		return cannotWrite(dir, err)
	}
	for _, m := range p.Mails {
		if err := write(dir, m.Channel+".html", m.HTML); err != nil {
			return err
		}
		if err := write(dir, m.Channel+".txt", m.Text); err != nil {
			return err
		}
	}
	for _, post := range p.Posts {
		var texts []string
		for _, part := range post.Parts {
			texts = append(texts, part.Text)
			for _, ref := range mediaOf(part) {
				data, _, err := c.Media(ctx, ref.Hash)
				if err != nil {
					return err
				}
				if err := write(filepath.Join(dir, "media"), fileOf(ref), string(data)); err != nil {
					return err
				}
			}
		}
		if err := write(dir, post.Channel+".txt", strings.Join(texts, "\n\n---\n\n")+"\n"); err != nil {
			return err
		}
	}
	var out strings.Builder
	if err := d.page(&out, p, false); err != nil {
		return &publisher.Error{Op: "draw preview", Err: err}
	}
	return write(dir, "index.html", out.String())
}

func mediaOf(p publisher.Part) []publisher.MediaRef {
	refs := p.Media
	if p.Card != nil && p.Card.Thumb != nil {
		refs = append([]publisher.MediaRef{*p.Card.Thumb}, refs...)
	}
	return refs
}

func fileOf(m publisher.MediaRef) string { return m.Hash + "." + strings.TrimPrefix(m.Type, "image/") }

func write(dir, name, text string) error {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

func cannotWrite(path string, err error) error {
	return &publisher.Error{Kind: publisher.Internal, Op: "write preview", Where: path, Err: err, Hint: "check the folder's rights and the space on its disk"}
}
