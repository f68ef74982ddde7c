package source

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
)

// A hugoSite is what a Hugo site's configuration says about the addresses of its pages:
// gohugo.io/configuration/permalinks, …/content-management/urls, …/multilingual.
type hugoSite struct {
	dir       string // of the site
	base      string // baseURL, with a slash at its end
	languages []hugoLanguage
	inSubdir  bool              // the default language has a folder of its own, too
	patterns  map[string]string // by section
	ugly      bool
	keepCase  bool
}

// A hugoLanguage is one of a site's languages; the first is the default one.
type hugoLanguage struct {
	code    string
	base    string // its own baseURL; "": the site's
	content string // folder of its articles
}

// hugoOf gives the Hugo site that a folder is part of; nil: it is part of none.
func hugoOf(dir string) *hugoSite {
	at, err := filepath.Abs(dir)
	if err != nil || dir == "" {
		return nil
	}
	for ; ; at = filepath.Dir(at) {
		if v := hugoConfig(at); v != nil {
			return readHugo(at, v)
		}
		if filepath.Dir(at) == at {
			return nil
		}
	}
}

// hugoConfig reads the configuration that stands in a folder, as far as it can be read;
// nil: there is none. A file named config.toml is Hugo's beside a folder content.
func hugoConfig(dir string) map[string]any {
	for _, stem := range []string{"hugo", "config", filepath.Join("config", "_default", "hugo"), filepath.Join("config", "_default", "config")} {
		for _, ext := range []string{".toml", ".yaml", ".yml", ".json"} {
			v, err := readTable(filepath.Join(dir, stem+ext))
			if err != nil || stem == "config" && !isDir(filepath.Join(dir, "content")) {
				continue
			}
			if strings.HasPrefix(stem, filepath.Join("config", "_default")) {
				addHugoParts(v, filepath.Join(dir, "config", "_default"))
			}
			return v
		}
	}
	return nil
}

// addHugoParts adds the sections that stand in files of their own.
func addHugoParts(v map[string]any, dir string) {
	for _, part := range []string{"permalinks", "languages"} {
		for _, ext := range []string{".toml", ".yaml", ".yml", ".json"} {
			if table, err := readTable(filepath.Join(dir, part+ext)); err == nil {
				v[part] = table
			}
		}
	}
}

// readTable reads a file of keys, whose names come in small letters at every level.
func readTable(path string) (map[string]any, error) {
	const most = 1 << 20
	if info, err := os.Stat(path); err != nil || info.Size() > most {
		return nil, fmt.Errorf("%s cannot be read", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v := map[string]any{}
	switch filepath.Ext(path) {
	case ".toml":
		err = toml.Unmarshal(data, &v)
	case ".json":
		err = json.Unmarshal(data, &v)
	default:
		err = yaml.Unmarshal(data, &v)
	}
	return lowerKeys(v), err
}

func lowerKeys(v map[string]any) map[string]any {
	out := make(map[string]any, len(v))
	for k, e := range v {
		if t, ok := e.(map[string]any); ok {
			e = lowerKeys(t)
		}
		out[strings.ToLower(k)] = e
	}
	return out
}

func readHugo(dir string, v map[string]any) *hugoSite {
	s := &hugoSite{dir: dir, base: slashed(text(v["baseurl"])), inSubdir: isTrue(v["defaultcontentlanguageinsubdir"]),
		ugly: isTrue(v["uglyurls"]), keepCase: isTrue(v["disablepathtolower"]), patterns: map[string]string{}}
	content := first(text(v["contentdir"]), "content")
	own, _ := v["languages"].(map[string]any)
	for code, e := range own {
		t, _ := e.(map[string]any)
		if isTrue(t["disabled"]) {
			continue
		}
		s.languages = append(s.languages, hugoLanguage{code: code, base: slashed(text(t["baseurl"])), content: filepath.Join(dir, first(text(t["contentdir"]), content))})
	}
	main := strings.ToLower(first(text(v["defaultcontentlanguage"]), "en"))
	if len(s.languages) == 0 {
		s.languages = []hugoLanguage{{code: main, content: filepath.Join(dir, content)}}
	}
	slices.SortFunc(s.languages, func(x, y hugoLanguage) int {
		switch {
		case x.code == main:
			return -1
		case y.code == main:
			return 1
		}
		return strings.Compare(x.code, y.code)
	})
	s.addPatterns(v["permalinks"])
	if t, ok := v["permalinks"].(map[string]any); ok {
		s.addPatterns(t["page"])
	}
	return s
}

func (s *hugoSite) addPatterns(v any) {
	t, _ := v.(map[string]any)
	for section, pattern := range t {
		if p, ok := pattern.(string); ok {
			s.patterns[section] = p
		}
	}
}

// folders gives the folders of the site's articles.
func (s *hugoSite) folders() []string {
	var all []string
	for _, l := range s.languages {
		if !slices.Contains(all, l.content) {
			all = append(all, l.content)
		}
	}
	return all
}

// A hugoPage is a file's place in a site.
type hugoPage struct {
	language hugoLanguage
	folders  []string // below the content folder; without a bundle's own
	sections []string // those of them that Hugo counts: the first, and down to the last that has a page of its own
	name     string   // of the file, without language and extension, or of the bundle
	bundle   bool
}

// place says where an article's file stands; ok is false for one outside of the
// content.
func (s *hugoSite) place(path string) (p hugoPage, ok bool) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return p, false
	}
	var rel string
	for _, l := range s.languages {
		r, err := filepath.Rel(l.content, abs)
		if err != nil || r == ".." || strings.HasPrefix(r, ".."+string(filepath.Separator)) {
			continue
		}
		if !ok || len(r) < len(rel) { // the innermost folder, where one lies in another
			p.language, rel, ok = l, r, true
		}
	}
	if !ok {
		return p, false
	}
	parts := strings.Split(filepath.ToSlash(rel), "/")
	p.folders, p.name = parts[:len(parts)-1], parts[len(parts)-1]
	p.name = strings.TrimSuffix(p.name, filepath.Ext(p.name))
	if stem, code, found := cutLast(p.name, "."); found {
		for _, l := range s.languages {
			if strings.EqualFold(l.code, code) {
				p.language, p.name = l, stem
			}
		}
	}
	if p.bundle = p.name == "index" && len(p.folders) > 0; p.bundle {
		p.name, p.folders = p.folders[len(p.folders)-1], p.folders[:len(p.folders)-1]
	}
	for i := len(p.folders); i > 0; i-- {
		if i == 1 || has(filepath.Join(append([]string{p.language.content}, p.folders[:i]...)...), "_index.*") {
			p.sections = p.folders[:i]
			break
		}
	}
	return p, true
}

// has reports a file of a pattern in a folder.
func has(dir, pattern string) bool {
	found, _ := filepath.Glob(filepath.Join(quoteGlob(dir), pattern))
	return len(found) > 0
}

func quoteGlob(s string) string {
	return strings.NewReplacer("[", "\\[", "*", "\\*", "?", "\\?", "\\", "\\\\").Replace(s)
}

// languageOf gives the language of a file of a site that has several; "": it is not
// known. There may be no site.
func (s *hugoSite) languageOf(path string) string {
	if s == nil || len(s.languages) < 2 {
		return ""
	}
	p, ok := s.place(path)
	if !ok {
		return ""
	}
	return languageTag(p.language.code)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i <= 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// slashed gives an address with one slash at its end; "" for none.
func slashed(address string) string {
	if address == "" {
		return ""
	}
	return strings.TrimRight(address, "/") + "/"
}
