package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"crieur/publisher"
)

// LoadImage reads a local picture, such as Image.Path names. mediaType is
// image/jpeg, image/png, image/gif or image/webp, told by the bytes.
func LoadImage(path string, maxBytes int64) (data []byte, mediaType string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", pictureFileError(path, err)
	}
	if info.IsDir() {
		return nil, "", pictureError(path, "name a file", errors.New("it is a folder"))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", pictureFileError(path, err)
	}
	defer f.Close()
	data, err = io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, "", pictureFileError(path, err)
	}
	mediaType, err = checkPicture(data, maxBytes, path)
	return data, mediaType, err
}

func checkPicture(data []byte, maxBytes int64, where string) (mediaType string, err error) {
	if int64(len(data)) > maxBytes {
		return "", pictureError(where, "make the picture smaller", fmt.Errorf("it is larger than %s", megabytes(maxBytes)))
	}
	if mediaType = pictureType(data); mediaType == "" {
		return "", pictureError(where, "use JPEG, PNG, GIF or WebP", errors.New("it is not a picture that mail and networks show"))
	}
	return mediaType, nil
}

// pictureType tells the type by the first bytes; "" for what mail and networks do
// not show.
func pictureType(data []byte) string {
	switch t := http.DetectContentType(data[:min(len(data), 512)]); t {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return t
	}
	return ""
}

func pictureError(where, hint string, err error) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: "read picture", Where: where, Hint: hint, Err: err}
}

func pictureFileError(where string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &publisher.Error{Kind: publisher.NotFound, Op: "read picture", Where: where, Hint: "check the path", Err: errors.New("no such file")}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return pictureError(where, "", err)
}

// A found picture is a local file that the article may use.
type found struct {
	path string
	hash string // of its bytes
}

var (
	errNoPicture = errors.New("there is no such picture beside the article")
	errOutside   = errors.New("the picture lies outside the article's folder")
	errNoShow    = errors.New("it is not a picture that mail and networks show")
)

// findPicture looks for the file behind a relative reference, in the places where
// site generators look. It opens nothing outside the article's folder and the
// site's static and assets folders, whatever names and symbolic links say.
func findPicture(dir, ref string, maxBytes int64) (found, error) {
	u, err := url.Parse(ref)
	if err != nil || u.Path == "" || strings.ContainsAny(u.Path, "\x00\\") {
		return found{}, errNoPicture
	}
	name := strings.TrimPrefix(path.Clean(u.Path), "/")
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return found{}, errOutside
	}
	site, _ := siteRoot(dir)
	outcome := errNoPicture
	for _, place := range places(dir, site, name, strings.HasPrefix(u.Path, "/")) {
		f, err := openInside(place)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				outcome = errOutside
			}
			continue
		}
		hash, err := hashPicture(f, maxBytes)
		f.Close()
		if err != nil {
			return found{}, err
		}
		return found{path: filepath.Join(place.root, place.sub, place.name), hash: hash}, nil
	}
	return found{}, outcome
}

// A place is where a picture may lie: name in the folder sub of root.
type place struct{ root, sub, name string }

func places(dir, site, name string, fromRoot bool) []place {
	var out []place
	if !fromRoot {
		out = append(out, place{dir, ".", name})
	}
	roots := []string{dir}
	if site != "" && site != dir {
		roots = append(roots, site)
	}
	for _, root := range roots {
		for _, sub := range []string{"static", "assets"} {
			out = append(out, place{root, sub, name})
			if rest, ok := strings.CutPrefix(name, sub+"/"); ok {
				out = append(out, place{root, sub, rest})
			}
		}
	}
	return out
}

// openInside opens a regular file without leaving the place's folder; os.Root
// refuses symbolic links that lead out of it.
func openInside(p place) (*os.File, error) {
	root, err := os.OpenRoot(p.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	sub, err := root.OpenRoot(p.sub)
	if err != nil {
		return nil, err
	}
	defer sub.Close()
	name := filepath.FromSlash(p.name)
	info, err := sub.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return sub.Open(name)
}

func hashPicture(f io.Reader, maxBytes int64) (string, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	if pictureType(head[:n]) == "" {
		return "", errNoShow
	}
	h := sha256.New()
	size, err := io.Copy(h, io.LimitReader(io.MultiReader(bytes.NewReader(head[:n]), f), maxBytes+1))
	if err == nil && size > maxBytes {
		err = fmt.Errorf("it is larger than %s", megabytes(maxBytes))
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

// siteRoot gives the folder of the site that dir is part of, and dir's place in its
// content: Hugo keeps articles under content, Jekyll under _posts. Both are ""
// where dir is part of none.
func siteRoot(dir string) (root, section string) {
	if dir == "" {
		return "", ""
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", ""
	}
	up := dir
	for at := abs; filepath.Dir(at) != at; at = filepath.Dir(at) {
		up = filepath.Join(up, "..")
		switch filepath.Base(at) {
		case "content", "_posts", "_drafts":
			section, err = filepath.Rel(at, abs)
			if err != nil || section == "." {
				section = ""
			}
			return up, section
		}
	}
	return "", ""
}
