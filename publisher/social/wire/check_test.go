package wire_test

import (
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"crieur/publisher"
	"crieur/publisher/social/wire"
	"github.com/google/go-cmp/cmp"
)

func TestCheckTellsAllAtOnce(t *testing.T) {
	c := wire.Check{Channel: "masto"}
	c.Require("token", "", "make one")
	c.Require("server", "x", "")
	c.OneOf("visibility", "loud", "public", "private")
	c.Server("server", "https://user:hunter2@social.example")
	c.Server("proxy", "social.example")
	c.Server("base_url", "https://social.example?x=1")
	c.Server("good", "http://127.0.0.1:80/prefix")
	err := c.Err()
	want := []string{
		"channels.masto.token: token is missing",
		`channels.masto.visibility: "loud" is not known here`,
		"channels.masto.server: server holds a user name or password",
		"channels.masto.proxy: proxy is not an http or https address",
		"channels.masto.base_url: base_url ends in a query or fragment",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
	if publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("kind %v", publisher.KindOf(err))
	}
	if err := (&wire.Check{}).Err(); err != nil {
		t.Errorf("nothing noted: %v", err)
	}
}

func TestMultipartIsReadBack(t *testing.T) {
	m := publisher.Media{Type: "image/jpeg", Data: []byte("\xff\xd8picture")}
	body, contentType, err := wire.Multipart("file", m, wire.Field{Name: "description", Value: "« Été »\r\n--x"})
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(strings.NewReader(string(body)), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	file := form.File["file"][0]
	f, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{form.Value["description"][0], file.Filename, file.Header.Get("Content-Type"), string(data)}
	if diff := cmp.Diff([]string{"« Été »\r\n--x", "picture.jpg", "image/jpeg", "\xff\xd8picture"}, got); diff != "" {
		t.Error(diff)
	}
}
