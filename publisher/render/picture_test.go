package render_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"crieur/publisher"
	"crieur/publisher/render"
)

// noise compresses badly, so that limits bite.
func noise(w, h int) *image.RGBA {
	r := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = byte(r.Uint32())
	}
	return img
}

func TestFitPicture(t *testing.T) {
	var asPNG, asJPEG, asGIF bytes.Buffer
	if err := png.Encode(&asPNG, noise(900, 600)); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&asJPEG, noise(900, 600), nil); err != nil {
		t.Fatal(err)
	}
	pal := image.NewPaletted(image.Rect(0, 0, 40, 20), color.Palette{color.White, color.Black})
	if err := gif.Encode(&asGIF, pal, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data   []byte
		limits render.PictureLimits
		same   bool
		typ    string
	}{
		"fits":               {asJPEG.Bytes(), render.PictureLimits{Bytes: 10 << 20, Side: 2000}, true, "image/jpeg"},
		"png fits":           {asPNG.Bytes(), render.PictureLimits{}, true, "image/png"},
		"too many bytes":     {asPNG.Bytes(), render.PictureLimits{Bytes: 100_000}, false, "image/jpeg"},
		"side too long":      {asJPEG.Bytes(), render.PictureLimits{Side: 300}, false, "image/jpeg"},
		"gif becomes jpeg":   {asGIF.Bytes(), render.PictureLimits{}, false, "image/jpeg"},
		"bytes very limited": {asJPEG.Bytes(), render.PictureLimits{Bytes: 5_000}, false, "image/jpeg"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := render.FitPicture(c.data, "un marché", c.limits)
			if err != nil {
				t.Fatal(err)
			}
			if got := bytes.Equal(p.Data, c.data); got != c.same {
				t.Errorf("unchanged: got %v, want %v", got, c.same)
			}
			if p.Type != c.typ || p.Alt != "un marché" || len(p.Hash) != 64 {
				t.Errorf("got %+v", p.MediaRef)
			}
			if c.limits.Bytes > 0 && int64(len(p.Data)) > c.limits.Bytes {
				t.Errorf("%d bytes, more than %d", len(p.Data), c.limits.Bytes)
			}
			if c.limits.Side > 0 && max(p.Width, p.Height) > c.limits.Side {
				t.Errorf("%d × %d, longer than %d", p.Width, p.Height, c.limits.Side)
			}
			conf, _, err := image.DecodeConfig(bytes.NewReader(p.Data))
			if err != nil || conf.Width != p.Width || conf.Height != p.Height {
				t.Errorf("the bytes say %d × %d (%v), the reference %d × %d", conf.Width, conf.Height, err, p.Width, p.Height)
			}
		})
	}
}

func TestFitPictureRefuses(t *testing.T) {
	bomb := []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00") // 65535 × 65535
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("<script>"), "claims 4 gigapixels": bomb,
	} {
		if _, err := render.FitPicture(data, "", render.PictureLimits{}); publisher.KindOf(err) != publisher.Invalid || err == nil {
			t.Errorf("%s: got %v, want an Invalid error", name, err)
		}
	}
}
