package app

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"crieur/publisher"
)

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

//go:embed service.tmpl
var unitTemplate string

// ServiceOptions says what unit is wanted.
type ServiceOptions struct {
	User   bool   // the user's own service manager, not the machine's
	Binary string // path of crieur
	Dir    string // where the unit is written; "": where systemd looks for it
	As     string // the machine's user that it runs as; ignored with User
}

// A Service is a unit for systemd.
type Service struct {
	Path string   `json:"path"`
	Unit string   `json:"unit"`
	Next []string `json:"next"` // the commands that start it
}

// Service makes the unit that runs serve with the present configuration and nothing
// that it does not need: the whole machine is read-only to it, save the state folder.
func (a *App) Service(o ServiceOptions) (*Service, error) {
	config, err := filepath.Abs(a.conf.File)
	if err != nil {
		return nil, err
	}
	state := a.o.State
	if state == "" {
		state = a.conf.State.Dir
		if !filepath.IsAbs(state) {
			state = filepath.Join(a.folder, state)
		}
	}
	if state, err = filepath.Abs(state); err != nil {
		return nil, err
	}
	if !isDir(state) {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "install the service", Where: state, Err: errors.New("there is no such folder"),
			Hint: "crieur status, run as the user that the service is to run as, makes it"}
	}
	if !o.User && !userName.MatchString(o.As) {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "install the service", Where: "--as", Err: fmt.Errorf("%q is no user's name", o.As),
			Hint: "name the user that owns the state folder"}
	}
	if strings.ContainsAny(o.Binary, "\"'\\$%*?[]{}&|;<>") { // systemd takes no such program, however it is quoted
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "install the service", Where: o.Binary, Err: errors.New("systemd runs no program of such a name"),
			Hint: "put crieur in /usr/local/bin, and name it with --binary"}
	}
	values := map[string]any{
		"Args":   strings.Join([]string{quoteUnit(o.Binary), "serve", "--config", quoteUnit(config), "--state", quoteUnit(state)}, " "),
		"Folder": escapeUnit(filepath.Dir(config)), "State": quoteUnit(state), "User": o.User, "Database": a.conf.State.DSN.Reveal() != "",
		"As": o.As,
	}
	t, err := template.New("unit").Parse(unitTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, values); err != nil {
		return nil, err
	}
	dir := o.Dir
	ctl := "systemctl"
	if o.User {
		ctl = "systemctl --user"
	}
	if dir == "" {
		if dir, err = unitDir(o.User); err != nil {
			return nil, err
		}
	}
	return &Service{Path: filepath.Join(dir, "crieur.service"), Unit: b.String(),
		Next: []string{ctl + " daemon-reload", ctl + " enable --now crieur", ctl + " status crieur"}}, nil
}

// Install writes a unit where it belongs. It overwrites another one on demand only.
func (s *Service) Install(force bool) error {
	if old, err := os.ReadFile(s.Path); err == nil && string(old) != s.Unit && !force {
		return &publisher.Error{Kind: publisher.Invalid, Op: "install the service", Where: s.Path, Err: errors.New("there is another one already"),
			Hint: "--force overwrites it; --print shows the new one"}
	}
	err := os.MkdirAll(filepath.Dir(s.Path), 0o755)
	if err == nil {
		err = os.WriteFile(s.Path, []byte(s.Unit), 0o644)
	}
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return &publisher.Error{Kind: publisher.Invalid, Op: "install the service", Where: s.Path, Err: err,
			Hint: "run it as root, or install one for yourself with --user"}
	}
	return nil
}

func unitDir(user bool) (string, error) {
	if !user {
		return "/etc/systemd/system", nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &publisher.Error{Kind: publisher.Invalid, Op: "install the service", Err: err, Hint: "set HOME, or name the folder with --dir"}
	}
	return filepath.Join(dir, "systemd", "user"), nil
}

// escapeUnit keeps systemd from reading anything into a path (systemd.unit(5)).
func escapeUnit(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// quoteUnit makes one word of a path in a command line or a list (systemd.syntax(7)).
func quoteUnit(s string) string {
	return fmt.Sprintf(`"%s"`, strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `$$`, "%", "%%").Replace(s))
}
