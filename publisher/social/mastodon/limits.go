package mastodon

import (
	"context"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/measure"
	"crieur/publisher/social/wire"
)

// keyed is a little under the hour for which Mastodon keeps a key:
// https://docs.joinmastodon.org/methods/statuses/#create
const keyed = 55 * time.Minute

// limits are what a server says that it takes.
type limits struct {
	text, perURL, media, alt int
	mediaBytes               int64
	mediaTypes               []string
}

// defaults are Mastodon's own, in force until a server has been asked.
var defaults = limits{
	text: 500, perURL: 23, media: 4, alt: 1500, mediaBytes: 16 << 20,
	mediaTypes: []string{"image/jpeg", "image/png", "image/gif", "image/webp"},
}

// Traits gives what the account's server takes: what Probe has learned, else
// Mastodon's defaults.
func (n *Network) Traits() publisher.Traits {
	l := n.limits.Load()
	return publisher.Traits{
		Network:    Name,
		Text:       l.text,
		Len:        func(text string) int { return measure.Mastodon(text, l.perURL) },
		URL:        l.perURL,
		Media:      l.media,
		MediaBytes: l.mediaBytes,
		MediaTypes: slices.Clone(l.mediaTypes),
		AltText:    l.alt,
		Thread:     true,
		Keyed:      keyed,
		Settle:     n.cfg.FindAfter,
	}
}

// instance is the part of an instance's description that both versions share.
type instance struct {
	Configuration struct {
		Statuses struct {
			MaxCharacters int `json:"max_characters"`
			MaxMedia      int `json:"max_media_attachments"`
			PerURL        int `json:"characters_reserved_per_url"`
		} `json:"statuses"`
		Media struct {
			Types            []string `json:"supported_mime_types"`
			ImageSizeLimit   int64    `json:"image_size_limit"`
			DescriptionLimit int      `json:"description_limit"`
		} `json:"media_attachments"`
	} `json:"configuration"`
	MaxTootChars int    `json:"max_toot_chars"` // version 1 of Pleroma and old forks
	Source       string `json:"source_url"`
}

// Probe asks the server for its limits: version 2 of the instance's description,
// and version 1 where the server has no other.
func (n *Network) Probe(ctx context.Context) error {
	var in instance
	_, err := n.wire.JSON(ctx, n.anonymous("/api/v2/instance"), &in)
	if publisher.KindOf(err) == publisher.NotFound {
		_, err = n.wire.JSON(ctx, n.anonymous("/api/v1/instance"), &in)
	}
	if err != nil {
		return err
	}
	l := in.limits()
	n.limits.Store(&l)
	return nil
}

// anonymous is a request that anyone can make: some servers' public pages refuse a
// token without the right scope.
func (n *Network) anonymous(path string) wire.Request {
	return wire.Request{Method: "GET", URL: n.base + path, Op: "ask mastodon for its limits"}
}

func (in instance) limits() limits {
	l := defaults
	learn(&l.text, in.MaxTootChars)
	learn(&l.text, in.Configuration.Statuses.MaxCharacters)
	learn(&l.perURL, in.Configuration.Statuses.PerURL)
	learn(&l.media, in.Configuration.Statuses.MaxMedia)
	learn(&l.alt, in.Configuration.Media.DescriptionLimit)
	learn(&l.mediaBytes, in.Configuration.Media.ImageSizeLimit)
	if strings.HasSuffix(in.Source, "/gotosocial") {
		l.perURL = 0 // advertises a number and counts links in full all the same
	}
	images := slices.DeleteFunc(slices.Clone(in.Configuration.Media.Types), func(t string) bool {
		return !slices.Contains(defaults.mediaTypes, t)
	})
	if len(images) > 0 {
		l.mediaTypes = images
	}
	return l
}

func learn[T int | int64](to *T, v T) {
	if v > 0 {
		*to = v
	}
}
