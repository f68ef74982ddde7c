package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"crieur/publisher/social/measure"
)

// A fields reads an object's fields, keeps the first complaint, and knows at the end
// which fields nobody asked for: those are refused, since a misspelt field is silently
// kept by a real PDS and shown by no client.
type fields struct {
	path  string
	m     map[string]any
	known []string
	err   error
}

// A complaint is what a PDS says of a record, in a PDS's words.
type complaint string

func (c complaint) Error() string { return string(c) }

func (f *fields) complain(name, format string, args ...any) {
	if f.err == nil {
		f.err = complaint(fmt.Sprintf("Record%s/%s %s", f.path, name, fmt.Sprintf(format, args...)))
	}
}

func (f *fields) get(name string, required bool) (any, bool) {
	f.known = append(f.known, name)
	v, ok := f.m[name]
	if !ok && required {
		f.complain(name, "is required")
	}
	return v, ok
}

// text reads a string of at most so many bytes and graphemes; 0: no such limit.
func (f *fields) text(name string, required bool, maxBytes, maxGraphemes int) string {
	v, ok := f.get(name, required)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	switch n := measure.Graphemes(s); {
	case !ok:
		f.complain(name, "must be a string")
	case maxBytes > 0 && len(s) > maxBytes:
		f.complain(name, "string too big (maximum %d, got %d)", maxBytes, len(s))
	case maxGraphemes > 0 && n > maxGraphemes:
		f.complain(name, "grapheme too big (maximum %d, got %d)", maxGraphemes, n)
	}
	return s
}

func (f *fields) number(name string, least int64) int64 {
	v, ok := f.get(name, true)
	if !ok {
		return 0
	}
	n, ok := v.(json.Number)
	i, err := n.Int64()
	if !ok || err != nil || i < least {
		f.complain(name, "must be a whole number of at least %d", least)
	}
	return i
}

func (f *fields) list(name string, required bool, most int) []any {
	v, ok := f.get(name, required)
	if !ok {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		f.complain(name, "must be an array")
	}
	if most > 0 && len(l) > most {
		f.complain(name, "must not have more than %d elements", most)
	}
	return l
}

func (f *fields) object(name string, required bool) *fields {
	v, ok := f.get(name, required)
	if !ok {
		return nil
	}
	return f.element(name, v)
}

func (f *fields) element(name string, v any) *fields {
	m, ok := v.(map[string]any)
	if !ok {
		f.complain(name, "must be an object")
	}
	return &fields{path: f.path + "/" + name, m: m}
}

// end takes the complaints of the objects inside, then those about unknown fields.
func (f *fields) end(inside ...*fields) {
	for _, in := range inside {
		if f.err == nil && in != nil {
			f.err = in.err
		}
	}
	for name := range f.m {
		if name != "$type" && !slices.Contains(f.known, name) {
			f.complain(name, "is no field of this type")
		}
	}
}

func (f *fields) kind() string {
	s, _ := f.m["$type"].(string)
	return s
}

