package x

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	//lint:ignore SA1019 no longer developed, like version 1.1 itself: what it does is all that v1 needs
	"github.com/dghubble/go-twitter/twitter"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// v1 speaks version 1.1 of the API, through go-twitter. By itself that library
// takes some refusals for successes, knows one address and no context; bridge
// gives it what it lacks.
type v1 struct {
	wire *wire.Client
	base string
}

// libraryBase is where go-twitter believes that every server is.
const libraryBase = "https://api.twitter.com/1.1"

// A bridge carries one call's requests from go-twitter to wire, so that whatever is
// no success comes back as wire's own error.
type bridge struct {
	api  *v1
	ctx  context.Context // of the one call that the bridge was made for
	op   string
	resp *wire.Response
	err  error
}

func (a *v1) bridge(ctx context.Context, op string) (*twitter.Client, *bridge) {
	b := &bridge{api: a, ctx: ctx, op: op}
	return twitter.NewClient(&http.Client{Transport: b}), b
}

func (b *bridge) request(method, url string) wire.Request {
	return wire.Request{Method: method, URL: url, Op: b.op, Posts: b.op == opPost}
}

// RoundTrip sends a request to the configured server. The signer below signs the
// address as it is then.
func (b *bridge) RoundTrip(req *http.Request) (*http.Response, error) {
	r := b.request(req.Method, b.api.base+strings.TrimPrefix(req.URL.String(), libraryBase))
	r.Header = req.Header
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if r.Body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	if b.resp, b.err = b.api.wire.Do(b.ctx, r); b.err != nil {
		return nil, b.err
	}
	return &http.Response{StatusCode: b.resp.Status, Header: b.resp.Header, Request: req, ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(b.resp.Body)), Body: io.NopCloser(bytes.NewReader(b.resp.Body))}, nil
}

// outcome gives the error of a call: wire's where there is one; else what the
// library could not read is no answer at all.
func (b *bridge) outcome(err error, complete bool) error {
	switch {
	case b.err != nil:
		return b.judge()
	case err != nil || !complete:
		return b.api.wire.Incomplete(b.request("", ""), "id")
	}
	return nil
}

const opPost = "post to x"

func (a *v1) create(ctx context.Context, t tweet) (made, bool, error) {
	client, b := a.bridge(ctx, opPost)
	params := &twitter.StatusUpdateParams{}
	var err error
	if t.replyTo != "" {
		if params.InReplyToStatusID, err = a.number(t.replyTo, "the post before"); err != nil {
			return made{}, false, err
		}
	}
	for _, m := range t.media {
		id, err := a.number(m, "an uploaded picture")
		if err != nil {
			return made{}, false, err
		}
		params.MediaIds = append(params.MediaIds, id)
	}
	tweet, _, err := client.Statuses.Update(t.text, params)
	if err := b.outcome(err, tweet != nil && tweet.ID != 0); err != nil {
		return made{}, b.has(codeDuplicate), err
	}
	return madeOf(*tweet), false, nil
}

func (a *v1) number(id, what string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, a.wire.Error(publisher.Internal, opPost, "", errors.New("the id of "+what+" is not a number"))
	}
	return n, nil
}

func madeOf(t twitter.Tweet) made {
	m := made{id: strconv.FormatInt(t.ID, 10)}
	if t.User != nil {
		m.author = t.User.ScreenName
	}
	return m
}

func (a *v1) verify(ctx context.Context) (user, error) {
	client, b := a.bridge(ctx, "log in to x")
	u, _, err := client.Accounts.VerifyCredentials(&twitter.AccountVerifyParams{})
	if err := b.outcome(err, u != nil && u.ID != 0); err != nil {
		return user{}, err
	}
	return user{id: strconv.FormatInt(u.ID, 10), name: u.ScreenName}, nil
}

func (a *v1) recent(ctx context.Context, _ time.Time) ([]seen, error) {
	client, b := a.bridge(ctx, "look the post up on x")
	tweets, _, err := client.Timelines.UserTimeline(&twitter.UserTimelineParams{
		Count: 100, IncludeRetweets: twitter.Bool(false), TweetMode: "extended"})
	if err := b.outcome(err, true); err != nil {
		return nil, err
	}
	var posts []seen
	for _, t := range tweets {
		at, err := t.CreatedAtTime()
		if err != nil {
			continue
		}
		s := seen{made: madeOf(t), text: t.FullText, at: at}
		if s.text == "" {
			s.text = t.Text // servers that do not know the extended mode
		}
		if t.Entities != nil {
			for _, u := range t.Entities.Urls {
				s.links = append(s.links, link{short: u.URL, long: u.ExpandedURL})
			}
			for _, m := range t.Entities.Media {
				s.links = append(s.links, link{short: m.URL, media: true})
			}
		}
		posts = append(posts, s)
	}
	return posts, nil
}

func (a *v1) destroy(ctx context.Context, id string) error {
	client, b := a.bridge(ctx, "delete from x")
	n, err := a.number(id, "the post")
	if err != nil {
		return err
	}
	_, _, err = client.Statuses.Destroy(n, nil)
	if b.err == nil && err != nil {
		// Deleted: what the answer says of the post that was does not matter.
		return nil
	}
	return b.outcome(err, true)
}

// Codes of version 1.1 that say more than the status beside them:
// https://docs.x.com/x-api/fundamentals/response-codes-and-errors
const (
	codeTooLong    = 186
	codeDuplicate  = 187
	codeDailyLimit = 185
	codeReplyGone  = 385
)

func (b *bridge) has(code int) bool {
	var body struct {
		Errors []struct {
			Code int `json:"code"`
		} `json:"errors"`
	}
	if b.resp == nil || json.Unmarshal(b.resp.Body, &body) != nil {
		return false
	}
	for _, e := range body.Errors {
		if e.Code == code {
			return true
		}
	}
	return false
}

// judge gives an error the kind that the code in the answer has where the status
// misleads.
func (b *bridge) judge() error {
	switch {
	case b.has(codeDuplicate), b.has(codeTooLong), b.has(codeReplyGone):
		return b.api.wire.Judge(b.err, publisher.Invalid, hintText)
	case b.has(codeDailyLimit):
		return b.api.wire.Judge(b.err, publisher.Busy, "")
	}
	return b.err
}
