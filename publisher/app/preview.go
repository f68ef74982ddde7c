package app

import (
	"cmp"
	"context"
	"encoding/base64"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"crieur/publisher"
	"crieur/publisher/social/bluesky"
	"crieur/publisher/social/mastodon"
	"crieur/publisher/social/measure"
	"crieur/publisher/web"
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
	return a.preview(ctx, []string{src}, func() (*edition, error) { return a.edition(ctx, src, ao, s) }, o)
}

// preview shows what build makes of the articles at sources.
func (a *App) preview(ctx context.Context, sources []string, build func() (*edition, error), o PreviewOptions) error {
	name := strings.Join(sources, ", ")
	c := web.PreviewConfig{Catalogue: a.catalogue, Templates: a.set.FS(), Accent: a.conf.Site.Accent}
	if o.Out != "" {
		e, err := build()
		if err != nil {
			return err
		}
		if err := web.WritePreview(o.Out, a.previewOf(e, name), c); err != nil {
			return err
		}
		o.Ready(filepath.Join(o.Out, "index.html"))
		return nil
	}
	if slices.Contains(sources, "-") {
		// Standard input can be read once; the templates may change often.
		text, err := io.ReadAll(io.LimitReader(a.o.Stdin, int64(a.conf.Article.MaxBytes)+1))
		if err != nil {
			return &publisher.Error{Kind: publisher.Invalid, Op: "read standard input", Err: err}
		}
		defer func(in io.Reader) { a.o.Stdin = in }(a.o.Stdin)
		a.o.Stdin = &again{text: text}
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return &publisher.Error{Kind: publisher.Internal, Op: "listen on " + o.Listen, Where: "--listen", Err: err, Hint: "choose another address"}
	}
	server, err := web.NewPreview(ctx, c)
	if err != nil {
		_ = l.Close()
		return err
	}
	draw := func() { server.Show(a.redraw(name, build)) }
	draw()
	stop, err := a.watch(sources, draw)
	if err != nil {
		_ = l.Close()
		return err
	}
	defer stop()
	o.Ready("http://" + l.Addr().String() + "/")
	return web.Serve(ctx, l, server)
}

// again gives the same text each time that it is read to its end.
type again struct {
	text []byte
	at   int
}

func (r *again) Read(p []byte) (int, error) {
	if r.at == len(r.text) {
		r.at = 0
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	r.at += n
	return n, nil
}

// redraw builds the edition with the templates as they are now. What is wrong is
// shown instead of it, until it is mended.
func (a *App) redraw(src string, build func() (*edition, error)) web.Preview {
	catalogue, set, err := openTemplates(a.templatesDir())
	if err == nil {
		a.catalogue, a.set = catalogue, set
		var e *edition
		if e, err = build(); err == nil {
			return a.previewOf(e, src)
		}
	}
	return web.Preview{Source: src, Language: firstOf(a.conf.Site.Language, "en"), SiteName: a.conf.Site.Name, Mode: a.conf.Mode,
		Problem: err.Error(), Hint: publisher.HintOf(err)}
}

func (a *App) previewOf(e *edition, src string) web.Preview {
	p := web.Preview{Title: e.article.Title, Source: src, Language: firstOf(a.conf.Site.Language, e.article.Language, "en"),
		SiteName: a.conf.Site.Name, Mode: a.conf.Mode, Warnings: e.warnings, Pictures: map[string]web.Picture{}}
	for _, picture := range e.pictures {
		p.Pictures[picture.Hash] = web.Picture{Type: picture.Type, Data: picture.Data}
	}
	for _, r := range e.mails {
		m := a.sample(r.rendering)
		n, _ := a.newsletter(r.rendering.Channel)
		p.Mails = append(p.Mails, web.PreviewMail{Channel: m.Channel, From: n.From.Name + " <" + n.From.Email + ">", Subject: m.Subject,
			Preheader: m.Preheader, HTML: inlinePictures(m.HTML, a.publicURL("media"), p.Pictures), Text: m.Text,
			Size: len(m.HTML), SizeLimit: a.conf.Preflight.SizeFail})
	}
	for _, r := range e.posts {
		post := web.PreviewPost{Channel: r.rendering.Channel, Network: r.network, Handle: a.handle(r.rendering.Channel)}
		price := e.networks[r.rendering.Channel].Traits().Price
		for _, part := range r.rendering.Parts {
			post.Parts = append(post.Parts, web.PreviewPart{Part: part, Links: links(r.network, part.Text)})
			if price != nil {
				post.Cost += price(publisher.Post{Text: part.Text})
			}
		}
		p.Posts = append(p.Posts, post)
	}
	return p
}

// handle gives what the configuration tells of a channel's account.
func (a *App) handle(channel string) string {
	for _, c := range a.conf.Channels {
		if c.Name != channel {
			continue
		}
		keys, _ := channelConfig(c.Kind)
		switch keys := keys.(type) {
		case *bluesky.Config:
			if c.Decode(keys) == nil && keys.Handle != "" {
				return "@" + keys.Handle
			}
		case *mastodon.Config:
			if c.Decode(keys) == nil {
				if u, err := url.Parse(keys.Server); err == nil {
					return u.Host
				}
			}
		}
	}
	return ""
}

// links finds what a network makes a link of.
func links(network, text string) []web.Link {
	var found []web.Link
	if network == "bluesky" {
		for _, f := range measure.Facets(text) {
			found = append(found, web.Link{Start: f.Start, End: f.End, Address: f.Kind == measure.FacetLink})
		}
		return found
	}
	for _, s := range measure.URLs(text) {
		found = append(found, web.Link{Start: s.Start, End: s.End, Address: true})
	}
	for _, s := range measure.Hashtags(text) {
		found = append(found, web.Link{Start: s.Start, End: s.End})
	}
	for _, m := range measure.Mentions(text) {
		found = append(found, web.Link{Start: m.Start, End: m.End})
	}
	slices.SortFunc(found, func(a, b web.Link) int { return cmp.Compare(a.Start, b.Start) })
	return found
}

// inlinePictures puts the pictures that crieur will serve into a mail's HTML, so
// that a preview shows them while no public server runs.
func inlinePictures(html, base string, pictures map[string]web.Picture) string {
	for hash, p := range pictures {
		link := base + "/" + hash + "." + strings.TrimPrefix(p.Type, "image/")
		if strings.Contains(html, link) {
			html = strings.ReplaceAll(html, link, dataURL(p.Type, p.Data))
		}
	}
	return html
}

// watch calls changed, a moment after one of the articles or of the owner's templates
// was written.
func (a *App) watch(sources []string, changed func()) (stop func(), err error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	// Editors replace files, so their folders are watched.
	for _, src := range sources {
		if u, err := url.Parse(src); src != "-" && !strings.HasPrefix(src, feedPrefix) && (err != nil || u.Host == "") {
			if err := w.Add(filepath.Dir(src)); err != nil {
				return nil, err
			}
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

func dataURL(mediaType string, data []byte) string {
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(data)
}
