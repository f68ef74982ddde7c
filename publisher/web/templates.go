package web

import (
	"html/template"
	"io/fs"
	"regexp"

	"crieur/publisher"
)

var colour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// styles gives the pages' style sheet with the site's accent colour.
func styles(templates fs.FS, accent string) (template.CSS, error) {
	data, err := fs.ReadFile(templates, "web/page.css")
	if err != nil {
		return "", &publisher.Error{Op: "read style sheet", Err: err}
	}
	css := string(data)
	if colour.MatchString(accent) {
		css += "\n:root{--accent:" + accent + "}\n"
	}
	return template.CSS(css), nil
}

func parse(templates fs.FS, names ...string) (*template.Template, error) {
	t, err := template.New("").ParseFS(templates, names...)
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read templates", Where: names[0], Err: err}
	}
	return t, nil
}
