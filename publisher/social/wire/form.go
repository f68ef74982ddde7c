package wire

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"

	"crieur/publisher"
)

// A Field is one plain value of a form.
type Field struct{ Name, Value string }

// Multipart gives a multipart/form-data body with a picture under the name file and
// the fields before it, and its Content-Type.
func Multipart(file string, m publisher.Media, fields ...Field) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		if err := w.WriteField(f.Name, f.Value); err != nil {
			return nil, "", err
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename="picture.%s"`, file, extension(m.Type))},
		"Content-Type":        {m.Type},
	})
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(m.Data); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

func extension(mediaType string) string {
	_, sub, _ := strings.Cut(mediaType, "/")
	switch sub {
	case "jpeg":
		return "jpg"
	case "png", "gif", "webp":
		return sub
	}
	return "bin"
}
