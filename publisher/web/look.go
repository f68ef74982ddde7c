package web

import (
	"html/template"
	"io/fs"
	"strings"

	"crieur/publisher"
)

// styles gives the family's style sheet, a page's own, and the site's accent as it
// can be read on either paper.
func styles(templates fs.FS, accent string, own ...string) (template.CSS, error) {
	var css strings.Builder
	for _, name := range append([]string{"web/style.css"}, own...) {
		data, err := fs.ReadFile(templates, name)
		if err != nil {
			return "", &publisher.Error{Kind: publisher.Invalid, Op: "read style sheet", Where: name, Err: err}
		}
		css.Write(data)
		css.WriteByte('\n')
	}
	light, dark := accents(accent)
	css.WriteString(":root { --accent: " + light + "; --accent-dark: " + dark + "; }\n")
	return template.CSS(css.String()), nil
}

// parse reads a page's template.
func parse(templates fs.FS, name string, funcs template.FuncMap) (*template.Template, error) {
	t, err := template.New("").Funcs(funcs).ParseFS(templates, name)
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read templates", Where: name, Err: err,
			Hint: "crieur templates eject writes the built-in one, to compare with"}
	}
	return t, nil
}
