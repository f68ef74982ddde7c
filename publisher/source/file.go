package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"crieur/publisher"
)

const stdinName = "standard input"

func readStdin(stdin io.Reader, c Config) (input, error) {
	in := input{src: "-", where: stdinName, format: formatNamed(c.Format)}
	if stdin == nil {
		stdin = bytes.NewReader(nil)
	}
	var err error
	in.data, err = readAll(stdin, c.MaxBytes, in.where)
	if err == nil && len(bytes.TrimSpace(in.data)) == 0 {
		err = invalid(in.where, "pipe the article in, or give a file or an address", "there is nothing to read")
	}
	return in, err
}

func readFile(path string, c Config) (input, error) {
	in := input{src: path, where: path, dir: filepath.Dir(path), format: formatNamed(c.Format)}
	if in.format == formatUnknown {
		in.format = formatOf(path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return in, fileError(path, err)
	}
	if info.IsDir() {
		return in, invalid(path, "name the file in it, such as "+filepath.Join(path, "index.md"), "it is a folder, not an article")
	}
	// A file that is too large is refused before it is opened.
	if info.Size() > c.MaxBytes {
		return in, tooBig(path, info.Size(), c.MaxBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return in, fileError(path, err)
	}
	defer f.Close()
	if in.data, err = readAll(f, c.MaxBytes, path); err != nil {
		return in, err
	}
	if len(bytes.TrimSpace(in.data)) == 0 {
		return in, invalid(path, "write a title on the first line, an empty line, and the text", "the file is empty")
	}
	return in, nil
}

// readAll reads at most limit bytes and refuses what is longer.
func readAll(r io.Reader, limit int64, where string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fileError(where, err)
	}
	if int64(len(data)) > limit {
		return nil, tooBig(where, 0, limit)
	}
	return data, nil
}

func fileError(path string, err error) error {
	// The path stands in Where; os repeats it with the name of a system call.
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	e := &publisher.Error{Kind: publisher.Invalid, Op: "read article", Where: path, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Err = publisher.NotFound, errors.New("no such file")
		e.Hint = "check the path; a web address starts with https://"
	case errors.Is(err, fs.ErrPermission):
		e.Err = errors.New("the file may not be read")
		e.Hint = "give the user who runs crieur the right to read it"
	}
	return e
}

// tooBig tells the size where it is known; 0 stands for unknown.
func tooBig(where string, size, limit int64) error {
	err := fmt.Errorf("it is larger than %s", megabytes(limit))
	if size > 0 {
		err = fmt.Errorf("it has %s, and %s is the most", megabytes(size), megabytes(limit))
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: "read article", Where: where, Err: err,
		Hint: "check that this is the article, or raise article.max_bytes"}
}

func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/(1<<20)), ".0") + " MiB"
}

// invalid is the error of an article that has to change.
func invalid(where, hint, cause string, args ...any) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: "read article", Where: where, Hint: hint, Err: fmt.Errorf(cause, args...)}
}

// line gives where:n.
func line(where string, n int) string { return fmt.Sprintf("%s:%d", where, n) }
