package source

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
)

// A frontMatter is what stands between the lines --- (YAML) or +++ (TOML) at the
// top of a file: fields in the folded spelling of foldKey.
type frontMatter struct {
	fields map[string]field
}

type field struct {
	value any
	line  int // in the file
}

// foldKey makes Hugo's canonicalURL, Jekyll's canonical_url and canonical-url one.
func foldKey(k string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(k))
}

// find gives the first of the keys, in the folded spelling, that has a value.
func (f *frontMatter) find(keys ...string) (field, bool) {
	if f == nil {
		return field{}, false
	}
	for _, k := range keys {
		if v, ok := f.fields[k]; ok && v.value != nil {
			return v, true
		}
	}
	return field{}, false
}

// splitFrontMatter parts front matter and text. The front matter's lines stay in
// the text as empty ones, so that lines in later errors are the file's.
func splitFrontMatter(in input, text string) (*frontMatter, string, error) {
	first, rest, _ := strings.Cut(text, "\n")
	fence := strings.TrimRight(first, " \t")
	if fence != "---" && fence != "+++" {
		return nil, text, nil
	}
	body, lines, closed := cutFence(rest, fence)
	// A text, or Markdown from no named file, may well begin with a rule.
	perhaps := in.format == formatText || in.format == formatUnknown
	if !closed {
		if perhaps {
			return nil, text, nil
		}
		return nil, "", invalid(line(in.where, 1), "close the front matter with a line that is "+fence, "the front matter is not closed")
	}
	decode := decodeYAML
	if fence == "+++" {
		decode = decodeTOML
	}
	fields, at, err := decode(body)
	if err != nil {
		if perhaps && !looksLikeKeys.MatchString(body) {
			return nil, text, nil
		}
		return nil, "", invalid(line(in.where, at+1), "front matter is one key a line, such as title: A title", "the front matter cannot be read: %w", err)
	}
	if fields == nil && perhaps {
		return nil, text, nil
	}
	front := &frontMatter{fields: make(map[string]field, len(fields))}
	for k, f := range fields {
		f.line++ // for the opening fence
		front.fields[foldKey(k)] = f
	}
	after := strings.SplitN(rest, "\n", lines+2)
	return front, strings.Repeat("\n", lines+2) + strings.Join(after[min(lines+1, len(after)):], "\n"), nil
}

var looksLikeKeys = regexp.MustCompile(`(?m)^\w[\w -]*\s*[:=]`)

// cutFence gives what stands before the closing fence, and how many lines that is.
func cutFence(s, fence string) (body string, lines int, closed bool) {
	at := 0
	for at < len(s) {
		end := strings.IndexByte(s[at:], '\n')
		next := at + end + 1
		if end < 0 {
			end, next = len(s)-at, len(s)
		}
		l := strings.TrimRight(s[at:at+end], " \t")
		if l == fence || fence == "---" && l == "..." {
			return s[:at], lines, true
		}
		lines++
		at = next
	}
	return "", 0, false
}

// decodeYAML gives the fields of a mapping, each with its line, or the line of
// what is wrong. Both count from 1. No mapping at all gives nil.
func decodeYAML(body string) (map[string]field, int, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(body), &doc); err != nil {
		return nil, yamlLine(body), plainYAML(err)
	}
	if len(doc.Content) == 0 {
		return nil, 1, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, root.Line, errors.New("it holds no keys")
	}
	fields := make(map[string]field)
	for i := 0; i+1 < len(root.Content); i += 2 {
		k, v := root.Content[i], root.Content[i+1]
		if _, twice := fields[k.Value]; twice {
			return nil, k.Line, fmt.Errorf("the key %q stands twice", k.Value)
		}
		value, err := yamlValue(v)
		if err != nil {
			return nil, v.Line, plainYAML(err)
		}
		fields[k.Value] = field{value: value, line: k.Line}
	}
	return fields, 1, nil
}

// yamlValue decodes one value. A date stays the text it is written as, since YAML
// would move a time without a zone to UTC.
func yamlValue(n *yaml.Node) (any, error) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!timestamp" {
		return n.Value, nil
	}
	var v any
	err := n.Decode(&v)
	return v, err
}

// yamlLine gives the line after the longest part of body that YAML takes. YAML's
// own errors have their line nowhere but in their words, and often one too late.
func yamlLine(body string) int {
	const most = 150
	lines := strings.SplitAfter(body, "\n")
	if len(lines) > most {
		return 1
	}
	for n := len(lines) - 1; n > 0; n-- {
		if yaml.Unmarshal([]byte(strings.Join(lines[:n], "")), new(yaml.Node)) == nil {
			return n + 1
		}
	}
	return 1
}

var yamlPrefix = regexp.MustCompile(`^yaml: (unmarshal errors:\s+)?(line \d+: )?`)

// plainYAML leaves out the line that YAML's words name: Where has the right one.
func plainYAML(err error) error { return errors.New(yamlPrefix.ReplaceAllString(err.Error(), "")) }

// decodeTOML is decodeYAML for TOML.
func decodeTOML(body string) (map[string]field, int, error) {
	var values map[string]any
	if err := toml.Unmarshal([]byte(body), &values); err != nil {
		at := 1
		var de *toml.DecodeError
		if errors.As(err, &de) {
			at, _ = de.Position()
		}
		return nil, at, errors.New(strings.TrimPrefix(err.Error(), "toml: "))
	}
	fields := make(map[string]field, len(values))
	for k, v := range values {
		fields[k] = field{value: v, line: tomlLine(body, k)}
	}
	return fields, 1, nil
}

// tomlLine finds the line on which a top-level key, or its table, stands.
func tomlLine(body, key string) int {
	for i, l := range strings.Split(body, "\n") {
		l = strings.TrimLeft(l, " \t[\"'")
		if rest, ok := strings.CutPrefix(l, key); ok && strings.ContainsAny(rest[:min(1, len(rest))], " \t=.]\"'") {
			return i + 1
		}
	}
	return 1
}

// dateLayouts are the ways in which dates are written in front matter and pages;
// those without a zone are taken in Config.Location.
var dateLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05-0700", "2006-01-02T15:04-07:00", "2006-01-02T15:04Z07:00",
	"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00", "2006-01-02 15:04 -0700", "2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly, "2006-1-2",
	time.RFC1123Z, time.RFC1123,
}

func parseDate(v any, loc *time.Location) (time.Time, bool) {
	switch d := v.(type) {
	case time.Time:
		return d.UTC(), true
	case toml.LocalDate:
		return d.AsTime(loc), true
	case toml.LocalDateTime:
		return d.AsTime(loc), true
	case string:
		for _, layout := range dateLayouts {
			t, err := time.ParseInLocation(layout, strings.TrimSpace(d), loc)
			if err != nil {
				continue
			}
			// One that names its zone is a moment, wherever it is read: it is given in
			// UTC, so that its day, which is part of an article's identity, is always
			// the same one.
			elsewhere := time.FixedZone("", 13*3600+7)
			if u, err := time.ParseInLocation(layout, strings.TrimSpace(d), elsewhere); err == nil && u.Equal(t) {
				t = t.UTC()
			}
			return t, true
		}
	}
	return time.Time{}, false
}
