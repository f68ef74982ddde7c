// Package git asks git what has changed in a work tree. It runs the program git, which
// has to be installed, and changes nothing.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// A File is one that the commit HEAD has and a revision before it does not have, or has
// otherwise.
type File struct {
	Path  string // from the folder that was asked about
	Old   string // what it was called then; "": it was not there
	State byte   // git's letter: A added, M modified, R renamed, T of another type
}

// Changes lists the files in a folder that were added or changed between a revision and
// HEAD, in the order of their names. What is not committed does not count, and what is
// gone is not listed.
//
// Errors are Invalid *publisher.Error, with a hint at what a CI job has to do.
func Changes(ctx context.Context, dir, revision string) ([]File, error) {
	if _, err := run(ctx, dir, "rev-parse", "--show-toplevel"); err != nil {
		return nil, problem("look for a git work tree", dir, err, "run it in a clone of the site's repository, or name its folder")
	}
	if strings.Trim(revision, "0") == "" {
		return nil, problem("find the revision", revision, errors.New("it stands for no commit: the branch is new"),
			"name what it was made from, such as origin/main, or HEAD~1")
	}
	commit, err := run(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return nil, problem("find the revision", revision, errors.New("this clone has no such commit"), hintFor(ctx, dir))
	}
	out, err := run(ctx, dir, "diff", "--name-status", "-z", "--relative", "--no-ext-diff", "--no-textconv", "--find-renames", "--diff-filter=AMRT",
		strings.TrimSpace(commit), "HEAD", "--", ".")
	if err != nil {
		return nil, problem("ask git what has changed", dir, err, "")
	}
	return parse(out)
}

// hintFor says why a commit may be missing.
func hintFor(ctx context.Context, dir string) string {
	if shallow, err := run(ctx, dir, "rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(shallow) == "true" {
		return "the clone is shallow: give actions/checkout fetch-depth: 0 (GitHub), or set GIT_DEPTH: 0 (GitLab)"
	}
	return "git fetch it, or name a commit, branch or tag that git log knows"
}

// parse reads what diff --name-status -z gives.
func parse(out string) ([]File, error) {
	fields := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	var files []File
	for i := 0; i < len(fields) && fields[i] != ""; {
		state, names := fields[i][0], 1
		if state == 'R' || state == 'C' {
			names = 2
		}
		if i+names >= len(fields) {
			return nil, problem("ask git what has changed", "", errors.New("its answer ends too early"), "")
		}
		f := File{Path: fields[i+names], State: state}
		if state != 'A' {
			f.Old = fields[i+1]
		}
		files = append(files, f)
		i += names + 1
	}
	return files, nil
}

// At gives the contents that a file, named from a folder, had at a revision.
func At(ctx context.Context, dir, revision, path string) ([]byte, error) {
	out, err := run(ctx, dir, "show", "--end-of-options", revision+":./"+filepath.ToSlash(path))
	if err != nil {
		return nil, problem("ask git for an earlier text", path, err, "")
	}
	return []byte(out), nil
}

func run(ctx context.Context, dir string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.fsmonitor=false"}, args...)...)
	c.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return "", &publisher.Error{Kind: publisher.Invalid, Op: "run git", Err: errors.New("it is not installed"), Hint: "install git, or name the files to publish"}
	case errors.As(err, &ended):
		line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return "", fmt.Errorf("git says: %s", strings.TrimPrefix(line, "fatal: "))
	case err != nil:
		return "", err
	}
	return out.String(), nil
}

func problem(op, where string, err error, hint string) error {
	if publisher.HintOf(err) != "" {
		return err
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: op, Where: where, Err: err, Hint: hint}
}

// When gives the moment at which a revision was committed.
func When(ctx context.Context, dir, revision string) (time.Time, error) {
	out, err := run(ctx, dir, "show", "--no-patch", "--format=%ct", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return time.Time{}, problem("ask git for a commit's time", revision, err, "")
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	if err != nil {
		return time.Time{}, problem("ask git for a commit's time", revision, errors.New("it gave no number"), "")
	}
	return time.Unix(seconds, 0), nil
}
