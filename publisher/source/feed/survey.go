package feed

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Bounds under which every feed stays that someone wrote to be read.
const (
	deepest     = 200
	mostEntries = 2000
)

var errDeep = errors.New("its elements are nested too deeply")

// A survey is a walk over an XML document before anything is made of it: what it
// is, whether it may be given to a parser that follows every nesting, and what the
// parser does not tell.
type survey struct {
	root    string // in lower case, without its prefix
	entries []surveyed
	whole   bool // the document ends where its root does
}

// surveyed is what is said of an entry by attributes.
type surveyed struct {
	language string // xml:lang
	about    string // rdf:about, by which RSS 1.0 names an item
	title    string // type of an Atom title: "text", "html", "xhtml"; "" for none
}

func surveyXML(text string) (survey, error) {
	var s survey
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	depth, inEntry := 0, 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return s, nil // what can be mended is the parser's to say
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > deepest {
				return s, errDeep
			}
			name := strings.ToLower(t.Name.Local)
			switch {
			case depth == 1 && s.root == "":
				s.root = name
			case inEntry == 0 && (name == "item" || name == "entry"):
				inEntry = depth
				s.entries = append(s.entries, surveyed{language: value(t, "xml", "lang"), about: value(t, "rdf", "about")})
			case inEntry > 0 && depth == inEntry+1 && name == "title" && t.Name.Space == "":
				s.entries[len(s.entries)-1].title = strings.ToLower(value(t, "", "type"))
			}
		case xml.EndElement:
			if depth == inEntry {
				inEntry = 0
			}
			if depth--; depth == 0 {
				s.whole = true
			}
		}
	}
}

func value(t xml.StartElement, space, local string) string {
	for _, a := range t.Attr {
		if a.Name.Space == space && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// mended closes a document that breaks off, after its last whole entry; false
// where it has none.
func mended(text, root string) (string, bool) {
	lower := strings.ToLower(text)
	closing := map[string][]string{
		"rss":  {"</item>", "</channel></rss>"},
		"rdf":  {"</item>", "</rdf:rdf>"},
		"feed": {"</entry>", "</feed>"},
	}[root]
	if closing == nil || len(lower) != len(text) {
		return "", false
	}
	end := strings.LastIndex(lower, closing[0])
	if end < 0 {
		return "", false
	}
	tail := closing[1]
	// The root's own spelling, and its prefix, close it.
	if i := strings.Index(lower, root); i > 0 {
		if open := strings.LastIndexByte(text[:i], '<'); open >= 0 {
			tag := text[open+1 : i+len(root)]
			tail = "</" + tag + ">"
			if root == "rss" {
				tail = "</channel>" + tail
			}
		}
	}
	return text[:end+len(closing[0])] + tail, true
}