// bcp47 is the shape of a language tag as atproto checks it: not its meaning.
var bcp47 = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8})*$`)

// checkPost holds a record against the lexicon app.bsky.feed.post, and against what
// the lexicon cannot say: facets inside the text, replies and blobs that exist.
func (b *bluesky) checkPost(record map[string]any) (Post, error) {
	f := &fields{m: record}
	if f.kind() != feedPost {
		return Post{}, complaint("Record/$type must be " + feedPost)
	}
	p := Post{Limit: blueskyGraphemes}
	p.Text = f.text("text", true, blueskyBytes, blueskyGraphemes)
	p.Length = measure.Graphemes(p.Text)
	if !utf8.ValidString(p.Text) {
		f.complain("text", "must be UTF-8")
	}
	if created := f.text("createdAt", true, 64, 0); f.err == nil && !isDatetime(created) {
		f.complain("createdAt", "must be an valid atproto datetime (both RFC-3339 and ISO-8601)")
	}
	for _, v := range f.list("langs", false, 3) {
		s, _ := v.(string)
		if !bcp47.MatchString(s) {
			f.complain("langs", "must be a well-formed BCP 47 language tag")
		}
		if p.Language == "" {
			p.Language = s
		}
	}
	for _, v := range f.list("tags", false, 8) {
		if s, ok := v.(string); !ok || len(s) > 640 || measure.Graphemes(s) > 64 {
			f.complain("tags", "must be strings of at most 64 graphemes")
		}
	}
	var inside []*fields
	for i, v := range f.list("facets", false, 0) {
		facet := f.element(fmt.Sprintf("facets/%d", i), v)
		p.Links = append(p.Links, checkFacet(facet, p.Text)...)
		inside = append(inside, facet)
	}
	slices.SortFunc(p.Links, func(x, y Link) int { return x.Start - y.Start })
	for i := 1; i < len(p.Links); i++ {
		if p.Links[i].Start < p.Links[i-1].End {
			f.complain("facets", "must not overlap")
		}
	}
	if reply := f.object("reply", false); reply != nil {
		p.ReplyTo = b.checkReply(reply)
		inside = append(inside, reply)
	}
	if labels := f.object("labels", false); labels != nil {
		p.Warning = checkLabels(labels)
		inside = append(inside, labels)
	}
	if embed := f.object("embed", false); embed != nil {
		b.checkEmbed(embed, &p)
		inside = append(inside, embed)
	}
	f.end(inside...)
	if f.err == nil && p.Text == "" && p.Card == nil && len(p.Media) == 0 {
		f.err = complaint("Record/text is empty, and there is nothing else to show")
	}
	return p, f.err
}

func checkFacet(f *fields, text string) []Link {
	index := f.object("index", true)
	if index == nil {
		return nil
	}
	start, end := index.number("byteStart", 0), index.number("byteEnd", 0)
	index.end()
	if index.err == nil {
		switch {
		case start >= end:
			f.complain("index", "must be a range that is not empty")
		case end > int64(len(text)):
			f.complain("index", "must end inside the text (%d bytes, got %d)", len(text), end)
		case !utf8.RuneStart(text[start]) || end < int64(len(text)) && !utf8.RuneStart(text[end]):
			f.complain("index", "must not cut a character in two")
		}
	}
	var out []Link
	inside := []*fields{index}
	features := f.list("features", true, 0)
	if len(features) == 0 {
		f.complain("features", "must not be empty")
	}
	for i, v := range features {
		feature := f.element(fmt.Sprintf("features/%d", i), v)
		target := ""
		switch feature.kind() {
		case "app.bsky.richtext.facet#link":
			target = feature.text("uri", true, 0, 0)
			if !isURI(target) {
				feature.complain("uri", "must be a uri")
			}
		case "app.bsky.richtext.facet#tag":
			target = "https://bsky.app/hashtag/" + url.PathEscape(feature.text("tag", true, 640, 64))
		case "app.bsky.richtext.facet#mention":
			did := feature.text("did", true, 0, 0)
			if !strings.HasPrefix(did, "did:") {
				feature.complain("did", "must be a valid did")
			}
			target = "https://bsky.app/profile/" + did
		default:
			feature.complain("$type", "%q is no feature of a facet", feature.kind())
		}
		feature.end()
		inside = append(inside, feature)
		out = append(out, Link{int(start), int(end), target})
	}
	f.end(inside...)
	if f.err != nil {
		return nil
	}
	return out[:1] // the features of one facet stand at one place
}

func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "") && !strings.ContainsAny(s, " \t\n")
}

// checkReply wants root and parent to be posts of this account that still stand, and
// the root to be the one that the parent's thread began with.
func (b *bluesky) checkReply(f *fields) (parent string) {
	var inside []*fields
	for _, name := range []string{"root", "parent"} {
		ref := f.object(name, true)
		if ref == nil {
			continue
		}
		uri, cid := ref.text("uri", true, 0, 0), ref.text("cid", true, 0, 0)
		rkey := strings.TrimPrefix(uri, b.atURI(""))
		p, ok := b.live(rkey)
		if !ok || p.URI != uri || p.CID != cid {
			ref.complain("uri", "is no post with that cid")
		}
		if name == "root" && p.ReplyTo != "" {
			ref.complain("uri", "is itself a reply")
		}
		ref.end()
		inside = append(inside, ref)
		parent = rkey
	}
	f.end(inside...)
	return parent
}

func checkLabels(f *fields) string {
	if f.kind() != "com.atproto.label.defs#selfLabels" {
		f.complain("$type", "must be com.atproto.label.defs#selfLabels")
	}
	var names []string
	var inside []*fields
	for i, v := range f.list("values", true, 10) {
		value := f.element(fmt.Sprintf("values/%d", i), v)
		names = append(names, value.text("val", true, 128, 0))
		value.end()
		inside = append(inside, value)
	}
	f.end(inside...)
	return strings.Join(names, ", ")
}

func (b *bluesky) checkEmbed(f *fields, p *Post) {
	var inside []*fields
	switch f.kind() {
	case "app.bsky.embed.images":
		list := f.list("images", true, blueskyImages)
		if len(list) == 0 {
			f.complain("images", "must not be empty")
		}
		for i, v := range list {
			image := f.element(fmt.Sprintf("images/%d", i), v)
			alt := image.text("alt", true, 0, 0)
			if m := b.checkBlob(image, "image", true); m != nil {
				m.Alt = alt
				p.Media = append(p.Media, *m)
			}
			if ratio := image.object("aspectRatio", false); ratio != nil {
				ratio.number("width", 1)
				ratio.number("height", 1)
				ratio.end()
				inside = append(inside, ratio)
			}
			image.end()
			inside = append(inside, image)
		}
	case "app.bsky.embed.external":
		card := f.object("external", true)
		if card == nil {
			return
		}
		p.Card = &Card{URL: card.text("uri", true, 0, 0), Title: card.text("title", true, 0, 0), Description: card.text("description", true, 0, 0)}
		if !isURI(p.Card.URL) {
			card.complain("uri", "must be a uri")
		}
		p.Card.Thumb = b.checkBlob(card, "thumb", false)
		card.end()
		inside = append(inside, card)
	default:
		f.complain("$type", "%q is no embed that this sandbox knows", f.kind())
	}
	f.end(inside...)
}

// checkBlob wants a reference to a blob that was uploaded, as it was uploaded.
func (b *bluesky) checkBlob(f *fields, name string, required bool) *Media {
	ref := f.object(name, required)
	if ref == nil {
		return nil
	}
	link := ref.object("ref", true)
	if ref.kind() != "blob" || link == nil {
		f.complain(name, "should be a blob ref")
		return nil
	}
	cid := link.text("$link", true, 0, 0)
	kind, size := ref.text("mimeType", true, 0, 0), ref.number("size", 0)
	link.end()
	ref.end(link)
	m, ok := b.s.arrivals.picture(Bluesky, cid)
	switch {
	case ref.err != nil:
		f.complain(name, "is no blob ref: %v", ref.err)
	case !ok:
		f.complain(name, "Could not find blob: %s", cid)
	case size > blueskyBlob:
		f.complain(name, "blob too big (maximum %d, got %d)", blueskyBlob, size)
	case kind != m.Type || size != m.Raw.Size:
		f.complain(name, "is not as the blob was uploaded: %s of %d bytes", m.Type, m.Raw.Size)
	default:
		return &m
	}
	return nil
}
