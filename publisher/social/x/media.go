package x

import (
	"context"
	"encoding/json"
	"net/http"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

const opUpload = "upload a picture to x"

// An uploader gives a server pictures.
type uploader struct {
	wire *wire.Client
	at   addresses
}

// v2 uploads by https://docs.x.com/x-api/media/upload-media, which posts of both
// versions of the API can use.
func (u *uploader) v2(ctx context.Context, m publisher.Media) (string, error) {
	var out struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	r, err := u.send(ctx, u.at.v2+"/2/media/upload", m, &out, wire.Field{Name: "media_category", Value: "tweet_image"})
	if err != nil {
		return "", err
	}
	if out.Data.ID == "" {
		return "", u.wire.Incomplete(r, "media id")
	}
	if m.Alt == "" {
		return out.Data.ID, nil
	}
	return out.Data.ID, u.describe(ctx, u.at.v2+"/2/media/metadata", map[string]any{"id": out.Data.ID,
		"metadata": map[string]any{"alt_text": map[string]string{"text": m.Alt}}})
}

// v1 uploads as servers do that speak version 1.1 only.
func (u *uploader) v1(ctx context.Context, m publisher.Media) (string, error) {
	var out struct {
		ID string `json:"media_id_string"`
	}
	r, err := u.send(ctx, u.at.v1+"/media/upload.json", m, &out)
	if err != nil {
		return "", err
	}
	if out.ID == "" {
		return "", u.wire.Incomplete(r, "media id")
	}
	if m.Alt == "" {
		return out.ID, nil
	}
	err = u.describe(ctx, u.at.v1+"/media/metadata/create.json", map[string]any{"media_id": out.ID,
		"alt_text": map[string]string{"text": m.Alt}})
	if publisher.KindOf(err) == publisher.NotFound {
		return out.ID, nil // a server that knows no alternative texts
	}
	return out.ID, err
}

func (u *uploader) send(ctx context.Context, url string, m publisher.Media, out any, fields ...wire.Field) (wire.Request, error) {
	r := wire.Request{Method: "POST", URL: url, Op: opUpload}
	body, contentType, err := wire.Multipart("media", m, fields...)
	if err != nil {
		return r, u.wire.Error(publisher.Internal, opUpload, "", err)
	}
	r.Body, r.Header = body, http.Header{"Content-Type": {contentType}}
	_, err = u.wire.JSON(ctx, r, out)
	return r, err
}

func (u *uploader) describe(ctx context.Context, url string, in any) error {
	r := wire.Request{Method: "POST", URL: url, Op: "describe a picture to x"}
	r.Header = http.Header{"Content-Type": {"application/json"}}
	body, err := json.Marshal(in)
	if err != nil {
		return u.wire.Error(publisher.Internal, r.Op, "", err)
	}
	r.Body = body
	_, err = u.wire.Do(ctx, r) // version 1.1 answers with an empty body
	return err
}
