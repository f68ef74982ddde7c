package source

import (
	"encoding/json"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A metaSet holds a page's meta elements by name, property, itemprop or http-equiv
// in lower case.
type metaSet map[string][]string

func metaTags(doc *html.Node) metaSet {
	set := make(metaSet)
	for _, n := range findAll(doc, isElement(atom.Meta)) {
		value := strings.TrimSpace(attr(n, "content"))
		if value == "" {
			continue
		}
		for _, key := range []string{"property", "name", "itemprop", "http-equiv"} {
			if k := strings.ToLower(strings.TrimSpace(attr(n, key))); k != "" {
				set[k] = append(set[k], value)
			}
		}
	}
	return set
}

func (s metaSet) one(names ...string) string {
	for _, n := range names {
		if v := s[n]; len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

func (s metaSet) all(name string) []string { return s[name] }

// linked is what a page's JSON-LD says about its article.
type linked struct {
	title, lead, author, language, url, image, published string
	tags                                                 []string
}

// linkedData reads the first article among the page's JSON-LD. What cannot be read
// is passed over: it is written by plug-ins, and often broken.
func linkedData(doc *html.Node) linked {
	for _, s := range findAll(doc, isElement(atom.Script)) {
		if kind, _, _ := strings.Cut(strings.ToLower(attr(s, "type")), ";"); strings.TrimSpace(kind) != "application/ld+json" {
			continue
		}
		var v any
		if json.Unmarshal([]byte(scriptText(s)), &v) != nil {
			continue
		}
		if o := articleIn(v, 0); o != nil {
			return linked{
				title: ldText(o["headline"], "name"), lead: ldText(o["description"], ""), author: strings.Join(ldTexts(o["author"], "name"), ", "),
				language: ldText(o["inLanguage"], "alternateName"), url: first(ldText(o["mainEntityOfPage"], "@id"), ldText(o["url"], "@id")),
				image: ldText(o["image"], "url"), published: ldText(o["datePublished"], "@value"), tags: ldTags(o["keywords"]),
			}
		}
	}
	return linked{}
}

func scriptText(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(c.Data)
	}
	return b.String()
}

// articleIn finds an object whose type is some kind of article.
func articleIn(v any, depth int) map[string]any {
	const deepest = 6
	if depth > deepest {
		return nil
	}
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			if o := articleIn(e, depth+1); o != nil {
				return o
			}
		}
	case map[string]any:
		for _, t := range ldTexts(x["@type"], "") {
			if strings.HasSuffix(t, "Article") || t == "BlogPosting" || t == "Report" || t == "SocialMediaPosting" || t == "Review" {
				return x
			}
		}
		for _, key := range []string{"@graph", "mainEntity"} {
			if o := articleIn(x[key], depth+1); o != nil {
				return o
			}
		}
	}
	return nil
}

// ldTexts gives a value's texts: of a text, an object's key, or a list of these.
func ldTexts(v any, key string) []string {
	switch x := v.(type) {
	case string:
		if s := html.UnescapeString(strings.TrimSpace(x)); s != "" {
			return []string{s}
		}
	case map[string]any:
		if key != "" {
			return ldTexts(x[key], "")
		}
	case []any:
		var out []string
		for _, e := range x {
			if _, nested := e.([]any); !nested {
				out = append(out, ldTexts(e, key)...)
			}
		}
		return out
	}
	return nil
}

func ldText(v any, key string) string {
	if all := ldTexts(v, key); len(all) > 0 {
		return all[0]
	}
	return ""
}

// ldTags takes keywords as a list, or as one text with commas.
func ldTags(v any) []string {
	if s, ok := v.(string); ok {
		return splitList(s)
	}
	return ldTexts(v, "name")
}
