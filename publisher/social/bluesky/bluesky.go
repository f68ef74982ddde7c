// Package bluesky posts to an account on Bluesky, or on any server of the AT
// Protocol that holds app.bsky.feed.post records. Each post gets a record key of
// its own, derived from its delivery's, and is written only if that key is free:
// so the same post cannot be made twice. The package does not resize pictures or
// fetch the pages that a card shows.
//
// API: https://docs.bsky.app/docs/category/http-reference
package bluesky

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/bluesky/syntax"
	"crieur/publisher/social/measure"
	"crieur/publisher/social/wire"
)

// Name is the kind of channel that this package stands for.
const Name = "bluesky"

const (
	collection = "app.bsky.feed.post"
	// maxBlob holds for every version of the server that is about; newer ones take
	// twice as much for a picture, but not for a card's.
	maxBlob = 1_000_000
	// forever is for how long a record key protects: as long as the record stands.
	forever = 10 * 365 * 24 * time.Hour
)

// A Network posts to one account. Safe for concurrent use.
type Network struct {
	cfg   Config
	base  string
	pages string // where people read posts
	wire  *wire.Client
	now   func() time.Time
	login *login
}

var (
	_ publisher.Network  = (*Network)(nil)
	_ publisher.Finder   = (*Network)(nil)
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
	n := &Network{cfg: cfg, base: strings.TrimRight(cfg.Server, "/"), pages: "https://bsky.app",
		wire: wire.New(Name, env, cfg.AppPassword), now: env.Now}
	if env.BaseURL != "" {
		n.base = strings.TrimRight(env.BaseURL, "/")
		n.pages = n.base
	}
	n.wire.DeniedHint = hintPassword
	n.login = newLogin(n, env.Channel, env.Tokens)
	return n, nil
}

// Traits gives Bluesky's limits, which are the same on every server.
func (n *Network) Traits() publisher.Traits {
	return publisher.Traits{
		Network:    Name,
		Text:       300,
		Len:        measure.Graphemes,
		Bytes:      3000,
		Media:      4,
		MediaBytes: maxBlob,
		MediaTypes: []string{"image/jpeg", "image/png", "image/webp"},
		AltText:    2000,
		Card:       n.cfg.Card,
		Thread:     true,
		Keyed:      forever,
		Settle:     n.cfg.FindAfter,
	}
}

// A ref points at one version of a record: com.atproto.repo.strongRef.
type ref struct {
	URI string `json:"uri"`
	CID string `json:"cid"`
}

// Post makes p public. Pictures are uploaded first; what is uploaded and never used
// is thrown away by the server and seen by nobody.
func (n *Network) Post(ctx context.Context, p publisher.Post) (publisher.Receipt, error) {
	s, err := n.login.session(ctx)
	if err != nil {
		return publisher.Receipt{}, err
	}
	rec, err := n.record(ctx, p)
	if err != nil {
		return publisher.Receipt{}, err
	}
	r := wire.Request{Op: "post to bluesky", Posts: true}
	var made ref
	resp, err := n.procedure(ctx, r, "com.atproto.repo.putRecord", map[string]any{
		"repo": s.DID, "collection": collection, "rkey": recordKey(p), "record": rec,
		"swapRecord": nil, // write only if there is no such record yet
	}, &made)
	switch {
	case err != nil && code(resp) == "InvalidSwap":
		return n.stands(ctx, p)
	case err != nil:
		return publisher.Receipt{}, err
	case made.CID == "" || !made.valid():
		return publisher.Receipt{}, n.wire.Incomplete(r, "record address")
	}
	return n.receipt(made, p, s), nil
}

