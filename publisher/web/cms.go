package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// The content systems whose webhooks are known.
const (
	CMSGhost     = "ghost"
	CMSWordPress = "wordpress"
	CMSGeneric   = "generic"
)

// A CMS is a content system that tells when it has published something.
type CMS struct {
	Name   string // of the source
	Kind   string
	Secret publisher.Secret // "": it is not listened to
	Fields CMSFields        // CMSGeneric: where its JSON has what
}

// Arrivals takes what content systems published. After an error that is not Invalid the
// system is asked to tell again. Safe for concurrent use.
type Arrivals interface {
	// Arrive takes an article in. One without a body is read from its URL.
	Arrive(ctx context.Context, s Submission) (Submitted, error)
}

// CMSConfig is what the webhooks of content systems need.
type CMSConfig struct {
	Arrivals Arrivals
	Systems  []CMS
	Now      func() time.Time
	Log      *slog.Logger
}

// skew is how old a signed moment may be: these systems send at once, and try again, if
// at all, within minutes.
const skew = 15 * time.Minute

// CMSHooks answers content systems at /hooks/cms/NAME. A request that does not prove who
// sent it gets 401 and is not looked at. What is no article for everybody gets 200 and
// is left alone: a draft, a page, what only members may read. An answer of 202 says that
// the article is in the ledger.
func CMSHooks(c CMSConfig) http.Handler {
	mux := http.NewServeMux()
	for _, s := range c.Systems {
		if s.Secret != "" {
			mux.HandleFunc("POST /hooks/cms/"+s.Name, c.serve(s))
		}
	}
	return mux
}

func (c CMSConfig) serve(s CMS) http.HandlerFunc {
	read := map[string]func([]byte) (Submission, string, error){CMSGhost: readGhost, CMSWordPress: readWordPress, CMSGeneric: s.Fields.read}[s.Kind]
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, apiMost))
		if err != nil {
			tell(w, problem{Status: http.StatusRequestEntityTooLarge, Detail: "larger than 2 MiB, or cut off"})
			return
		}
		if why := s.proof(r, body, c.Now()); why != "" {
			c.Log.Warn("a webhook was refused", "source", s.Name, "why", why)
			tell(w, problem{Status: http.StatusUnauthorized, Detail: why, Where: "sources." + s.Name + ".secret", Hint: "give the webhook the secret that config.yaml has there"})
			return
		}
		article, ignored, err := read(body)
		if err == nil && ignored == "" && article.URL == "" && article.Title == "" {
			err = errors.New("it has neither a title nor a url")
		}
		switch {
		case err != nil:
			c.Log.Warn("a webhook was not understood", "source", s.Name, "why", err)
			tell(w, problem{Status: http.StatusBadRequest, Detail: "this is not what " + s.Kind + " sends: " + err.Error(), Hint: "docs/api.md says what is read"})
			return
		case ignored != "":
			c.Log.Info("a webhook was left alone", "source", s.Name, "why", ignored)
			_ = answer(w, http.StatusOK, map[string]string{"ignored": ignored})
			return
		}
		article.Source = "hook:" + s.Name
		done, err := c.Arrivals.Arrive(r.Context(), article)
		if err != nil {
			c.Log.Warn("an article could not be taken", "source", s.Name, "error", err, "hint", publisher.HintOf(err))
			tell(w, problemOf(err, c.Now()))
			return
		}
		c.Log.Info("an article came", "source", s.Name, "article", done.Article, "status", done.Status)
		status := http.StatusAccepted
		if done.Status == NothingToDo {
			status = http.StatusOK
		}
		_ = answer(w, status, done)
	}
}

// proof says why a request does not prove who sent it; "": it does.
func (s CMS) proof(r *http.Request, body []byte, now time.Time) string {
	if s.Kind == CMSGhost {
		return s.ghostProof(r.Header.Get("X-Ghost-Signature"), body, now)
	}
	for _, name := range []string{"X-Hub-Signature-256", "X-Webhook-Signature", "X-WP-Webhook-Signature"} {
		if given := r.Header.Get(name); given != "" {
			if !signed(s.Secret, body, strings.TrimPrefix(given, "sha256=")) {
				return "the signature in " + name + " is wrong"
			}
			return ""
		}
	}
	_, password, _ := r.BasicAuth()
	bearer, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, given := range []string{password, r.URL.Query().Get("token"), bearer} {
		if given != "" && (given != bearer || isBearer) && same(given, s.Secret.Reveal()) {
			return ""
		}
	}
	return "no secret, or a wrong one"
}

