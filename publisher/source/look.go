package source

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"

	"crieur/publisher"
)

// A Site is what a look at a web site, or at the folder that one is made from,
// tells about it. What was not found is empty.
type Site struct {
	Name, URL, Language, Logo string
	Accent                    string // "#rrggbb"
	Feed                      string // address of its first feed
	Donate                    string // address of its donation page
	Content                   string // folder of articles
}

// Host gives the host of the site's address.
func (s Site) Host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Look looks at a site: its front page where where is an http(s) address, else the
// folder where, which may be a Hugo or Jekyll project. A folder that tells nothing
// gives a Site that is empty. Errors are those of Read.
func Look(ctx context.Context, where string, c Config) (Site, error) {
	c = c.withDefaults()
	if isWebAddress(where) {
		return lookAtPage(ctx, where, c)
	}
	info, err := os.Stat(where)
	if err != nil {
		kind := publisher.Internal
		if errors.Is(err, fs.ErrNotExist) {
			kind = publisher.NotFound
		}
		return Site{}, &publisher.Error{Kind: kind, Op: "look at site", Where: where, Err: errors.New("no such folder"),
			Hint: "give the site's address with https:// before it, or the folder that it is made from"}
	}
	if !info.IsDir() {
		return Site{}, &publisher.Error{Kind: publisher.Invalid, Op: "look at site", Where: where, Err: errors.New("this is a file"),
			Hint: "give the site's address, or the folder that it is made from"}
	}
	return lookAtFolder(where), nil
}

var accentColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// donation recognises the addresses of the usual ways to support a site.
var donation = regexp.MustCompile(`(?i)paypal\.(com/donate|me/)|/donate|donorbox\.org|helloasso\.com|liberapay\.com|ko-fi\.com|tipeee\.com|patreon\.com|/don(s|ner)?/?$|/soutenir`)

func lookAtPage(ctx context.Context, address string, c Config) (Site, error) {
	in, err := fetchPage(ctx, address, c)
	if err != nil {
		return Site{}, err
	}
	text, err := decode(in)
	if err != nil {
		return Site{}, err
	}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return Site{}, invalid(in.where, "check the address in a browser", "the page cannot be read")
	}
	at, err := url.Parse(in.url)
	if err != nil {
		return Site{}, invalid(in.where, "", "the address is malformed")
	}
	tags := metaTags(doc)
	s := Site{URL: (&url.URL{Scheme: at.Scheme, Host: at.Host}).String(), Name: oneLine(first(tags.one("og:site_name", "application-name"), titleWord(doc)))}
	if accent := tags.one("theme-color"); accentColour.MatchString(accent) {
		s.Accent = strings.ToLower(accent)
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			switch n.Data {
			case "html":
				s.Language, _, _ = strings.Cut(strings.ToLower(attr(n, "lang")), "-")
			case "link":
				rel := " " + strings.ToLower(attr(n, "rel")) + " "
				switch kind := attr(n, "type"); {
				case strings.Contains(rel, " alternate ") && s.Feed == "" && (strings.Contains(kind, "rss") || strings.Contains(kind, "atom") || kind == "application/feed+json"):
					s.Feed = absolute(at, attr(n, "href"))
				case strings.Contains(rel, " apple-touch-icon ") && s.Logo == "":
					s.Logo = absolute(at, attr(n, "href"))
				}
			case "a":
				if href := absolute(at, attr(n, "href")); s.Donate == "" && donation.MatchString(href) {
					s.Donate = href
				}
			}
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
	}
	walk(doc)
	if s.Language == "" {
		s.Language, _, _ = strings.Cut(strings.ToLower(tags.one("og:locale")), "_")
	}
	return s, nil
}

// titleWord gives the site's part of a front page's title: "Name – motto" has it first.
func titleWord(doc *html.Node) string {
	title := ""
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == "title" && title == "" && n.FirstChild != nil {
			title = n.FirstChild.Data
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
	}
	walk(doc)
	for _, sep := range []string{" | ", " – ", " — ", " - ", " · ", " : "} {
		title, _, _ = strings.Cut(title, sep)
	}
	return strings.TrimSpace(title)
}

// lookAtFolder reads the configuration of the generator that makes a site from a
// folder.
func lookAtFolder(dir string) Site {
	var s Site
	for _, name := range []string{"hugo.toml", "hugo.yaml", "hugo.yml", "config.toml", "_config.yml", "_config.yaml"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		values := map[string]any{}
		if strings.HasSuffix(name, ".toml") {
			err = toml.Unmarshal(data, &values)
		} else {
			err = yaml.Unmarshal(data, &values)
		}
		if err != nil {
			continue
		}
		lower := map[string]string{}
		for k, v := range values {
			if text, ok := v.(string); ok {
				lower[strings.ToLower(k)] = text
			}
		}
		s.Name = oneLine(lower["title"])
		s.URL = strings.TrimSuffix(first(lower["baseurl"], lower["url"]), "/")
		if webURL(s.URL) == nil {
			s.URL = ""
		}
		s.Language, _, _ = strings.Cut(strings.ToLower(first(lower["languagecode"], lower["defaultcontentlanguage"], lower["lang"])), "-")
		for _, content := range []string{first(lower["contentdir"], "content"), "_posts"} {
			if info, err := os.Stat(filepath.Join(dir, content)); err == nil && info.IsDir() {
				s.Content = content
				break
			}
		}
		break
	}
	return s
}
