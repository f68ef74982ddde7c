package mastodon

import (
	"cmp"
	"context"
	"encoding/json"

	"crieur/publisher"
)

// Edit changes a status: https://docs.joinmastodon.org/methods/statuses/#edit.
// What is not named in the request is taken off the status, its pictures included.
func (n *Network) Edit(ctx context.Context, receipt publisher.Receipt, p publisher.Post) (publisher.Receipt, error) {
	path := "/api/v1/statuses/" + escape(receipt.ID)
	var now struct {
		Sensitive bool `json:"sensitive"`
		Media     []struct {
			ID string `json:"id"`
		} `json:"media_attachments"`
	}
	if _, err := n.wire.JSON(ctx, n.request("GET", path, "look the post up on mastodon"), &now); err != nil {
		return receipt, err
	}
	form := struct {
		Status    string   `json:"status"`
		Language  string   `json:"language,omitempty"`
		Spoiler   string   `json:"spoiler_text"`
		Sensitive bool     `json:"sensitive"`
		Media     []string `json:"media_ids"`
	}{Status: p.Text, Language: cmp.Or(p.Language, n.cfg.Language), Spoiler: p.Warning, Sensitive: p.Warning != "" || now.Sensitive, Media: []string{}}
	for _, m := range now.Media {
		form.Media = append(form.Media, m.ID)
	}
	body, err := json.Marshal(form)
	if err != nil {
		return receipt, n.wire.Error(publisher.Internal, "edit on mastodon", "", err)
	}
	r := n.request("PUT", path, "edit on mastodon")
	r.Body = body
	r.Header.Set("Content-Type", "application/json")
	var made status
	if _, err := n.wire.JSON(ctx, r, &made); err != nil {
		return receipt, err
	}
	if made.ID != receipt.ID {
		return receipt, n.wire.Incomplete(r, "status id")
	}
	return n.receipt(made), nil
}