// ghostProof reads "sha256=HEX, t=MILLISECONDS", where the time is signed with the body.
func (s CMS) ghostProof(header string, body []byte, now time.Time) string {
	parts := map[string]string{}
	for _, p := range strings.Split(header, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		parts[k] = v
	}
	if parts["sha256"] == "" {
		return "there is no X-Ghost-Signature: the webhook has no secret"
	}
	if !signed(s.Secret, append(append([]byte{}, body...), parts["t"]...), parts["sha256"]) {
		return "the signature is wrong, or of a Ghost from before 2024 that does not sign its time"
	}
	millis, err := strconv.ParseInt(parts["t"], 10, 64)
	if at := time.UnixMilli(millis); err != nil || now.Sub(at).Abs() > skew {
		return "the signature is too old, or the clocks differ"
	}
	return ""
}

func signed(secret publisher.Secret, data []byte, hexed string) bool {
	given, err := hex.DecodeString(strings.TrimSpace(hexed))
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write(data)
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}

// readGhost reads the events post.published and post.published.edited:
// ghost.org/docs/webhooks. ignored says why it is no article for everybody.
func readGhost(body []byte) (s Submission, ignored string, err error) {
	var e struct {
		Post *struct {
			Current struct {
				ID, Title, HTML, URL, Status, Visibility string
				Canonical                                string     `json:"canonical_url"`
				Excerpt                                  string     `json:"custom_excerpt"`
				Image                                    string     `json:"feature_image"`
				Alt                                      string     `json:"feature_image_alt"`
				Published                                *time.Time `json:"published_at"`
				Tags                                     []struct{ Name, Visibility string }
				Authors                                  []struct{ Name string }
			}
		}
	}
	if err := decode(body, &e); err != nil {
		return s, "", err
	}
	if e.Post == nil {
		return s, "not a post", nil
	}
	p := e.Post.Current
	switch {
	case p.Status != "published":
		return s, "not published", nil
	case p.Visibility != "" && p.Visibility != "public":
		return s, "only for " + line(p.Visibility), nil
	}
	s = Submission{ID: p.ID, Title: p.Title, HTML: p.HTML, URL: first(p.URL, p.Canonical), Lead: p.Excerpt, Published: p.Published}
	if p.Canonical != "" && p.Canonical != p.URL {
		s.OriginalURL = p.Canonical
	}
	if p.Image != "" {
		s.Image = &SubmittedPic{URL: p.Image, Alt: p.Alt}
	}
	var authors []string
	for _, a := range p.Authors {
		authors = append(authors, a.Name)
	}
	s.Author = strings.Join(authors, ", ")
	for _, t := range p.Tags {
		if t.Visibility != "internal" {
			s.Tags = append(s.Tags, t.Name)
		}
	}
	return s, "", nil
}

// CMSFields says where a system's JSON has an article's parts: keys, with dots between
// those of one level and the next. Empty ones are looked for under their own names.
type CMSFields struct {
	ID, Title, Lead, HTML, Markdown, Text, URL, Language, Author, Published, Image, Tags string
}

func (f CMSFields) read(body []byte) (s Submission, ignored string, err error) {
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		return s, "", errors.New("it is no JSON object")
	}
	text := func(keys ...string) string {
		for _, k := range keys {
			if t := textAt(v, k); k != "" && t != "" {
				return t
			}
		}
		return ""
	}
	s = Submission{ID: text(f.ID, "id"), Title: text(f.Title, "title"), Lead: text(f.Lead, "lead"), HTML: text(f.HTML, "html"), Markdown: text(f.Markdown, "markdown"),
		Text: text(f.Text, "text"), URL: text(f.URL, "url"), Language: text(f.Language, "language"), Author: text(f.Author, "author")}
	if at, err := time.Parse(time.RFC3339, text(f.Published, "published")); err == nil {
		s.Published = &at
	}
	if image := text(f.Image, "image.url", "image"); image != "" {
		s.Image = &SubmittedPic{URL: image, Alt: text("image.alt")}
	}
	tags, _ := valueAt(v, first(f.Tags, "tags")).([]any)
	for _, t := range tags {
		if name, ok := t.(string); ok {
			s.Tags = append(s.Tags, name)
		}
	}
	return s, "", nil
}
