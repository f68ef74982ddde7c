package bluesky

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/publisher/social/measure"
	"crieur/publisher/social/wire"
)

// A record is an app.bsky.feed.post.
type record struct {
	Type      string    `json:"$type"`
	Text      string    `json:"text"`
	CreatedAt string    `json:"createdAt"`
	Langs     []string  `json:"langs,omitempty"`
	Facets    []facet   `json:"facets,omitempty"`
	Embed     any       `json:"embed,omitempty"`
	Reply     *reply    `json:"reply,omitempty"`
	Labels    *labelled `json:"labels,omitempty"`
}

type facet struct {
	Index struct {
		Start int `json:"byteStart"`
		End   int `json:"byteEnd"`
	} `json:"index"`
	Features []feature `json:"features"`
}

type feature struct {
	Type string `json:"$type"`
	URI  string `json:"uri,omitempty"`
	DID  string `json:"did,omitempty"`
	Tag  string `json:"tag,omitempty"`
}

type reply struct {
	Root   ref `json:"root"`
	Parent ref `json:"parent"`
}

type labelled struct {
	Type   string  `json:"$type"`
	Values []label `json:"values"`
}

type label struct {
	Val string `json:"val"`
}

type images struct {
	Type   string  `json:"$type"`
	Images []image `json:"images"`
}

type image struct {
	Image       json.RawMessage `json:"image"`
	Alt         string          `json:"alt"`
	AspectRatio *ratio          `json:"aspectRatio,omitempty"`
}

type ratio struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

type external struct {
	Type     string `json:"$type"`
	External card   `json:"external"`
}

type card struct {
	URI         string          `json:"uri"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Thumb       json.RawMessage `json:"thumb,omitempty"`
}

// createdAt depends on p alone, so that every try writes the same record.
func createdAt(p publisher.Post) string { return p.Created.UTC().Format("2006-01-02T15:04:05.000Z") }

// record makes the record of p, uploading its pictures on the way. A post shows
// either a card or pictures; the card goes first.
func (n *Network) record(ctx context.Context, p publisher.Post) (*record, error) {
	rec := &record{Type: collection, Text: p.Text, CreatedAt: createdAt(p), Labels: labels(p.Warning)}
	if lang := cmp.Or(p.Language, n.cfg.Language); lang != "" {
		rec.Langs = []string{lang}
	}
	var err error
	if rec.Reply, err = n.replyTo(p); err != nil {
		return nil, err
	}
	if rec.Facets, err = n.facets(ctx, p.Text); err != nil {
		return nil, err
	}
	switch {
	case p.Card != nil:
		rec.Embed, err = n.external(ctx, p.Card)
	case len(p.Media) > 0:
		rec.Embed, err = n.images(ctx, p.Media)
	}
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// selfLabels are the warnings an author can put on a post of their own.
var selfLabels = []string{"graphic-media", "sexual", "nudity", "porn"}

// labels gives the label for a warning: the network knows a closed list and has no
// field for a warning's words, so any other becomes the one that hides pictures.
func labels(warning string) *labelled {
	if warning == "" {
		return nil
	}
	val := strings.ToLower(warning)
	if !slices.Contains(selfLabels, val) {
		val = selfLabels[0]
	}
	return &labelled{Type: "com.atproto.label.defs#selfLabels", Values: []label{{val}}}
}

func (n *Network) replyTo(p publisher.Post) (*reply, error) {
	if p.Parent == nil {
		return nil, nil
	}
	parent, ok := refOf(p.Parent)
	root, rootOK := parent, true
	if p.Root != nil {
		root, rootOK = refOf(p.Root)
	}
	if !ok || !rootOK {
		return nil, n.wire.Error(publisher.Internal, "answer a post on bluesky", "", errors.New("the receipt of the post before does not name a record"))
	}
	return &reply{Root: root, Parent: parent}, nil
}

func refOf(r *publisher.Receipt) (to ref, ok bool) {
	err := json.Unmarshal([]byte(r.Ref), &to)
	return to, err == nil && to.CID != "" && to.valid()
}

// facets marks what in text is a link, a tag or a mention; the network does not
// look for them by itself. A mention of nobody stays plain text.
func (n *Network) facets(ctx context.Context, text string) ([]facet, error) {
	var facets []facet
	for _, found := range measure.Facets(text) {
		f := facet{}
		f.Index.Start, f.Index.End = found.Start, found.End
		switch found.Kind {
		case measure.FacetLink:
			f.Features = []feature{{Type: "app.bsky.richtext.facet#link", URI: found.Value}}
		case measure.FacetTag:
			f.Features = []feature{{Type: "app.bsky.richtext.facet#tag", Tag: found.Value}}
		case measure.FacetMention:
			did, err := n.resolve(ctx, found.Value)
			if err != nil {
				return nil, err
			}
			if did == "" {
				continue
			}
			f.Features = []feature{{Type: "app.bsky.richtext.facet#mention", DID: did}}
		}
		facets = append(facets, f)
	}
	return facets, nil
}

// resolve gives a handle's DID, "" where nobody has that handle.
func (n *Network) resolve(ctx context.Context, handle string) (string, error) {
	var got struct {
		DID string `json:"did"`
	}
	_, err := n.query(ctx, wire.Request{Op: "look up @" + handle + " on bluesky"}, "com.atproto.identity.resolveHandle",
		url.Values{"handle": {handle}}, &got)
	if k := publisher.KindOf(err); err != nil && (k == publisher.Invalid || k == publisher.NotFound) {
		return "", nil
	}
	return got.DID, err
}

func (n *Network) images(ctx context.Context, media []publisher.Media) (*images, error) {
	e := &images{Type: "app.bsky.embed.images"}
	for _, m := range media {
		blob, err := n.upload(ctx, m)
		if err != nil {
			return nil, err
		}
		i := image{Image: blob, Alt: m.Alt}
		if m.Width > 0 && m.Height > 0 {
			i.AspectRatio = &ratio{m.Width, m.Height}
		}
		e.Images = append(e.Images, i)
	}
	return e, nil
}

// external makes a link card. A card without its picture is better than no post, so
// one that the server will never take is left out.
func (n *Network) external(ctx context.Context, c *publisher.PostCard) (*external, error) {
	e := &external{Type: "app.bsky.embed.external", External: card{URI: c.URL, Title: c.Title, Description: c.Description}}
	if c.Thumb == nil || len(c.Thumb.Data) > maxBlob {
		return e, nil
	}
	blob, err := n.upload(ctx, *c.Thumb)
	switch {
	case err == nil:
		e.External.Thumb = blob
	case publisher.KindOf(err) != publisher.Invalid:
		return nil, err
	}
	return e, nil
}

func (n *Network) upload(ctx context.Context, m publisher.Media) (json.RawMessage, error) {
	r := wire.Request{Method: "POST", Body: m.Data, Op: "upload a picture to bluesky"}
	var got struct {
		Blob json.RawMessage `json:"blob"`
	}
	_, err := n.call(ctx, r, "com.atproto.repo.uploadBlob", m.Type, &got)
	if err == nil && len(got.Blob) == 0 {
		err = n.wire.Incomplete(r, "picture")
	}
	return got.Blob, err
}
