package app

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"crieur/publisher"
	"crieur/publisher/source"
)

//go:embed init.yaml.tmpl
var initTemplate string

// InitOptions is what init is told.
type InitOptions struct {
	Site         string // address of the site, or a folder with its content; "" for the folder one stands in
	Config       string // path to write; "" for config.yaml
	Force        bool
	AllowPrivate bool
}

// InitReport is what init found and wrote.
type InitReport struct {
	Found    []string `json:"found"`
	Written  []string `json:"written"`
	Warnings []string `json:"warnings,omitempty"`
}

// siteFacts is what the written configuration is filled with.
type siteFacts struct {
	source.Site
	Domain, Timezone, List, Newsletter, From string
	Private                                  bool // private addresses were allowed
}

// Init looks at a site and writes a configuration for it and an .env for its
// secrets, readable by the owner alone. It sends nothing, and overwrites only
// when told to.
func Init(ctx context.Context, o InitOptions) (InitReport, error) {
	var r InitReport
	path := firstOf(o.Config, "config.yaml")
	if _, err := os.Lstat(path); err == nil && !o.Force {
		return r, &publisher.Error{Kind: publisher.Invalid, Op: "write configuration", Where: path,
			Err: errors.New("there is one already"), Hint: "--force overwrites it, --config PATH writes another"}
	}
	site, err := source.Look(ctx, firstOf(o.Site, "."), source.Config{AllowPrivate: o.AllowPrivate})
	if err != nil {
		return r, err
	}
	f := fill(site)
	f.Private = o.AllowPrivate
	r.Found = found(site)
	if site.URL == "" {
		r.Warnings = append(r.Warnings, "no address of the site was found: fill in site.url")
	}
	t, err := template.New("config").Funcs(template.FuncMap{"quote": quoteText}).Parse(initTemplate)
	if err != nil {
		return r, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, f); err != nil {
		return r, err
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		return r, cannotWrite(path, err)
	}
	r.Written = append(r.Written, path)
	env := filepath.Join(filepath.Dir(path), ".env")
	switch err := writeNew(env, "# Secrets for config.yaml. Keep this file out of git.\nSMTP_PASSWORD=\n", 0o600); {
	case errors.Is(err, fs.ErrExist):
	case err != nil:
		return r, cannotWrite(env, err)
	default:
		r.Written = append(r.Written, env)
	}
	if wrote, err := ignore(filepath.Dir(path)); err != nil {
		return r, err
	} else if wrote != "" {
		r.Written = append(r.Written, wrote)
	}
	return r, nil
}

// quoteText gives a text found on a site as a string of config.yaml, in which it is
// nothing but text: no reference to a file or variable is followed.
func quoteText(s string) string { return strconv.Quote(strings.ReplaceAll(s, "${", "$${")) }

func fill(site source.Site) siteFacts {
	f := siteFacts{Site: site, Domain: "example.org", Timezone: "UTC", List: "readers", Newsletter: "letter"}
	if h := site.Host(); h != "" {
		f.Domain = strings.TrimPrefix(h, "www.")
	}
	f.Name = firstOf(f.Name, f.Domain)
	f.Language = firstOf(f.Language, "en")
	if strings.HasPrefix(f.Language, "fr") {
		f.List, f.Newsletter = "lecteurs", "lettre"
	}
	f.Timezone = localZone()
	address := f.Newsletter + "@" + f.Domain
	f.From = fmt.Sprintf("%q <%s>", f.Name, address)
	return f
}

// localZone gives the machine's own time zone by its IANA name, where it tells.
func localZone() string {
	if link, err := os.Readlink("/etc/localtime"); err == nil {
		if _, zone, ok := strings.Cut(link, "zoneinfo/"); ok {
			return strings.TrimPrefix(strings.TrimPrefix(zone, "Etc/"), "posix/")
		}
	}
	if data, err := os.ReadFile("/etc/timezone"); err == nil {
		if z := strings.TrimSpace(string(data)); z != "" {
			return strings.TrimPrefix(z, "Etc/")
		}
	}
	return "UTC"
}

func found(s source.Site) []string {
	var f []string
	for _, x := range []struct{ what, value string }{{"name", s.Name}, {"address", s.URL}, {"language", s.Language},
		{"feed", s.Feed}, {"logo", s.Logo}, {"accent colour", s.Accent}, {"donation page", s.Donate}, {"content", s.Content}} {
		if x.value != "" {
			f = append(f, x.what+" "+x.value)
		}
	}
	return f
}

// ignore keeps the secrets and the state out of git, where the folder is in a
// repository, and gives the file it wrote to.
func ignore(dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		return "", nil
	}
	path := filepath.Join(dir, ".gitignore")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", cannotWrite(path, err)
	}
	lines := strings.Split(string(old), "\n")
	text := string(old)
	for _, want := range []string{".env", ".crieur/"} {
		has := false
		for _, l := range lines {
			has = has || strings.Trim(strings.TrimSpace(l), "/") == strings.Trim(want, "/")
		}
		if !has {
			if text != "" && !strings.HasSuffix(text, "\n") {
				text += "\n"
			}
			text += want + "\n"
		}
	}
	if text == string(old) {
		return "", nil
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", cannotWrite(path, err)
	}
	return path, nil
}

// writeNew writes a file that must not exist yet.
func writeNew(path, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func cannotWrite(path string, err error) error {
	return &publisher.Error{Kind: publisher.Internal, Op: "write", Where: path, Err: err,
		Hint: "check the folder's rights and the space on its disk"}
}
