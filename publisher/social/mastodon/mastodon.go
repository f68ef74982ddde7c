// Package mastodon posts to an account on Mastodon or a server that speaks its
// client API (GoToSocial, snac, Pleroma, Pixelfed, …). It does not register
// applications or obtain tokens, and it does not trust a server to heed the
// Idempotency-Key that it sends: some accept and ignore it, so a post can also be
// looked up by what it says.
//
// API: https://docs.joinmastodon.org/methods/statuses/
package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// Name is the kind of channel that this package stands for.
const Name = "mastodon"

// A Network posts to one account. Safe for concurrent use.
type Network struct {
	cfg    Config
	base   string
	wire   *wire.Client
	now    func() time.Time
	limits atomic.Pointer[limits]
	self   atomic.Pointer[account]
}

var (
	_ publisher.Network  = (*Network)(nil)
	_ publisher.Finder   = (*Network)(nil)
	_ publisher.Prober   = (*Network)(nil)
	_ publisher.Verifier = (*Network)(nil)
	_ publisher.Remover  = (*Network)(nil)
	_ publisher.Editor   = (*Network)(nil)
)

// New opens the account that cfg describes. It does no I/O.
func New(cfg Config, env wire.Env) (*Network, error) {
	env = env.WithDefaults()
	if err := cfg.Validate(env.Channel); err != nil {
		return nil, err
	}
	base := cfg.Server
	if env.BaseURL != "" {
		base = env.BaseURL
	}
	n := &Network{cfg: cfg, base: strings.TrimRight(base, "/"), wire: wire.New(Name, env, cfg.Token), now: env.Now}
	n.wire.DeniedHint = hintToken
	n.limits.Store(&defaults)
	return n, nil
}

type account struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Acct     string `json:"acct"`
}

// Verify gives the account as "@name@server".
func (n *Network) Verify(ctx context.Context) (string, error) {
	a, err := n.fetchAccount(ctx)
	if err != nil {
		return "", err
	}
	_, host, _ := strings.Cut(n.base, "://")
	host, _, _ = strings.Cut(host, "/")
	return "@" + a.Username + "@" + host, nil
}

func (n *Network) fetchAccount(ctx context.Context) (*account, error) {
	r := n.request("GET", "/api/v1/accounts/verify_credentials", "log in to mastodon")
	var a account
	if _, err := n.wire.JSON(ctx, r, &a); err != nil {
		return nil, err
	}
	if a.ID == "" {
		return nil, n.wire.Incomplete(r, "account id")
	}
	n.self.Store(&a)
	return &a, nil
}

// account gives who the token belongs to, asking once.
func (n *Network) account(ctx context.Context) (*account, error) {
	if a := n.self.Load(); a != nil {
		return a, nil
	}
	return n.fetchAccount(ctx)
}

// A status is what the API calls a post.
type status struct {
	ID        string          `json:"id"`
	URI       string          `json:"uri"`
	URL       string          `json:"url"`
	CreatedAt time.Time       `json:"created_at"`
	Content   string          `json:"content"`
	Spoiler   string          `json:"spoiler_text"`
	ReplyTo   string          `json:"in_reply_to_id"`
	Reblog    json.RawMessage `json:"reblog"`
}

func (n *Network) receipt(s status) publisher.Receipt {
	url := s.URL
	if url == "" {
		url = s.URI
	}
	return publisher.Receipt{ID: s.ID, URL: url, At: n.now()}
}

// Post makes p public. Pictures are uploaded first; what is uploaded and never used
// is thrown away by the server and seen by nobody.
func (n *Network) Post(ctx context.Context, p publisher.Post) (publisher.Receipt, error) {
	media := make([]string, 0, len(p.Media))
	for _, m := range p.Media {
		id, err := n.upload(ctx, m)
		if err != nil {
			return publisher.Receipt{}, err
		}
		media = append(media, id)
	}
	form := struct {
		Status     string   `json:"status"`
		Visibility string   `json:"visibility"`
		Language   string   `json:"language,omitempty"`
		Spoiler    string   `json:"spoiler_text,omitempty"`
		Sensitive  bool     `json:"sensitive,omitempty"`
		ReplyTo    string   `json:"in_reply_to_id,omitempty"`
		Media      []string `json:"media_ids,omitempty"`
	}{
		Status: p.Text, Visibility: n.cfg.Visibility, Language: p.Language, Spoiler: p.Warning,
		Sensitive: p.Warning != "" || n.cfg.Sensitive && len(media) > 0, Media: media,
	}
	if form.Language == "" {
		form.Language = n.cfg.Language
	}
	if p.Parent != nil {
		form.ReplyTo = p.Parent.ID
	}
	body, err := json.Marshal(form)
	if err != nil {
		return publisher.Receipt{}, n.wire.Error(publisher.Internal, "post to mastodon", "", err)
	}
	r := n.request("POST", "/api/v1/statuses", "post to mastodon")
	r.Posts, r.Body = true, body
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", p.Key)
	var made status
	if _, err := n.wire.JSON(ctx, r, &made); err != nil {
		return publisher.Receipt{}, err
	}
	if made.ID == "" {
		return publisher.Receipt{}, n.wire.Incomplete(r, "status id")
	}
	return n.receipt(made), nil
}

// Remove deletes the post. Servers without deletion answer 404 like those where the
// post is gone, so a 404 is believed only if the post cannot be read either.
func (n *Network) Remove(ctx context.Context, receipt publisher.Receipt) error {
	path := "/api/v1/statuses/" + escape(receipt.ID)
	_, err := n.wire.Do(ctx, n.request("DELETE", path, "delete from mastodon"))
	if publisher.KindOf(err) != publisher.NotFound {
		return err
	}
	_, still := n.wire.Do(ctx, n.request("GET", path, "look whether the post is gone"))
	switch {
	case still == nil:
		return n.wire.Error(publisher.Invalid, "delete from mastodon", "delete the post by hand, on the server's own pages",
			errors.New("the server cannot delete posts through its API"))
	case publisher.KindOf(still) == publisher.NotFound:
		return nil
	}
	return still
}

func (n *Network) request(method, path, op string) wire.Request {
	return wire.Request{Method: method, URL: n.base + path, Op: op,
		Header: http.Header{"Authorization": {"Bearer " + n.cfg.Token.Reveal()}}}
}
