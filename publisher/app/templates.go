package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/templates"
)

// A TemplateFile is a template that the owner can replace by one of the same name.
type TemplateFile struct {
	Name string `json:"name"` // below the templates folder
	Own  bool   `json:"own"`  // the owner's folder has it
}

// Templates lists every template by name.
func (a *App) Templates() []TemplateFile {
	var files []TemplateFile
	for _, f := range a.set.Files() {
		files = append(files, TemplateFile{Name: f.Name, Own: f.Overridden})
	}
	return files
}

// Eject copies templates into the owner's folder, all of them where none is named,
// and gives what it wrote and what stood there already. It overwrites nothing.
func (a *App) Eject(names []string) (written, kept []string, err error) {
	var all []string
	for _, f := range a.Templates() {
		all = append(all, f.Name)
	}
	for _, n := range names {
		if !slices.Contains(all, n) {
			return nil, nil, &publisher.Error{Kind: publisher.Invalid, Op: "copy template " + n, Err: errors.New("there is none of this name"),
				Hint: "there are: " + strings.Join(all, ", ")}
		}
	}
	if len(names) == 0 {
		names = all
	}
	for _, n := range names {
		data, err := fs.ReadFile(templates.FS, n)
		if err != nil {
			return written, kept, err
		}
		path := filepath.Join(a.templatesDir(), filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return written, kept, cannotWrite(filepath.Dir(path), err)
		}
		switch err := writeNew(path, string(data), 0o644); {
		case errors.Is(err, fs.ErrExist):
			kept = append(kept, path)
		case err != nil:
			return written, kept, cannotWrite(path, err)
		default:
			written = append(written, path)
		}
	}
	return written, kept, nil
}

// VersionInfo says what runs here.
type VersionInfo struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

// Version describes the program.
func Version(v string) VersionInfo {
	return VersionInfo{Version: v, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
}
