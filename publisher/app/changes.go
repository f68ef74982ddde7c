package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/source"
	"crieur/publisher/source/git"
)

// Changes is what has happened to a site's articles since a revision.
type Changes struct {
	Since   string   `json:"changed_since"`
	New     []string `json:"new"`     // files to publish: they were not there, or not ready
	Changed []string `json:"changed"` // that had been ready then, and were changed
	Skipped []Left   `json:"skipped"`
	Notes   []string `json:"notes"`
}

// A Left is a file that is not published by itself, and why.
type Left struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// ChangedSince looks at a site's folder in a git work tree: which articles are new since
// a revision. A changed one is never new, but where it was a draft, or of the future,
// at that revision.
func (a *App) ChangedSince(ctx context.Context, revision, dir string) (*Changes, error) {
	c := &Changes{Since: revision, New: []string{}, Changed: []string{}, Skipped: []Left{}, Notes: []string{}}
	files, err := git.Changes(ctx, dir, revision)
	if err != nil {
		return nil, err
	}
	sc := a.sourceConfig(ArticleOptions{})
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if !slices.ContainsFunc(source.SiteContent(dir), func(folder string) bool { return within(folder, path) }) {
			continue
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // it is gone from the work tree
		}
		if err != nil {
			return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read article", Where: path, Err: errors.New("it cannot be read")}
		}
		now := source.PeekAt(path, data, sc)
		switch {
		case !now.Article:
		case now.Skip != "":
			c.Skipped = append(c.Skipped, Left{path, now.Skip})
		default:
			ready, err := a.wasReady(ctx, dir, revision, f, sc)
			if err != nil {
				return nil, err
			}
			if !ready {
				c.New = append(c.New, path)
				continue
			}
			c.Changed = append(c.Changed, path)
			note, err := a.noteChange(ctx, path)
			if err != nil {
				return nil, err
			}
			c.Notes = append(c.Notes, note)
		}
	}
	return c, nil
}

func within(folder, path string) bool {
	x, err := filepath.Abs(folder)
	y, err2 := filepath.Abs(path)
	if err != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(x, y)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// wasReady reports whether a file would have been published at a revision.
func (a *App) wasReady(ctx context.Context, dir, revision string, f git.File, sc source.Config) (bool, error) {
	if f.Old == "" {
		return false, nil
	}
	data, err := git.At(ctx, dir, revision, f.Old)
	if err != nil {
		return false, err
	}
	then, err := git.When(ctx, dir, revision)
	if err != nil {
		return false, err
	}
	sc.Now = func() time.Time { return then }
	before := source.PeekAt(filepath.Join(dir, filepath.FromSlash(f.Old)), data, sc)
	return before.Article && before.Skip == "", nil
}

// noteChange says of an article that was changed whether it has gone out.
func (a *App) noteChange(ctx context.Context, path string) (string, error) {
	article, err := a.Read(ctx, path, ArticleOptions{})
	if err != nil {
		return path + " was changed, and cannot be read: " + explain(err), nil
	}
	store, err := a.open(ctx)
	if err != nil {
		return "", err
	}
	issues, err := store.IssuesOf(ctx, article.ID)
	if err != nil {
		return "", err
	}
	if len(issues) > 0 {
		return path + " was changed, and had been published before: crieur correct " + path, nil
	}
	return path + " is not new, and is left alone: crieur publish " + path + " publishes it", nil
}

// Begun refuses to publish by itself from a state in which nothing was ever published:
// in a CI job that is a state that was lost, and all that it knew would go out again.
func (a *App) Begun(ctx context.Context) error {
	if !a.Live() {
		return nil
	}
	store, err := a.open(ctx)
	if err != nil {
		return err
	}
	issues, err := store.Issues(ctx, 1)
	if err != nil || len(issues) > 0 {
		return err
	}
	return &publisher.Error{Kind: publisher.Invalid, Err: &PreflightError{[]string{"the state is empty, so nothing tells what was published before"}},
		Hint: "restore it (state.dir as a cache of the CI job, or state.dsn: postgres://…); --first, once, if it really begins here"}
}

// wanted narrows targets to those that an article names itself, unless the owner named
// some.
func (a *App) wanted(t targets, s Selection, article publisher.Article) (targets, error) {
	w := article.Wants
	if w == nil {
		return t, nil
	}
	wrong := func(cause, hint string) error {
		return &publisher.Error{Kind: publisher.Invalid, Op: "choose channels", Where: article.Source, Err: errors.New(cause), Hint: hint}
	}
	if w.Skip {
		return t, wrong("the article says publish: skip", "take that out of its front matter")
	}
	if len(s.Only)+len(s.Skip)+len(s.Newsletters)+len(s.Lists) > 0 || len(w.Newsletters)+len(w.Channels) == 0 {
		return t, nil
	}
	letters, channels := a.letterNames(), a.channelNames()
	for _, n := range w.Newsletters {
		if !slices.Contains(letters, n) {
			return t, wrong(fmt.Sprintf("the article names a newsletter %q, and there is none", n), "there are: "+strings.Join(letters, ", "))
		}
	}
	for _, n := range w.Channels {
		if !slices.Contains(channels, n) || slices.Contains(letters, n) {
			return t, wrong(fmt.Sprintf("the article names a channel %q, and there is none", n), "there are: "+strings.Join(channels, ", "))
		}
	}
	t.newsletters = slices.DeleteFunc(slices.Clone(t.newsletters), func(n config.Newsletter) bool { return !slices.Contains(w.Newsletters, n.Name) })
	t.channels = slices.DeleteFunc(slices.Clone(t.channels), func(c config.Channel) bool { return !slices.Contains(w.Channels, c.Name) })
	if len(t.newsletters)+len(t.channels) == 0 {
		return t, wrong("the article names nothing of this kind below publish", "crieur publish takes mail and posts; --only NAME counts more than the article")
	}
	return t, nil
}

func (a *App) letterNames() []string {
	var names []string
	for _, n := range a.conf.Newsletters {
		names = append(names, n.Name)
	}
	return names
}

// asWanted takes over when the article itself wants to go out, where the owner did not
// say.
func (o PublishOptions) asWanted(article publisher.Article, now time.Time) PublishOptions {
	if w := article.Wants; w != nil && o.At == nil && o.Slot == "" {
		if o.Slot = w.Slot; w.At.After(now) {
			o.At = &When{Release: w.At}
		}
	}
	return o
}
