package bluesky

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// A session is what a login gives: an access token for two hours and a refresh
// token for ninety days.
type session struct {
	DID     string `json:"did"`
	Handle  string `json:"handle"`
	Access  string `json:"accessJwt"`
	Refresh string `json:"refreshJwt"`
}

// kept is a session as it is saved, with what it was opened for: an owner who
// changes server or account must not go on posting to the old one.
type kept struct {
	Server  string  `json:"server"`
	Account string  `json:"account"`
	Session session `json:"session"`
}

// A login holds the account's one session. A server allows 300 logins a day, so
// sessions are kept between runs and opened anew only when they cannot be renewed.
type login struct {
	net     *Network
	channel string
	tokens  wire.Tokens
	turn    chan struct{} // held by whoever reads or changes current
	current session
	loaded  bool
}

func newLogin(n *Network, channel string, tokens wire.Tokens) *login {
	return &login{net: n, channel: channel, tokens: tokens, turn: make(chan struct{}, 1)}
}

// session gives the current session, opening one where there is none.
func (l *login) session(ctx context.Context) (session, error) {
	return l.do(ctx, func() error {
		if l.current.Access != "" {
			return nil
		}
		return l.open(ctx)
	})
}

// renew gives a session whose access token is not the one that was refused.
func (l *login) renew(ctx context.Context, refused session) (session, error) {
	return l.do(ctx, func() error {
		if l.current.Access != "" && l.current.Access != refused.Access {
			return nil // another call has renewed it meanwhile
		}
		r := wire.Request{Op: "renew the session on bluesky"}
		var s session
		err := l.xrpc(ctx, r, "com.atproto.server.refreshSession", l.current.Refresh, nil, &s)
		switch k := publisher.KindOf(err); {
		case err == nil && s.Access != "":
			return l.set(ctx, s)
		case err != nil && k != publisher.Denied && k != publisher.Invalid:
			return err
		}
		return l.open(ctx)
	})
}

// do runs f alone, after what was saved has been read.
func (l *login) do(ctx context.Context, f func() error) (session, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return session{}, l.net.wire.Error(publisher.Busy, "log in to bluesky", "", context.Cause(ctx))
	}
	if err := l.load(ctx); err != nil {
		return session{}, err
	}
	if err := f(); err != nil {
		return session{}, err
	}
	return l.current, nil
}

func (l *login) load(ctx context.Context) error {
	if l.loaded || l.tokens == nil {
		return nil
	}
	data, err := l.tokens.LoadToken(ctx, l.channel)
	if err != nil {
		return l.net.wire.Error(publisher.Busy, "read the saved session for bluesky", "", err)
	}
	l.loaded = true
	var k kept
	// What cannot be read, or is for another account, is as good as nothing saved.
	if json.Unmarshal(data, &k) == nil && k.Server == l.net.base && k.Account == l.net.cfg.Handle {
		l.current = k.Session
	}
	return nil
}

func (l *login) open(ctx context.Context) error {
	r := wire.Request{Op: "log in to bluesky"}
	var s session
	err := l.xrpc(ctx, r, "com.atproto.server.createSession", "", map[string]string{
		"identifier": l.net.cfg.Handle, "password": l.net.cfg.AppPassword.Reveal()}, &s)
	if err != nil {
		return err
	}
	if s.DID == "" || s.Access == "" {
		return l.net.wire.Incomplete(r, "session")
	}
	return l.set(ctx, s)
}

func (l *login) set(ctx context.Context, s session) error {
	if s.DID == "" {
		s.DID = l.current.DID
	}
	if s.Handle == "" {
		s.Handle = cmp.Or(l.current.Handle, l.net.cfg.Handle)
	}
	l.current = s
	if l.tokens == nil {
		return nil
	}
	data, err := json.Marshal(kept{Server: l.net.base, Account: l.net.cfg.Handle, Session: s})
	if err == nil {
		err = l.tokens.SaveToken(ctx, l.channel, data)
	}
	if err != nil {
		return l.net.wire.Error(publisher.Busy, "save the session for bluesky", "", err)
	}
	return nil
}

// xrpc posts in to a procedure with a token, which may be "".
func (l *login) xrpc(ctx context.Context, r wire.Request, method, token string, in, out any) error {
	r.Method, r.URL, r.Header = "POST", l.net.base+"/xrpc/"+method, http.Header{}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return l.net.wire.Error(publisher.Internal, r.Op, "", err)
		}
		r.Body = body
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := l.net.wire.JSON(ctx, r, out)
	return l.net.deny(resp, err)
}

// refusals are the names of errors that concern the account or its tokens, which
// servers send with status 400.
var refusals = []string{"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired", "AuthFactorTokenRequired",
	"AccountTakedown", "AccountDeactivated"}

// deny makes Denied of an answer that refuses the account, whatever its status.
func (n *Network) deny(resp *wire.Response, err error) error {
	if err == nil || !slices.Contains(refusals, code(resp)) {
		return err
	}
	return n.wire.Judge(err, publisher.Denied, hintPassword)
}
