package bluesky

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"crieur/publisher"
	"crieur/publisher/social/bluesky/syntax"
	"crieur/publisher/social/wire"
)

// Edit writes the record anew, if nobody else has since it was read. The record is
// then another version under the same address; programs that have shown the post
// before may go on showing what they know.
func (n *Network) Edit(ctx context.Context, receipt publisher.Receipt, p publisher.Post) (publisher.Receipt, error) {
	r := wire.Request{Op: "edit on bluesky"}
	uri, ok := syntax.ParseURI(receipt.ID)
	if !ok || uri.RecordKey == "" {
		return receipt, n.wire.Error(publisher.Internal, r.Op, "", errors.New("the receipt does not name a record"))
	}
	var got struct {
		ref
		Value map[string]any `json:"value"`
	}
	resp, err := n.query(ctx, r, "com.atproto.repo.getRecord",
		url.Values{"repo": {uri.Authority}, "collection": {uri.Collection}, "rkey": {uri.RecordKey}}, &got)
	switch {
	case code(resp) == "RecordNotFound":
		return receipt, n.wire.Error(publisher.NotFound, r.Op, "", errors.New("the post is gone"))
	case err != nil:
		return receipt, err
	case got.CID == "" || !got.valid() || got.Value == nil:
		return receipt, n.wire.Incomplete(r, "record")
	}
	if err := n.reword(ctx, got.Value, p); err != nil {
		return receipt, err
	}
	var made ref
	resp, err = n.procedure(ctx, r, "com.atproto.repo.putRecord", map[string]any{
		"repo": uri.Authority, "collection": uri.Collection, "rkey": uri.RecordKey, "record": got.Value, "swapRecord": got.CID,
	}, &made)
	switch {
	case code(resp) == "InvalidSwap":
		return receipt, n.wire.Error(publisher.Busy, r.Op, "", errors.New("the post was changed at the same moment"))
	case err != nil:
		return receipt, err
	case made.CID == "" || !made.valid():
		return receipt, n.wire.Incomplete(r, "record address")
	}
	link, _ := json.Marshal(made) // two strings are always marshalled
	receipt.Ref, receipt.At = string(link), n.now()
	return receipt, nil
}

// reword gives a record the words of p.
func (n *Network) reword(ctx context.Context, rec map[string]any, p publisher.Post) error {
	facets, err := n.facets(ctx, p.Text)
	if err != nil {
		return err
	}
	put := func(name string, v any, is bool) {
		if is {
			rec[name] = v
		} else {
			delete(rec, name)
		}
	}
	lang := cmp.Or(p.Language, n.cfg.Language)
	put("text", p.Text, true)
	put("facets", facets, len(facets) > 0)
	put("langs", []string{lang}, lang != "")
	put("labels", labels(p.Warning), p.Warning != "")
	embed, _ := rec["embed"].(map[string]any)
	if shown, ok := embed["external"].(map[string]any); ok && p.Card != nil {
		shown["uri"], shown["title"], shown["description"] = p.Card.URL, p.Card.Title, p.Card.Description
	}
	return nil
}
