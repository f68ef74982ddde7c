package sandbox

import (
	"encoding/json"
	"html"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mastodonStatus is what POST /api/v1/statuses takes, as a form or as JSON. Other
// parameters are refused: a Mastodon server would ignore them silently.
type mastodonStatus struct {
	Status      string   `json:"status"`
	MediaIDs    []string `json:"media_ids,omitempty"`
	InReplyToID string   `json:"in_reply_to_id,omitempty"`
	Sensitive   *bool    `json:"sensitive,omitempty"`
	SpoilerText string   `json:"spoiler_text,omitempty"`
	Visibility  string   `json:"visibility,omitempty"`
	Language    string   `json:"language,omitempty"`
}

func readMastodonStatus(r *http.Request) (in mastodonStatus, problem string) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		if err := readJSON(r, &in); err != nil {
			return in, err.Error()
		}
		return in, ""
	}
	var err error
	if kind == "multipart/form-data" {
		err = r.ParseMultipartForm(maxBody)
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		return in, err.Error()
	}
	for name, values := range r.Form {
		value := values[0]
		if len(values) > 1 && name != "media_ids[]" {
			return in, name + " is given twice"
		}
		switch name {
		case "status":
			in.Status = value
		case "media_ids[]":
			in.MediaIDs = values
		case "in_reply_to_id":
			in.InReplyToID = value
		case "sensitive":
			b, err := strconv.ParseBool(value)
			if err != nil {
				return in, "sensitive is neither true nor false"
			}
			in.Sensitive = &b
		case "spoiler_text":
			in.SpoilerText = value
		case "visibility":
			in.Visibility = value
		case "language":
			in.Language = value
		default:
			return in, "unknown parameter " + strconv.Quote(name)
		}
	}
	return in, ""
}

