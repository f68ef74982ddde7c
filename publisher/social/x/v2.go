package x

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// v2 speaks version 2 of the API.
type v2 struct {
	wire *wire.Client
	base string
	self atomic.Pointer[user]
}

func (a *v2) create(ctx context.Context, t tweet) (made, bool, error) {
	type reply struct {
		To string `json:"in_reply_to_tweet_id"`
	}
	type media struct {
		IDs []string `json:"media_ids"`
	}
	in := struct {
		Text  string `json:"text"`
		Reply *reply `json:"reply,omitempty"`
		Media *media `json:"media,omitempty"`
	}{Text: t.text}
	if t.replyTo != "" {
		in.Reply = &reply{t.replyTo}
	}
	if len(t.media) > 0 {
		in.Media = &media{t.media}
	}
	r := wire.Request{Method: "POST", URL: a.base + "/2/tweets", Op: "post to x", Posts: true}
	var out struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	resp, err := sendJSON(ctx, a.wire, r, in, &out)
	if err != nil {
		if refusesText(resp) {
			return made{}, true, a.wire.Judge(err, publisher.Invalid, hintText)
		}
		return made{}, false, a.judge(resp, err)
	}
	if out.Data.ID == "" {
		return made{}, false, a.wire.Incomplete(r, "post id")
	}
	return made{id: out.Data.ID}, false, nil
}

// A problem is how version 2 describes a refusal (RFC 9457).
type problem struct {
	Type  string `json:"type"`
	Title string `json:"title"`
}

func problemOf(resp *wire.Response) (p problem) {
	if resp != nil && json.Unmarshal(resp.Body, &p) != nil {
		return problem{}
	}
	return p
}

// refusesText reports whether an answer may mean that the text stands already: X
// refuses that with 403 and no type of its own, like a reply or a length that is
// not allowed.
func refusesText(resp *wire.Response) bool {
	return resp != nil && resp.Status == http.StatusForbidden && problemOf(resp).Type == "about:blank"
}

// judge gives an error the kind that X's answer has where the status misleads.
func (a *v2) judge(resp *wire.Response, err error) error {
	_, kind, _ := strings.Cut(problemOf(resp).Type, "/problems/")
	switch {
	case err == nil:
		return nil
	case kind == "usage-capped" || kind == "credits" || resp != nil && resp.Status == http.StatusPaymentRequired:
		return a.wire.Judge(err, publisher.Denied, "the plan or its credits are used up: see X's developer console")
	}
	return err
}

const hintText = "X takes no text that was posted before, none that is too long, and replies only where its plan allows them: change the text, or post without a thread"

func (a *v2) me(ctx context.Context) (user, error) {
	r := wire.Request{Method: "GET", URL: a.base + "/2/users/me", Op: "log in to x"}
	var out struct {
		Data struct {
			ID       string `json:"id"`
			Username string `json:"username"`
		} `json:"data"`
	}
	resp, err := a.wire.JSON(ctx, r, &out)
	if err != nil {
		return user{}, a.judge(resp, err)
	}
	if out.Data.ID == "" {
		return user{}, a.wire.Incomplete(r, "account id")
	}
	u := user{id: out.Data.ID, name: out.Data.Username}
	a.self.Store(&u)
	return u, nil
}

func (a *v2) recent(ctx context.Context, since time.Time) ([]seen, error) {
	self := a.self.Load()
	if self == nil {
		u, err := a.me(ctx)
		if err != nil {
			return nil, err
		}
		self = &u
	}
	// Each post read has its price, so none older than asked for is read.
	query := url.Values{"max_results": {"100"}, "start_time": {since.UTC().Format(time.RFC3339)},
		"exclude": {"retweets"}, "tweet.fields": {"created_at,entities"}}
	r := wire.Request{Method: "GET", URL: a.base + "/2/users/" + url.PathEscape(self.id) + "/tweets?" + query.Encode(),
		Op: "look the post up on x"}
	var out struct {
		Data []struct {
			ID        string    `json:"id"`
			Text      string    `json:"text"`
			CreatedAt time.Time `json:"created_at"`
			Entities  struct {
				URLs []struct {
					URL      string `json:"url"`
					Expanded string `json:"expanded_url"`
					MediaKey string `json:"media_key"`
				} `json:"urls"`
			} `json:"entities"`
		} `json:"data"`
	}
	resp, err := a.wire.JSON(ctx, r, &out)
	if err != nil {
		return nil, a.judge(resp, err)
	}
	var posts []seen
	for _, d := range out.Data {
		s := seen{made: made{id: d.ID}, text: d.Text, at: d.CreatedAt}
		for _, u := range d.Entities.URLs {
			s.links = append(s.links, link{short: u.URL, long: u.Expanded, media: u.MediaKey != ""})
		}
		posts = append(posts, s)
	}
	return posts, nil
}

func (a *v2) destroy(ctx context.Context, id string) error {
	resp, err := a.wire.Do(ctx, wire.Request{Method: "DELETE", URL: a.base + "/2/tweets/" + url.PathEscape(id), Op: "delete from x"})
	return a.judge(resp, err)
}

// sendJSON posts in; a JSON body is no part of an OAuth 1.0a signature.
func sendJSON(ctx context.Context, c *wire.Client, r wire.Request, in, out any) (*wire.Response, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, c.Error(publisher.Internal, r.Op, "", err)
	}
	r.Body, r.Header = body, http.Header{"Content-Type": {"application/json"}}
	return c.JSON(ctx, r, out)
}
