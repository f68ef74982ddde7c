package socialtest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"

	"crieur/publisher"
)

// newPost makes a post in French with what networks change in a text: composed
// letters, spaces that do not break, an ampersand, a link with a query, a hashtag.
func newPost(key string) publisher.Post {
	return publisher.Post{
		Key:      key,
		Text:     "«\u00a0L’été\u202f! Eau & vent, " + key + "\u00a0: 1 < 2\n\nhttps://gazette.example/eau?a=1&b=" + key + " #marais",
		Language: "fr",
		Created:  time.Now().Truncate(time.Millisecond),
	}
}

// picture draws a picture of its own for each shade.
func picture(t *testing.T, shade uint8, alt string) publisher.Media {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 16, 9))
	for i := range m.Pix {
		m.Pix[i] = byte(i)*shade | 1
	}
	m.Set(0, 0, color.RGBA{shade, 0, 0, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return publisher.Media{Type: "image/png", Alt: alt, Data: b.Bytes(), Width: 16, Height: 9}
}

func keyOf(t *testing.T, part any) string { return fmt.Sprintf("k%vx%x", part, time.Now().UnixNano()) }
