package app

import (
	"context"
	"fmt"
	"path"
	"strings"

	"crieur/publisher"
	"crieur/publisher/render"
	"crieur/publisher/source"
)

// host gives the pictures that crieur serves by itself: those of articles that came
// from a file, where the site has no address for them yet. The key is imageKey.
func (a *App) host(ctx context.Context, e *edition) (map[string]string, error) {
	e.bytes = map[string][]byte{}
	hosted := map[string]string{}
	for _, article := range e.content() {
		for i, img := range pictures(article) {
			err := a.hostOne(ctx, e, hosted, img, img.Path, i == 0 && len(e.targets.channels) > 0)
			if err != nil && img.Path != "" {
				return nil, err
			}
			if err != nil { // letters link to it all the same
				e.warn(fmt.Sprintf("posts go without picture %s: %v", path.Base(img.URL), err))
			}
		}
	}
	own := []string{a.conf.Site.Logo}
	for _, s := range a.conf.Blocks.Sponsors.Items {
		own = append(own, s.Image)
	}
	for _, p := range own {
		if p == "" || strings.HasPrefix(p, "https://") || strings.HasPrefix(p, "http://") {
			continue
		}
		if err := a.hostOne(ctx, e, hosted, publisher.Image{Path: p}, a.conf.Path(p), false); err != nil {
			return nil, err
		}
	}
	return hosted, nil
}

// hostOne reads one picture, which stands at path if it is local, and notes the
// address at which crieur will serve it.
func (a *App) hostOne(ctx context.Context, e *edition, hosted map[string]string, img publisher.Image, path string, lead bool) error {
	key := imageKey(img)
	if _, done := e.bytes[key]; done {
		return nil
	}
	local := img
	local.Path = path
	data, err := a.pictureBytes(ctx, local, lead)
	if err != nil || data == nil {
		return err
	}
	e.bytes[key] = data
	if path == "" {
		return nil
	}
	p, err := render.FitPicture(data, img.Alt, render.PictureLimits{Bytes: 1_000_000, Side: 1600})
	if err != nil {
		return err
	}
	e.pictures = append(e.pictures, p)
	hosted[key] = a.mediaURL(p.MediaRef)
	return nil
}

// pictureBytes reads a local picture, and the lead picture from the web: the only
// one that posts carry. Letters link to the others where they stand.
func (a *App) pictureBytes(ctx context.Context, img publisher.Image, lead bool) ([]byte, error) {
	const most = 20 << 20
	if img.Path != "" {
		data, _, err := source.LoadImage(img.Path, most)
		return data, err
	}
	if !lead || img.URL == "" || !a.Live() {
		return nil, nil
	}
	data, _, err := source.FetchImage(ctx, img.URL, a.sourceConfig(ArticleOptions{}), most)
	return data, err
}

// mediaURL gives the address at which crieur serves a frozen picture.
func (a *App) mediaURL(m publisher.MediaRef) string {
	return a.publicURL("media", m.Hash+"."+strings.TrimPrefix(m.Type, "image/"))
}

func imageKey(i publisher.Image) string { return firstOf(i.Path, i.URL) }
