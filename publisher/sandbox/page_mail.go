package sandbox

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // so that a mail in another charset is shown, not refused
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// mailView is a mail as the page shows it.
type mailView struct {
	words
	ID          int64
	Subject     string
	Sender, To  string
	At          time.Time
	Size        int64
	HTMLSize    int64
	Duplicate   int64
	Open        bool
	HTML        string // for a frame's srcdoc
	Text        string
	Headers     []headerView
	Links       []linkView
	Attachments []string
	Source      string
	Cut         bool // the source is longer than what is shown
	Problem     string
}

type headerView struct{ Name, Value string }

type linkView struct {
	Text string
	URL  template.URL
}

func (p *page) mailView(w words, m *Mail, open bool) mailView {
	v := mailView{words: w, ID: m.ID, Subject: m.Subject, Sender: m.Sender, To: strings.Join(m.To, ", "), At: m.At, Size: m.Raw.Size,
		Duplicate: m.Duplicate, Open: open}
	raw, err := p.s.arrivals.journal.Read(m.Raw)
	if err != nil {
		v.Problem = err.Error()
		return v
	}
	v.Source = strings.ReplaceAll(strings.ToValidUTF8(string(raw[:min(len(raw), sourceShown)]), "\uFFFD"), "\r\n", "\n")
	v.Cut = len(raw) > sourceShown
	c, err := readContent(raw)
	if err != nil {
		v.Problem = err.Error()
	}
	v.Headers, v.Text, v.Attachments, v.HTMLSize = c.headers, c.text, c.attachments, int64(len(c.html))
	v.HTML = c.html
	if c.html != "" {
		v.HTML, v.Links = p.proof(c)
	}
	return v
}

// mailLinks gives where a mail's HTML leads.
func (p *page) mailLinks(m *Mail) []string {
	raw, err := p.s.arrivals.journal.Read(m.Raw)
	if err != nil {
		return nil
	}
	c, err := readContent(raw)
	if err != nil {
		return nil
	}
	var out []string
	z := html.NewTokenizer(strings.NewReader(c.html))
	for z.Next() != html.ErrorToken {
		if t := z.Token(); t.DataAtom == atom.A {
			out = append(out, attribute(t, "href"))
		}
	}
	return out
}

// content is what a mail's parts hold, decoded.
type content struct {
	headers     []headerView
	text, html  string
	inline      map[string][2]string // Content-ID → media type, bytes
	attachments []string
}

func readContent(raw []byte) (content, error) {
	c := content{inline: map[string][2]string{}}
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return c, err
	}
	fields := e.Header.Fields()
	for fields.Next() {
		value, err := fields.Text()
		if err != nil {
			value = fields.Value()
		}
		c.headers = append(c.headers, headerView{fields.Key(), value})
	}
	return c, e.Walk(func(_ []int, part *message.Entity, err error) error {
		if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			return err
		}
		return c.take(part)
	})
}

func (c *content) take(part *message.Entity) error {
	kind, params, err := part.Header.ContentType()
	if err != nil || strings.HasPrefix(kind, "multipart/") {
		return nil
	}
	body, err := io.ReadAll(part.Body)
	if err != nil {
		return err
	}
	disposition, more, _ := part.Header.ContentDisposition()
	switch id := strings.Trim(part.Header.Get("Content-Id"), "<>"); {
	case id != "":
		c.inline["cid:"+id] = [2]string{kind, string(body)}
	case disposition == "attachment":
		name := more["filename"]
		if name == "" {
			name = params["name"]
		}
		c.attachments = append(c.attachments, strings.TrimSpace(name+" "+kind))
	case kind == "text/html" && c.html == "":
		c.html = string(body)
	case kind == "text/plain" && c.text == "":
		c.text = strings.ReplaceAll(string(body), "\r\n", "\n")
	default:
		c.attachments = append(c.attachments, kind)
	}
	return nil
}

// proof gives a mail's HTML for its frame: byte for byte, but for the pictures that
// travel with it or that crieur hosts itself, which become part of it. Others are not
// fetched: nothing leaves the machine. It gives the links too, since a frame without
// rights cannot follow them.
func (p *page) proof(c content) (string, []linkView) {
	var b strings.Builder
	var links []linkView
	var open *linkView
	z := html.NewTokenizer(strings.NewReader(c.html))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return b.String(), links
		}
		raw := string(z.Raw())
		t := z.Token()
		switch {
		case kind == html.TextToken && open != nil:
			open.Text += t.Data
		case t.DataAtom == atom.Img && kind != html.EndTagToken:
			p.place(c, &t)
			raw = t.String()
			if open != nil {
				open.Text += attribute(t, "alt")
			}
		case t.DataAtom == atom.A && kind == html.StartTagToken:
			if u := attribute(t, "href"); strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "mailto:") {
				open = &linkView{URL: template.URL(u)}
			}
		case t.DataAtom == atom.A && kind == html.EndTagToken && open != nil:
			open.Text = strings.Join(strings.Fields(open.Text), " ")
			links = append(links, *open)
			open = nil
		}
		b.WriteString(raw)
	}
}

// place gives an image its picture, or takes its address away: without one, a browser
// shows the alternative text at once.
func (p *page) place(c content, t *html.Token) {
	for i, a := range t.Attr {
		if a.Key != "src" && a.Key != "srcset" {
			continue
		}
		data, ok := p.picture(c, a.Val)
		if !ok {
			t.Attr[i].Key = "data-" + a.Key
			continue
		}
		t.Attr[i].Val = data
	}
}

func (p *page) picture(c content, src string) (string, bool) {
	if part, ok := c.inline[src]; ok {
		return dataURL(part[0], []byte(part[1])), true
	}
	data, kind, ok := p.s.cfg.Resolve(src)
	if !ok {
		return "", false
	}
	return dataURL(kind, data), true
}

func dataURL(mediaType string, data []byte) string {
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(data)
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
