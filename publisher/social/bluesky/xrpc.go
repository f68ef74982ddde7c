package bluesky

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// code gives the name of the error in an answer, "" where there is none.
// https://atproto.com/specs/xrpc#error-responses
func code(resp *wire.Response) string {
	if resp == nil || resp.Status < 400 {
		return ""
	}
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(resp.Body, &e) != nil {
		return ""
	}
	return e.Error
}

// procedure posts in.
func (n *Network) procedure(ctx context.Context, r wire.Request, method string, in, out any) (*wire.Response, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, n.wire.Error(publisher.Internal, r.Op, "", err)
	}
	r.Method, r.Body = "POST", body
	return n.call(ctx, r, method, "application/json", out)
}

// query reads.
func (n *Network) query(ctx context.Context, r wire.Request, method string, params url.Values, out any) (*wire.Response, error) {
	if len(params) > 0 {
		method += "?" + params.Encode()
	}
	r.Method = "GET"
	return n.call(ctx, r, method, "", out)
}

// call makes a request with the session's token. Where that has expired, it is
// renewed once and the request made again: the first one was refused at the door.
func (n *Network) call(ctx context.Context, r wire.Request, method, contentType string, out any) (*wire.Response, error) {
	r.URL = n.base + "/xrpc/" + method
	s, err := n.login.session(ctx)
	if err != nil {
		return nil, err
	}
	for renewed := false; ; renewed = true {
		r.Header = http.Header{"Authorization": {"Bearer " + s.Access}}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		resp, err := n.wire.JSON(ctx, r, out)
		if renewed || !expired(resp) {
			return resp, n.deny(resp, err)
		}
		if s, err = n.login.renew(ctx, s); err != nil {
			return nil, err
		}
	}
}

// expired reports whether an answer refuses the access token: servers do so with
// status 400 and a name.
func expired(resp *wire.Response) bool {
	if resp == nil {
		return false
	}
	name := code(resp)
	return resp.Status == http.StatusUnauthorized || name == "ExpiredToken" || name == "InvalidToken"
}
