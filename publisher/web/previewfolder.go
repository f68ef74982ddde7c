package web

import (
	"os"
	"path/filepath"

	"crieur/publisher"
)

// WritePreview writes a preview into a folder: index.html, and beside it each mail
// as HTML and text, each post as text, and the pictures. It needs no server, and
// overwrites what an earlier preview wrote. No name in p leads out of the folder.
func WritePreview(dir string, p Preview, c PreviewConfig) error {
	d, err := newPreviewer(c)
	if err != nil {
		return err
	}
	page, files, err := d.layOut(p)
	if err != nil {
		return err
	}
	index, err := d.draw(page)
	if err != nil {
		return err
	}
	// The page comes last: where it stands, all that it shows does too.
	for _, f := range append(files, index) {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return cannotWrite(filepath.Dir(path), err)
		}
		if err := os.WriteFile(path, f.data, 0o644); err != nil {
			return cannotWrite(path, err)
		}
	}
	return nil
}

func cannotWrite(path string, err error) error {
	return &publisher.Error{Kind: publisher.Internal, Op: "write preview", Where: path, Err: err,
		Hint: "check the folder's rights and the space on its disk"}
}
