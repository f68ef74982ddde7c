package mastodon

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

const (
	pollFirst = 100 * time.Millisecond
	pollLast  = 2 * time.Second
	pollFor   = time.Minute
)

func escape(id string) string { return url.PathEscape(id) }

// upload gives the server a picture and waits until it can be used in a post.
func (n *Network) upload(ctx context.Context, m publisher.Media) (string, error) {
	var fields []wire.Field
	if m.Alt != "" {
		fields = append(fields, wire.Field{Name: "description", Value: m.Alt})
	}
	body, contentType, err := wire.Multipart("file", m, fields...)
	if err != nil {
		return "", n.wire.Error(publisher.Internal, "upload a picture to mastodon", "", err)
	}
	r := n.request("POST", "/api/v2/media", "upload a picture to mastodon")
	r.Body = body
	r.Header.Set("Content-Type", contentType)
	var made struct {
		ID string `json:"id"`
	}
	resp, err := n.wire.JSON(ctx, r, &made)
	if publisher.KindOf(err) == publisher.NotFound {
		// Servers older than Mastodon 3.1.3, and some that are not Mastodon, know only
		// the first version, which answers when the picture is ready.
		r.URL = n.base + "/api/v1/media"
		resp, err = n.wire.JSON(ctx, r, &made)
	}
	switch {
	case err != nil:
		return "", err
	case made.ID == "":
		return "", n.wire.Incomplete(r, "media id")
	case resp.Status == http.StatusAccepted:
		return made.ID, n.await(ctx, made.ID)
	}
	return made.ID, nil
}

// await polls, ever more slowly, until the server has processed a picture: 206
// means not yet. https://docs.joinmastodon.org/methods/media/#get
func (n *Network) await(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, pollFor)
	defer cancel()
	r := n.request("GET", "/api/v1/media/"+escape(id), "wait for a picture on mastodon")
	for pause := pollFirst; ; pause = min(2*pause, pollLast) {
		resp, err := n.wire.Do(ctx, r)
		switch {
		case err != nil:
			return err
		case resp.Status != http.StatusPartialContent && resp.Status != http.StatusAccepted:
			return nil
		}
		select {
		case <-ctx.Done():
			return n.wire.Error(publisher.Busy, r.Op, "", context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}
