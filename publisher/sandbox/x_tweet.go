package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"crieur/publisher/social/measure"
)

// tweetInput is the part of X's TweetCreateRequest that this sandbox knows. Its other
// fields, and whatever is none of its fields, are refused.
type tweetInput struct {
	Text  string `json:"text,omitempty"`
	Media *struct {
		IDs []string `json:"media_ids"`
	} `json:"media,omitempty"`
	Reply *struct {
		To string `json:"in_reply_to_tweet_id"`
	} `json:"reply,omitempty"`
	ReplySettings string `json:"reply_settings,omitempty"`
}

var snowflake = regexp.MustCompile(`^[0-9]{1,19}$`)

// refusal is why a post is not made: the status and v1.1's code.
type refusal struct {
	status, code int
	detail       string
}

func (a *x) invalid(w http.ResponseWriter, message string) {
	writeJSON(w, http.StatusBadRequest, map[string]any{
		"errors": []any{map[string]any{"parameters": map[string]any{}, "message": message}}, "title": "Invalid Request",
		"detail": "One or more parameters to your request was invalid.", "type": "https://api.twitter.com/2/problems/invalid-request"})
}

// create: POST /2/tweets.
func (a *x) create(w http.ResponseWriter, r *http.Request) {
	var in tweetInput
	if err := readJSON(r, &in); err != nil {
		a.invalid(w, err.Error())
		return
	}
	var media []string
	reply := ""
	if in.Media != nil {
		if media = in.Media.IDs; len(media) == 0 {
			a.invalid(w, "$.media.media_ids: must have at least 1 item")
			return
		}
	}
	if in.Reply != nil {
		if reply = in.Reply.To; !snowflake.MatchString(reply) {
			a.invalid(w, "$.reply.in_reply_to_tweet_id: does not match the regex pattern ^[0-9]{1,19}$")
			return
		}
	}
	for _, id := range media {
		if !snowflake.MatchString(id) {
			a.invalid(w, "$.media.media_ids: does not match the regex pattern ^[0-9]{1,19}$")
			return
		}
	}
	if !slices.Contains([]string{"", "following", "mentionedUsers", "subscribers", "verified"}, in.ReplySettings) {
		a.invalid(w, "$.reply_settings: does not have a value in the enumeration")
		return
	}
	raw, _ := json.Marshal(in)
	p, no := a.publish(in.Text, media, reply, raw)
	if no != nil {
		if no.status == http.StatusBadRequest {
			a.invalid(w, no.detail)
			return
		}
		problemsV2{}.fail(w, no.status, statusText(no.status), no.detail)
		return
	}
	t := a.show(&p)
	writeJSON(w, http.StatusCreated, map[string]any{"data": map[string]any{"id": p.ID, "text": t.text, "edit_history_tweet_ids": []string{p.ID}}})
}

// publish checks a post by X's rules, whatever the version it came by, and keeps it.
func (a *x) publish(text string, media []string, reply string, raw []byte) (Post, *refusal) {
	const notPermitted = "You are not permitted to perform this action."
	text = strings.TrimSpace(text)
	p := Post{Network: X, Text: text, Length: measure.X(text), Limit: xText, Links: linksOf(text, true), ReplyTo: reply, Raw: raw}
	switch {
	case text == "" && len(media) == 0:
		return p, &refusal{http.StatusBadRequest, 170, "text or media is required"}
	case p.Length > xText:
		return p, &refusal{http.StatusForbidden, 186, notPermitted}
	case len(measure.Cashtags(text)) > 1: // self-serve since 2026: one cashtag
		return p, &refusal{http.StatusForbidden, 261, notPermitted}
	case len(media) > xMedia:
		return p, &refusal{http.StatusBadRequest, 324, "at most 4 pictures"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.s.cfg.Now()
	for _, id := range media {
		m, ok := a.s.arrivals.picture(X, id)
		if !ok || now.Sub(m.At) > xMediaLife || slices.ContainsFunc(p.Media, func(o Media) bool { return o.ID == id }) {
			return p, &refusal{http.StatusBadRequest, 324, "Your media IDs are invalid."}
		}
		p.Media = append(p.Media, m)
	}
	if len(p.Media) > 1 && slices.ContainsFunc(p.Media, func(m Media) bool { return a.media[m.ID] == "tweet_gif" }) {
		return p, &refusal{http.StatusBadRequest, 324, "A GIF stands alone."}
	}
	if reply != "" {
		if parent, ok := a.s.arrivals.post(X, reply); !ok || !parent.Gone.IsZero() {
			return p, &refusal{http.StatusForbidden, 385, "You attempted to reply to a Tweet that is deleted or not visible to you."}
		}
	}
	for _, other := range a.s.arrivals.allPosts(X) {
		if text != "" && other.Gone.IsZero() && plainText(other.Text) == plainText(text) {
			return p, &refusal{http.StatusForbidden, 187, "You are not allowed to create a Tweet with duplicate content."}
		}
	}
	p.ID, p.At = a.newID(), now
	p.URL = fmt.Sprintf("%s/x/%s/status/%s", a.s.info.PublicURL, xScreenName, p.ID)
	p, err := a.s.arrivals.putPost(p)
	if err != nil {
		return p, &refusal{http.StatusInternalServerError, 131, "Internal error"}
	}
	return p, nil
}

// plainText is a text without what X disregards when it looks for duplicates.
func plainText(s string) string { return strings.Join(strings.Fields(norm.NFC.String(s)), " ") }

func (a *x) tweet(id string) (Post, bool) {
	p, ok := a.s.arrivals.post(X, id)
	return p, ok && p.Gone.IsZero()
}

func (a *x) get(w http.ResponseWriter, r *http.Request) {
	p, ok := a.tweet(r.PathValue("id"))
	if !ok {
		problemsV2{}.fail(w, http.StatusNotFound, "Not Found Error", "Could not find tweet with id")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": a.entityV2(&p, tweetFields(r))})
}

func (a *x) remove(w http.ResponseWriter, r *http.Request) {
	if !a.drop(r.PathValue("id")) {
		problemsV2{}.fail(w, http.StatusNotFound, "Not Found Error", "Could not find tweet with id")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]bool{"deleted": true}})
}

func (a *x) drop(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.tweet(id)
	if !ok {
		return false
	}
	p.Gone = a.s.cfg.Now()
	_, err := a.s.arrivals.putPost(p)
	return err == nil
}

func tweetFields(r *http.Request) map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Split(r.URL.Query().Get("tweet.fields"), ",") {
		out[name] = true
	}
	return out
}