// stands gives the receipt of p where a record stands under p's own key already: an
// earlier try made it. Not to learn which record it is leaves it open whether p is
// public.
func (n *Network) stands(ctx context.Context, p publisher.Post) (publisher.Receipt, error) {
	receipt, found, err := n.Find(ctx, p)
	var e *publisher.Error
	switch {
	case errors.As(err, &e) && e.Kind != publisher.Invalid:
		return publisher.Receipt{}, n.wire.Error(publisher.Unknown, "post to bluesky", e.Hint, err)
	case err == nil && !found: // deleted between the two calls
		err = n.wire.Error(publisher.Busy, "post to bluesky", "", errors.New("the record was there and is gone"))
	}
	return receipt, err
}

func (r ref) valid() bool {
	uri, ok := syntax.ParseURI(r.URI)
	return ok && uri.RecordKey != ""
}

func (n *Network) receipt(made ref, p publisher.Post, s session) publisher.Receipt {
	link, _ := json.Marshal(made) // two strings are always marshalled
	return publisher.Receipt{ID: made.URI, Ref: string(link), At: n.now(),
		URL: n.pages + "/profile/" + s.Handle + "/post/" + recordKey(p)}
}

// recordKey gives the key under which p stands: a TID (the only form that the
// collection allows), which depends on p's key and the time it was planned alone.
// The time is that of the second, and what is below it comes from the key too:
// parts of one plan share their time, and 10 bits would not keep them apart.
func recordKey(p publisher.Post) string {
	sum := sha256.Sum256([]byte(p.Key))
	h := binary.BigEndian.Uint64(sum[:])
	second := p.Created.Unix() * 1e6
	return syntax.NewTID(second+int64(h>>10%1e6), uint(h))
}

// Find looks p up by its record key.
func (n *Network) Find(ctx context.Context, p publisher.Post) (publisher.Receipt, bool, error) {
	s, err := n.login.session(ctx)
	if err != nil {
		return publisher.Receipt{}, false, err
	}
	r := wire.Request{Op: "look the post up on bluesky"}
	var got struct {
		ref
		Value struct {
			Text      string `json:"text"`
			CreatedAt string `json:"createdAt"`
		} `json:"value"`
	}
	resp, err := n.query(ctx, r, "com.atproto.repo.getRecord",
		url.Values{"repo": {s.DID}, "collection": {collection}, "rkey": {recordKey(p)}}, &got)
	switch {
	case code(resp) == "RecordNotFound":
		return publisher.Receipt{}, false, nil
	case err != nil:
		return publisher.Receipt{}, false, err
	case got.CID == "" || !got.valid():
		return publisher.Receipt{}, false, n.wire.Incomplete(r, "record address")
	case got.Value.Text != p.Text || got.Value.CreatedAt != createdAt(p):
		return publisher.Receipt{}, false, n.wire.Error(publisher.Invalid, r.Op,
			"delete that post on bluesky if it is not wanted, and try again", errors.New("another post stands in this one's place"))
	}
	return n.receipt(got.ref, p, s), true, nil
}

// Verify gives the account as "@handle".
func (n *Network) Verify(ctx context.Context) (string, error) {
	r := wire.Request{Op: "log in to bluesky"}
	var got session
	if _, err := n.query(ctx, r, "com.atproto.server.getSession", nil, &got); err != nil {
		return "", err
	}
	if got.Handle == "" {
		return "", n.wire.Incomplete(r, "handle")
	}
	return "@" + got.Handle, nil
}

// Remove deletes the post; the server answers the same where it is gone.
func (n *Network) Remove(ctx context.Context, receipt publisher.Receipt) error {
	r := wire.Request{Op: "delete from bluesky"}
	uri, ok := syntax.ParseURI(receipt.ID)
	if !ok || uri.RecordKey == "" {
		return n.wire.Error(publisher.Internal, r.Op, "", errors.New("the receipt does not name a record"))
	}
	_, err := n.procedure(ctx, r, "com.atproto.repo.deleteRecord",
		map[string]string{"repo": uri.Authority, "collection": uri.Collection, "rkey": uri.RecordKey}, &struct{}{})
	return err
}
