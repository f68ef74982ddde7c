package wire

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"crieur/publisher"
)

// maxWords is how much of a server's own words an error repeats, in characters.
const maxWords = 300

// A scrubber cuts secrets out of what a server said: some servers repeat the
// request, credentials included.
type scrubber []string

func (c *Client) scrubber(h http.Header) scrubber {
	secrets := slices.Clone(c.Secrets)
	for _, v := range h.Values("Authorization") {
		if _, credential, ok := strings.Cut(v, " "); ok {
			v = credential
		}
		secrets = append(secrets, publisher.Secret(v))
	}
	var s scrubber
	for _, secret := range secrets {
		plain := secret.Reveal()
		if plain == "" {
			continue
		}
		quoted, _ := json.Marshal(plain) // a string is always marshalled
		for _, form := range []string{plain, url.QueryEscape(plain), url.PathEscape(plain), strings.Trim(string(quoted), `"`)} {
			if !slices.Contains(s, form) {
				s = append(s, form)
			}
		}
	}
	// The longest first, so that none leaves a rest of another that contains it.
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) })
	return s
}

func (s scrubber) replace(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "[secret]")
	}
	return text
}

// text gives text on one line, cut to a bearable length and without secrets.
func (s scrubber) text(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s.replace(text))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxWords {
		text = string(runes[:maxWords]) + "…"
	}
	return text
}

// error gives err with its text scrubbed; errors.Is and errors.As see err itself.
func (s scrubber) error(err error) error {
	return scrubbed{text: s.text(err.Error()), err: err}
}

type scrubbed struct {
	text string
	err  error
}

func (e scrubbed) Error() string { return e.text }
func (e scrubbed) Unwrap() error { return e.err }

// explain finds a server's own words in the shapes that the networks use: {"error"}
// (Mastodon), {"error", "message"} (Bluesky), {"title", "detail"} and {"errors"} (X).
// It is for people to read; nothing is decided by it.
func explain(body []byte) string {
	var a struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Message     string          `json:"message"`
		Title       string          `json:"title"`
		Detail      string          `json:"detail"`
		Errors      []struct {
			Message string `json:"message"`
			Detail  string `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &a) != nil {
		return ""
	}
	var name string
	if json.Unmarshal(a.Error, &name) != nil {
		name = ""
	}
	words := []string{name, a.Description, a.Message, a.Title, a.Detail}
	for _, e := range a.Errors {
		words = append(words, e.Message, e.Detail)
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return strings.Join(words, ": ")
}