// create makes a status, or gives again the one that the same key made within the
// hour: methods/statuses#create.
func (m *mastodon) create(w http.ResponseWriter, r *http.Request) {
	in, problem := readMastodonStatus(r)
	if problem != "" {
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: "+problem)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.s.cfg.Now()
	key := r.Header.Get("Idempotency-Key")
	if p := m.keyed(key, now); p != nil {
		if !p.Gone.IsZero() {
			m.fail(w, http.StatusNotFound, "Record not found")
			return
		}
		writeJSON(w, http.StatusOK, m.entity(p))
		return
	}
	p, status, problem := m.compose(in)
	if problem != "" {
		m.fail(w, status, problem)
		return
	}
	m.last = nextID(m.last, now)
	p.ID = strconv.FormatInt(m.last, 10)
	p.Network, p.Key, p.At, p.URL = Mastodon, key, now, m.url(p.ID)
	p.URI = m.s.info.PublicURL + "/mastodon/users/crieur/statuses/" + p.ID
	p, err := m.s.arrivals.putPost(p)
	for i := range p.Media {
		if err == nil {
			p.Media[i].Attached = p.ID
			err = m.s.arrivals.putMedia(p.Media[i])
		}
	}
	if err != nil {
		m.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, m.entity(&p))
}

func (m *mastodon) keyed(key string, now time.Time) *Post {
	if key == "" {
		return nil
	}
	for _, p := range slices.Backward(m.s.arrivals.allPosts(Mastodon)) {
		if p.Key == key && now.Sub(p.At) < mastodonKeys {
			return p
		}
	}
	return nil
}

// compose checks a status and makes it into a Post; status and problem say why not.
func (m *mastodon) compose(in mastodonStatus) (p Post, status int, problem string) {
	invalid := func(text string) (Post, int, string) {
		return Post{}, http.StatusUnprocessableEntity, "Validation failed: " + text
	}
	p = Post{Text: in.Status, Warning: in.SpoilerText, Visibility: in.Visibility, Language: in.Language, ReplyTo: in.InReplyToID,
		Links: m.links(in.Status), Length: mastodonLength(in.Status, in.SpoilerText), Limit: mastodonText}
	switch {
	case strings.TrimSpace(in.Status) == "" && len(in.MediaIDs) == 0:
		return invalid("Text can't be blank")
	case p.Length > p.Limit:
		return invalid("Text character limit of 500 exceeded")
	case in.Language != "" && !language.MatchString(in.Language):
		return invalid("language is no ISO 639 code")
	case len(in.MediaIDs) > mastodonMedia:
		return Post{}, http.StatusUnprocessableEntity, "Cannot attach more than 4 files"
	}
	switch in.Visibility {
	case "":
		p.Visibility = "public"
	case "public", "unlisted", "private", "direct":
	default:
		return invalid(strconv.Quote(in.Visibility) + " is not a valid visibility")
	}
	if in.InReplyToID != "" {
		if parent, ok := m.s.arrivals.post(Mastodon, in.InReplyToID); !ok || !parent.Gone.IsZero() {
			return Post{}, http.StatusNotFound, "The post you are trying to reply to does not appear to exist."
		}
	}
	for _, id := range in.MediaIDs {
		media, ok := m.s.arrivals.picture(Mastodon, id)
		if !ok || media.Attached != "" || slices.ContainsFunc(p.Media, func(other Media) bool { return other.ID == id }) {
			return invalid("Media " + id + " not found or already attached to another post")
		}
		if m.polled[id] < 2 {
			return Post{}, http.StatusUnprocessableEntity, "Cannot attach files that have not finished processing. Try again in a moment!"
		}
		p.Media = append(p.Media, media)
	}
	p.Raw, _ = json.Marshal(in)
	return p, 0, ""
}

// upload takes a picture and lets the client wait for it: 202, then one 206, then
// 200. methods/media#v2.
func (m *mastodon) upload(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseMultipartForm(maxBody); err != nil {
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: "+err.Error())
		return
	}
	file, _, err := r.FormFile("file")
	if err != nil {
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: File can't be blank")
		return
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: "+err.Error())
		return
	}
	for name := range r.MultipartForm.Value {
		if name != "description" && name != "focus" {
			m.fail(w, http.StatusUnprocessableEntity, "Validation failed: unknown parameter "+strconv.Quote(name))
			return
		}
	}
	kind, width, height, err := sniff(data)
	alt := r.FormValue("description")
	switch {
	case err != nil:
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: File content type is invalid")
	case len(data) > mastodonImage:
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: File must be less than 16 MB")
	case width*height > mastodonPixels:
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: images are limited to 33 megapixels")
	case len([]rune(alt)) > mastodonAlt:
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: Description is too long (maximum is 1500 characters)")
	default:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.last = nextID(m.last, m.s.cfg.Now())
		media, err := m.s.arrivals.addMedia(Media{Network: Mastodon, ID: strconv.FormatInt(m.last, 10), Type: kind, Alt: alt,
			Width: width, Height: height, At: m.s.cfg.Now()}, data)
		if err != nil {
			m.fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		writeJSON(w, http.StatusAccepted, m.attachment(&media, false))
	}
}

func (m *mastodon) poll(w http.ResponseWriter, r *http.Request) {
	media, ok := m.s.arrivals.picture(Mastodon, r.PathValue("id"))
	if !ok || media.Attached != "" {
		m.fail(w, http.StatusNotFound, "Record not found")
		return
	}
	m.mu.Lock()
	m.polled[media.ID]++
	n := m.polled[media.ID]
	m.mu.Unlock()
	if n < 2 {
		writeJSON(w, http.StatusPartialContent, m.attachment(&media, false))
		return
	}
	writeJSON(w, http.StatusOK, m.attachment(&media, true))
}

// describe changes a picture's alternative text while no status has it.
func (m *mastodon) describe(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	media, ok := m.s.arrivals.picture(Mastodon, r.PathValue("id"))
	if !ok || media.Attached != "" {
		m.fail(w, http.StatusNotFound, "Record not found")
		return
	}
	media.Alt = r.FormValue("description")
	if len([]rune(media.Alt)) > mastodonAlt {
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: Description is too long (maximum is 1500 characters)")
		return
	}
	if err := m.s.arrivals.putMedia(media); err != nil {
		m.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, m.attachment(&media, true))
}

// attachment is a MediaAttachment; its url is null until the picture is processed.
func (m *mastodon) attachment(media *Media, ready bool) map[string]any {
	e := map[string]any{"id": media.ID, "type": "image", "url": nil, "preview_url": nil, "remote_url": nil, "description": nil,
		"meta": map[string]any{"original": map[string]any{"width": media.Width, "height": media.Height}}}
	if ready {
		e["url"] = m.s.info.PublicURL + "/sandbox/media/mastodon/" + media.ID
	}
	if media.Alt != "" {
		e["description"] = media.Alt
	}
	return e
}

// mastodonHTML makes of a text what Mastodon makes of it: paragraphs, line breaks,
// and links whose visible text is shortened by styles, not by leaving letters out.
func mastodonHTML(text string, links []Link) string {
	var b strings.Builder
	plain := func(s string) {
		s = html.EscapeString(s)
		s = strings.ReplaceAll(s, "\n\n", "</p><p>")
		b.WriteString(strings.ReplaceAll(s, "\n", "<br />"))
	}
	b.WriteString("<p>")
	at := 0
	for _, l := range links {
		plain(text[at:l.Start])
		at = l.End
		if tag, ok := strings.CutPrefix(text[l.Start:l.End], "#"); ok {
			b.WriteString(`<a href="` + html.EscapeString(l.URL) + `" class="mention hashtag" rel="tag">#<span>` + html.EscapeString(tag) + `</span></a>`)
			continue
		}
		scheme, rest, found := strings.Cut(l.URL, "://")
		if found {
			scheme += "://"
		}
		if bare, ok := strings.CutPrefix(rest, "www."); ok {
			scheme, rest = scheme+"www.", bare
		}
		runes := []rune(rest)
		cut := min(len(runes), 30)
		class := ""
		if cut < len(runes) {
			class = "ellipsis"
		}
		b.WriteString(`<a href="` + html.EscapeString(l.URL) + `" target="_blank" rel="nofollow noopener" translate="no"><span class="invisible">` +
			html.EscapeString(scheme) + `</span><span class="` + class + `">` + html.EscapeString(string(runes[:cut])) +
			`</span><span class="invisible">` + html.EscapeString(string(runes[cut:])) + `</span></a>`)
	}
	plain(text[at:])
	b.WriteString("</p>")
	return b.String()
}