// timeline: GET /2/users/{id}/tweets, newest first.
func (a *x) timeline(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") != xUserID {
		problemsV2{}.fail(w, http.StatusNotFound, "Not Found Error", "Could not find user with id")
		return
	}
	q := r.URL.Query()
	for name := range q {
		if !slices.Contains([]string{"max_results", "start_time", "end_time", "since_id", "until_id", "exclude", "pagination_token", "tweet.fields"}, name) {
			a.invalid(w, "The query parameter ["+name+"] is not one of those that this sandbox knows")
			return
		}
	}
	most := 10
	if v := q.Get("max_results"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 5 || n > 100 {
			a.invalid(w, "The `max_results` query parameter value ["+v+"] is not between 5 and 100")
			return
		}
		most = n
	}
	choose, err := a.chooser(q.Get)
	if err != nil {
		a.invalid(w, err.Error())
		return
	}
	data := []any{}
	meta := map[string]any{}
	for _, p := range slices.Backward(a.s.arrivals.allPosts(X)) {
		if !p.Gone.IsZero() || !choose(p) {
			continue
		}
		if len(data) == most {
			meta["next_token"] = meta["oldest_id"]
			break
		}
		if len(data) == 0 {
			meta["newest_id"] = p.ID
		}
		meta["oldest_id"] = p.ID
		data = append(data, a.entityV2(p, tweetFields(r)))
	}
	meta["result_count"] = len(data)
	out := map[string]any{"meta": meta}
	if len(data) > 0 {
		out["data"] = data // X leaves the field out where there is nothing
	}
	writeJSON(w, http.StatusOK, out)
}

// chooser reads the parameters of a timeline that leave posts out.
func (a *x) chooser(get func(string) string) (func(*Post) bool, error) {
	var from, to time.Time
	var err error
	for name, t := range map[string]*time.Time{"start_time": &from, "end_time": &to} {
		if v := get(name); v != "" {
			if *t, err = time.Parse(time.RFC3339, v); err != nil {
				return nil, fmt.Errorf("%s is no RFC 3339 time", name)
			}
		}
	}
	above, below := int64(0), int64(1<<62)
	for name, n := range map[string]*int64{"since_id": &above, "until_id": &below, "pagination_token": &below} {
		if v := get(name); v != "" {
			if *n, err = strconv.ParseInt(v, 10, 64); err != nil {
				return nil, fmt.Errorf("%s is no id", name)
			}
		}
	}
	return func(p *Post) bool {
		id, _ := strconv.ParseInt(p.ID, 10, 64)
		// X tells times to the second.
		at := p.At.Truncate(time.Second)
		return id > above && id < below && !at.Before(from) && (to.IsZero() || at.Before(to)) &&
			(p.ReplyTo == "" || !strings.Contains(get("exclude"), "replies"))
	}, nil
}
