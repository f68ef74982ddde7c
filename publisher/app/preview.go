package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"crieur/publisher"
	"crieur/publisher/web"
	"crieur/templates"
)

// PreviewOptions says where a preview is shown.
type PreviewOptions struct {
	Out    string             // folder to write it into; "" serves it
	Listen string             // address to serve it on
	Ready  func(where string) // told the folder's page, or the address
}

// Preview shows every rendering of an article: written into a folder, or served
// until ctx ends and drawn anew whenever the article or a template changes.
func (a *App) Preview(ctx context.Context, src string, ao ArticleOptions, s Selection, o PreviewOptions) error {
	pictures := map[string][2]string{} // hash → bytes, type
	c := web.PreviewConfig{Catalogue: a.catalogue, Templates: templates.FS, Accent: a.conf.Site.Accent,
		Media: func(ctx context.Context, hash string) ([]byte, string, error) {
			p, ok := pictures[hash]
			if !ok {
				return nil, "", &publisher.Error{Kind: publisher.NotFound, Op: "find picture " + hash}
			}
			return []byte(p[0]), p[1], nil
		}}
	if o.Out != "" {
		e, err := a.edition(ctx, src, ao, s)
		if err != nil {
			return err
		}
		p := a.previewOf(e, src, pictures)
		if err := web.WritePreview(ctx, o.Out, p, c); err != nil {
			return err
		}
		o.Ready(filepath.Join(o.Out, "index.html"))
		return nil
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return &publisher.Error{Kind: publisher.Internal, Op: "listen on " + o.Listen, Where: "--listen", Err: err, Hint: "choose another address"}
	}
	server, err := web.NewPreview(c)
	if err != nil {
		_ = l.Close()
		return err
	}
	draw := func() { server.Show(a.redraw(ctx, src, ao, s, pictures)) }
	draw()
	stop, err := a.watch(src, draw)
	if err != nil {
		_ = l.Close()
		return err
	}
	defer stop()
	o.Ready("http://" + l.Addr().String() + "/")
	return web.Serve(ctx, l, server)
}

// redraw renders the article with the templates as they are now. What is wrong is
// shown instead of it, until it is mended.
func (a *App) redraw(ctx context.Context, src string, ao ArticleOptions, s Selection, pictures map[string][2]string) web.Preview {
	catalogue, set, err := openTemplates(a.templatesDir())
	if err == nil {
		a.catalogue, a.set = catalogue, set
		var e *edition
		if e, err = a.edition(ctx, src, ao, s); err == nil {
			return a.previewOf(e, src, pictures)
		}
	}
	return web.Preview{Source: src, Language: firstOf(a.conf.Site.Language, "en"), SiteName: a.conf.Site.Name, Mode: a.conf.Mode,
		Problem: err.Error(), Hint: publisher.HintOf(err)}
}

func (a *App) previewOf(e *edition, src string, pictures map[string][2]string) web.Preview {
	for _, p := range e.pictures {
		pictures[p.Hash] = [2]string{string(p.Data), p.Type}
	}
	p := web.Preview{Title: e.article.Title, Source: src, Language: firstOf(a.conf.Site.Language, e.article.Language, "en"),
		SiteName: a.conf.Site.Name, Mode: a.conf.Mode, Warnings: e.warnings}
	for _, r := range e.mails {
		m := a.sample(r.rendering)
		n, _ := a.newsletter(r.rendering.Channel)
		p.Mails = append(p.Mails, web.PreviewMail{Channel: m.Channel, From: n.From.Name + " <" + n.From.Email + ">", Subject: m.Subject,
			Preheader: m.Preheader, HTML: inlinePictures(m.HTML, a.publicURL("media"), pictures), Text: m.Text, Size: len(m.HTML)})
	}
	for _, r := range e.posts {
		post := web.PreviewPost{Channel: r.rendering.Channel, Network: r.network, Handle: "@" + r.rendering.Channel, Parts: r.rendering.Parts}
		if cost := a.cost(e.networks[r.rendering.Channel], r.rendering, Effect{New: len(r.rendering.Parts)}); cost > 0 {
			post.Cost = fmt.Sprintf("$%.3f", cost)
		}
		p.Posts = append(p.Posts, post)
	}
	return p
}

// inlinePictures puts the pictures that crieur will serve into a mail's HTML, so
// that a preview shows them while no public server runs.
func inlinePictures(html, base string, pictures map[string][2]string) string {
	for hash, p := range pictures {
		link := base + "/" + hash + "." + strings.TrimPrefix(p[1], "image/")
		if strings.Contains(html, link) {
			html = strings.ReplaceAll(html, link, dataURL(p[1], p[0]))
		}
	}
	return html
}

// watch calls changed, a moment after the article or one of the owner's templates
// was written.
func (a *App) watch(src string, changed func()) (stop func(), err error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	// Editors replace files, so their folders are watched.
	if u, err := url.Parse(src); src != "-" && (err != nil || u.Host == "") {
		if err := w.Add(filepath.Dir(src)); err != nil {
			return nil, err
		}
	}
	_ = filepath.WalkDir(a.templatesDir(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return w.Add(path)
		}
		return nil
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		quiet := time.NewTimer(time.Hour)
		quiet.Stop()
		for {
			select {
			case e, ok := <-w.Events:
				if !ok {
					return
				}
				if e.Has(fsnotify.Create) {
					if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
						_ = w.Add(e.Name)
					}
				}
				quiet.Reset(150 * time.Millisecond)
			case _, ok := <-w.Errors:
				if !ok {
					return
				}
			case <-quiet.C:
				changed()
			}
		}
	}()
	return func() { _ = w.Close(); <-done }, nil
}

func dataURL(mediaType, data string) string {
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString([]byte(data))
}
