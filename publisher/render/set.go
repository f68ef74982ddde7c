package render

import (
	"bytes"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"crieur/publisher"
	"crieur/publisher/locale"
)

// A Site is what every rendering says about whom it comes from.
type Site struct {
	Name          string
	URL           string // absolute; links to its host get UTM parameters
	Logo          string // absolute URL, or a local path that MediaURL knows
	Accent        string // "#rrggbb"; "" for crieur's own
	Language      string // BCP 47
	Location      *time.Location
	Sender        string // who answers for the letter by law
	PostalAddress string // lines apart by \n or commas
	PrivacyURL    string
}

// A Set holds all templates, parsed and tried: crieur's own, or an owner's file in
// place of the one of the same name. It does not change after Open; safe for
// concurrent use.
type Set struct {
	words    *locale.Catalogue
	ownerDir string
	fsys     fs.FS
	files    []File
	html     *htmltemplate.Template // email/*.html.tmpl and email/*.css
	text     *template.Template     // email/*.txt.tmpl
	posts    *template.Template     // social/*.txt.tmpl
}

// A File is one template, style or catalogue of a Set.
type File struct {
	Name       string // slash-separated, relative to the folder of templates
	Overridden bool   // an owner's file is used that crieur does not have, or has with other content
}

// Open reads the templates of embedded, each replaced by the file of the same name
// in ownerDir ("" for none; it need not exist), and tries them out. Every error is
// of kind Invalid and says in which file and line.
func Open(embedded fs.FS, ownerDir string, words *locale.Catalogue) (*Set, error) {
	s := &Set{words: words, ownerDir: ownerDir, fsys: embedded}
	if ownerDir != "" {
		s.fsys = overlay{over: os.DirFS(ownerDir), base: embedded}
	}
	if err := s.list(embedded); err != nil {
		return nil, err
	}
	if err := s.openMail(); err != nil {
		return nil, err
	}
	if err := s.openPosts(); err != nil {
		return nil, err
	}
	return s, nil
}

// FS gives the files themselves, an owner's before crieur's own.
func (s *Set) FS() fs.FS { return s.fsys }

// Files lists what the set was made of, sorted by name.
func (s *Set) Files() []File { return slices.Clone(s.files) }

// list records all files, an owner's additional ones included.
func (s *Set) list(embedded fs.FS) error {
	for _, folder := range []string{"email", "locale", "social", "web"} {
		err := fs.WalkDir(s.fsys, folder, func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist) && name == folder:
				return nil
			case err != nil:
				return err
			case d.IsDir() || strings.HasPrefix(d.Name(), "."):
				return nil
			}
			file := File{Name: name}
			if s.ownerDir != "" {
				own, ownErr := os.ReadFile(filepath.Join(s.ownerDir, filepath.FromSlash(name)))
				built, _ := fs.ReadFile(embedded, name)
				file.Overridden = ownErr == nil && !bytes.Equal(own, built)
			}
			s.files = append(s.files, file)
			return nil
		})
		if err != nil {
			return &publisher.Error{Kind: publisher.Invalid, Op: "read templates", Where: s.ownerDir, Err: err,
				Hint: "the folder of your own templates must be readable"}
		}
	}
	return nil
}

// under lists the names of the files in folder that end in suffix.
func (s *Set) under(folder, suffix string) []string {
	var names []string
	for _, f := range s.files {
		if strings.HasPrefix(f.Name, folder+"/") && strings.HasSuffix(f.Name, suffix) {
			names = append(names, f.Name)
		}
	}
	return names
}

// parseText parses the text templates in folder, each under its own name
// ("social/x.txt.tmpl"), with funcs at hand.
func (s *Set) parseText(folder string, funcs template.FuncMap) (*template.Template, error) {
	root := template.New(folder).Funcs(funcs)
	for _, name := range s.under(folder, ".txt.tmpl") {
		data, err := fs.ReadFile(s.fsys, name)
		if err == nil {
			_, err = root.New(name).Parse(string(data))
		}
		if err != nil {
			return nil, s.templateError("read template", name, err)
		}
	}
	return root, nil
}

// where names a template's file as the owner knows it.
func (s *Set) where(name string) string {
	i := slices.IndexFunc(s.files, func(f File) bool { return f.Name == name })
	if i >= 0 && s.files[i].Overridden {
		return filepath.Join(s.ownerDir, filepath.FromSlash(name))
	}
	return path.Join("templates", name)
}

// templateError makes err, which parsing or running the template called name gave,
// one that says file and line.
func (s *Set) templateError(op, name string, err error) error {
	if inner, ok := errors.AsType[*publisher.Error](err); ok && inner.Where != "" {
		return inner
	}
	e := &publisher.Error{Kind: publisher.Invalid, Op: op, Where: s.where(name), Err: err,
		Hint: "correct the template; “crieur templates eject” writes the built-in one for comparison"}
	if escape, ok := errors.AsType[*htmltemplate.Error](err); ok && escape.Line > 0 {
		e.Where = fmt.Sprintf("%s:%d", s.where(escape.Name), escape.Line)
		e.Err = errors.New(escape.Description)
		return e
	}
	// The other positions stand in the error's text only: "template: NAME:LINE:COLUMN: …",
	// the column not always. NAME is one of ours, and nothing is decided by the rest.
	for _, f := range s.files {
		text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/template:"), "template: ")
		rest, ok := strings.CutPrefix(text, f.Name+":")
		if !ok {
			continue
		}
		line, rest, _ := strings.Cut(rest, ":")
		if column, after, ok := strings.Cut(rest, ":"); ok && strings.Trim(column, "0123456789") == "" {
			rest = after
		}
		e.Where = s.where(f.Name) + ":" + line
		e.Err = retold{text: strings.TrimSpace(rest), error: err}
		break
	}
	return e
}

// retold is an error in fewer words.
type retold struct {
	text string
	error
}

func (r retold) Error() string { return r.text }
func (r retold) Unwrap() error { return r.error }

// overlay shows the files of over in place of those of base.
type overlay struct{ over, base fs.FS }

var _ fs.ReadDirFS = overlay{}

func (o overlay) Open(name string) (fs.File, error) {
	if info, err := fs.Stat(o.over, name); err == nil && !info.IsDir() {
		return o.over.Open(name)
	}
	return o.base.Open(name)
}

func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.base, name)
	own, ownErr := fs.ReadDir(o.over, name)
	if err != nil && ownErr != nil {
		return nil, err
	}
	for _, e := range own {
		if !slices.ContainsFunc(entries, func(b fs.DirEntry) bool { return b.Name() == e.Name() }) {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}
