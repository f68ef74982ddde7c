package app

import (
	"context"
	"net"
	"net/http"
	"strings"

	"crieur/publisher"
	"crieur/publisher/audience"
	"crieur/publisher/web"
)

// servePages answers readers on l.
func (a *App) servePages(ctx context.Context, l net.Listener) error {
	h, err := a.pages(ctx)
	if err != nil {
		_ = l.Close()
		if ctx.Err() != nil {
			return nil // told to stop before it had begun
		}
		return err
	}
	return web.Serve(ctx, l, h)
}

func (a *App) pages(ctx context.Context) (http.Handler, error) {
	people, err := a.audience(ctx)
	if err != nil {
		return nil, err
	}
	key, err := a.deskKey(ctx)
	if err != nil {
		return nil, err
	}
	public, err := web.Public(web.Config{
		Desk: desk{a}, DeskKey: key, Now: a.o.Now,
		Readers: readers{a, people}, Archive: archive{a}, Catalogue: a.catalogue, Templates: a.set.FS(),
		SiteName: a.conf.Site.Name, SiteURL: a.conf.Site.URL, Logo: remote(a.conf.Site.Logo), Accent: a.conf.Site.Accent, Language: firstOf(a.conf.Site.Language, "en"), Log: a.o.Log,
	})
	if err != nil {
		return nil, err
	}
	hooks, err := a.hooks()
	if err != nil {
		return nil, err
	}
	// What a hub delivers waits in the ledger until the source is published.
	hubs, err := a.websub(ctx, func(string) {})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/hooks/", hooks)
	mux.Handle("/websub/", hubs)
	in := &intake{a: a}
	mux.Handle("/api/", a.api(in))
	mux.Handle("/hooks/cms/", a.systems(in))
	mux.Handle("/", public)
	return mux, nil
}

// readers shows the audience to the web pages.
type readers struct {
	a      *App
	people *audience.Service
}

var _ web.Readers = readers{}

func (r readers) Lookup(ctx context.Context, token string) (web.Person, error) {
	p, err := r.people.Preferences(ctx, token)
	if err != nil {
		return web.Person{}, err
	}
	out := web.Person{Email: p.Subscriber.Email, Language: p.Subscriber.Language}
	for _, s := range p.Subscriptions {
		l := web.List{Name: s.List, Title: s.List, On: s.Status == publisher.Confirmed}
		for _, c := range r.a.conf.Lists {
			if c.Name == s.List {
				l.Title, l.Description = firstOf(c.Title, c.Name), c.Description
			}
		}
		out.Lists = append(out.Lists, l)
	}
	return out, nil
}

func (r readers) Leave(ctx context.Context, token, list, how string) (bool, error) {
	return r.people.Leave(ctx, token, list, how)
}

func (r readers) Join(ctx context.Context, token, list, how string) (bool, error) {
	return r.people.Join(ctx, token, list, how)
}

// archive shows the frozen pages and pictures to the web.
type archive struct{ a *App }

var _ web.Archive = archive{}

func (x archive) Page(ctx context.Context, issueID, articleID string) (string, error) {
	all, err := x.a.store.Renderings(ctx, issueID)
	if err != nil {
		return "", err
	}
	for _, r := range all {
		if r.Channel == pageOf(articleID) {
			return r.HTML, nil
		}
	}
	return "", noIssue(issueID, &publisher.Error{Kind: publisher.NotFound})
}

func (x archive) Media(ctx context.Context, hash string) ([]byte, string, error) {
	return x.a.store.Media(ctx, hash)
}

// remote gives an address on the web, and nothing for a picture that lies beside the
// configuration: outside an issue it has no address.
func remote(address string) string {
	if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
		return address
	}
	return ""
}
