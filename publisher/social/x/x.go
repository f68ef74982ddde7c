// Package x posts to an account on X: by the API's version 2, or by version 1.1 for
// legacy access and for servers that speak it. Requests are signed with OAuth 1.0a,
// whose tokens do not expire; obtaining them is not done here. X has no
// idempotency key: a post whose outcome is unknown is looked up by what it says.
//
// API: https://docs.x.com/x-api/posts/create-post
package x

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dghubble/oauth1"

	"crieur/publisher"
	"crieur/publisher/social/measure"
	"crieur/publisher/social/wire"
)

// Name is the kind of channel that this package stands for.
const Name = "x"

// What X asks for a post by self-serve access, in micro-dollars, as of 2026-04-20:
// https://docs.x.com/x-api/getting-started/pricing
const (
	pricePost    = 15_000
	priceWithURL = 200_000
	priceAltText = 5_000
)

// A Network posts to one account. Safe for concurrent use.
type Network struct {
	cfg    Config
	at     addresses
	posts  posts
	upload func(context.Context, publisher.Media) (id string, err error)
	verify func(context.Context) (user, error)
	wire   *wire.Client
	now    func() time.Time
}

var (
	_ publisher.Network  = (*Network)(nil)
	_ publisher.Finder   = (*Network)(nil)
	_ publisher.Verifier = (*Network)(nil)
	_ publisher.Remover  = (*Network)(nil)
)

// posts is what both versions of the API do with posts.
type posts interface {
	// create makes a post. Beside an error, stands says that the network may have
	// refused it because one with the same text stands already.
	create(ctx context.Context, t tweet) (made made, stands bool, err error)
	// recent gives the account's posts since a moment, as far as one page goes.
	recent(ctx context.Context, since time.Time) ([]seen, error)
	destroy(ctx context.Context, id string) error
}

var (
	_ posts = (*v1)(nil)
	_ posts = (*v2)(nil)
)

type (
	tweet struct {
		text, replyTo string
		media         []string
	}
	made struct{ id, author string }
	user struct{ id, name string }
)

// addresses are where an account's server answers.
type addresses struct {
	v2, v1 string
	page   string // where people read posts; "" where that is not known
	legacy bool   // pictures go up by version 1.1 too
}

func (c Config) addresses(override string) addresses {
	switch {
	case override != "":
		override = strings.TrimRight(override, "/")
		return addresses{v2: override, v1: override + "/1.1", page: override}
	case c.BaseURL != "":
		base := strings.TrimRight(c.BaseURL, "/")
		return addresses{v2: base, v1: base, legacy: c.API == "v1"}
	}
	return addresses{v2: "https://api.x.com", v1: "https://api.x.com/1.1", page: "https://x.com"}
}

// New opens the account that cfg describes. It does no I/O.
func New(cfg Config, env wire.Env) (*Network, error) {
	env = env.WithDefaults()
	if err := cfg.Validate(env.Channel); err != nil {
		return nil, err
	}
	// The signer stands between the client and its transport, so that it signs the
	// address that is really asked.
	signed := *env.Client
	ctx := context.WithValue(context.Background(), oauth1.HTTPClient, env.Client)
	signed.Transport = oauth1.NewConfig(cfg.ConsumerKey.Reveal(), cfg.ConsumerSecret.Reveal()).
		Client(ctx, oauth1.NewToken(cfg.AccessToken.Reveal(), cfg.AccessSecret.Reveal())).Transport
	env.Client = &signed

	c := wire.New(Name, env, cfg.ConsumerKey, cfg.ConsumerSecret, cfg.AccessToken, cfg.AccessSecret)
	c.DeniedHint = hintKeys
	n := &Network{cfg: cfg, at: cfg.addresses(env.BaseURL), wire: c, now: env.Now}
	up := &uploader{wire: c, at: n.at}
	if n.upload = up.v2; n.at.legacy {
		n.upload = up.v1
	}
	if cfg.API == "v1" {
		api := &v1{wire: c, base: n.at.v1}
		n.posts, n.verify = api, api.verify
	} else {
		api := &v2{wire: c, base: n.at.v2}
		n.posts, n.verify = api, api.me
	}
	return n, nil
}

// Traits gives X's limits for accounts without a subscription.
func (n *Network) Traits() publisher.Traits {
	t := publisher.Traits{
		Network:    Name,
		Text:       280,
		Len:        measure.X,
		URL:        23,
		Media:      4,
		MediaBytes: 5 << 20,
		MediaTypes: []string{"image/jpeg", "image/png", "image/webp"},
		AltText:    1000,
		Thread:     n.cfg.Threads,
		Settle:     n.cfg.FindAfter,
	}
	if n.cfg.API == "v2" && n.cfg.BaseURL == "" {
		t.Price = price
	}
	return t
}

// price gives what making p costs.
func price(p publisher.Post) int64 {
	cost := int64(pricePost)
	if len(measure.URLs(p.Text)) > 0 {
		cost = priceWithURL
	}
	for _, m := range p.Media {
		if m.Alt != "" {
			cost += priceAltText
		}
	}
	return cost
}

// Post makes p public. Pictures are uploaded first; what is uploaded and never used
// is thrown away by the server and seen by nobody.
//
// X refuses a text that stands already, with an answer that does not always say so.
// After such a refusal the account's posts are looked through: where p stands among
// them, an earlier try made it, and its receipt is given.
func (n *Network) Post(ctx context.Context, p publisher.Post) (publisher.Receipt, error) {
	t := tweet{text: p.Text}
	if p.Parent != nil {
		t.replyTo = p.Parent.ID
	}
	for _, m := range p.Media {
		id, err := n.upload(ctx, m)
		if err != nil {
			return publisher.Receipt{}, err
		}
		t.media = append(t.media, id)
	}
	made, stands, err := n.posts.create(ctx, t)
	if err == nil {
		return n.receipt(made), nil
	}
	if !stands {
		return publisher.Receipt{}, err
	}
	receipt, found, lost := n.Find(ctx, p)
	switch {
	case publisher.KindOf(lost) == publisher.Denied && lost != nil:
		// The account is refused altogether, so this try posted nothing. Whether an
		// earlier one did is as much in doubt as before.
		return publisher.Receipt{}, lost
	case lost != nil:
		return publisher.Receipt{}, n.wire.Error(publisher.Unknown, "post to x",
			"the post may be public: look at the account before it is posted again", errors.Join(err, lost))
	case !found:
		return publisher.Receipt{}, err
	}
	return receipt, nil
}

func (n *Network) receipt(m made) publisher.Receipt {
	r := publisher.Receipt{ID: m.id, At: n.now()}
	if m.author == "" {
		m.author = "i/web" // leads to the post whoever wrote it
	}
	if n.at.page != "" {
		r.URL = n.at.page + "/" + m.author + "/status/" + m.id
	}
	return r
}

// Verify gives the account as "@name".
func (n *Network) Verify(ctx context.Context) (string, error) {
	u, err := n.verify(ctx)
	if err != nil {
		return "", err
	}
	return "@" + u.name, nil
}

// Remove deletes the post. One that is gone is no error.
func (n *Network) Remove(ctx context.Context, r publisher.Receipt) error {
	err := n.posts.destroy(ctx, r.ID)
	if publisher.KindOf(err) == publisher.NotFound {
		return nil
	}
	return err
}
