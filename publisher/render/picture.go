package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // decoders of what articles carry
	"image/jpeg"
	_ "image/png"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"crieur/publisher"
)

// A Picture is an image with its bytes, ready to be frozen.
type Picture struct {
	publisher.MediaRef
	Data []byte
}

// maxPixels bounds what is decoded: 50 megapixels are 200 MB of memory, and a
// file of a few kilobytes can claim more.
const maxPixels = 50_000_000

// PictureLimits is what a picture has to fit.
type PictureLimits struct {
	Bytes int64 // largest file; 0: any
	Side  int   // longest side in pixels; 0: any
}

// FitPicture gives the picture in data within the limits. What fits already, in a type
// that every network takes (JPEG, PNG), is given back as it is; all else is scaled
// down and written as a JPEG, on white where it was transparent. Errors are Invalid:
// no picture, too many pixels, or a limit that cannot be met.
func FitPicture(data []byte, alt string, l PictureLimits) (Picture, error) {
	conf, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return Picture{}, invalidPicture(fmt.Errorf("not a picture that can be read (%d bytes): %w", len(data), err))
	}
	if conf.Width <= 0 || conf.Height <= 0 || conf.Width*conf.Height > maxPixels {
		return Picture{}, invalidPicture(fmt.Errorf("%d × %d pixels; the most is %d million in all", conf.Width, conf.Height, maxPixels/1_000_000))
	}
	plain := format == "jpeg" || format == "png"
	if plain && (l.Bytes == 0 || int64(len(data)) <= l.Bytes) && (l.Side == 0 || max(conf.Width, conf.Height) <= l.Side) {
		return picture(data, "image/"+format, alt, conf.Width, conf.Height), nil
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return Picture{}, invalidPicture(err)
	}
	side := max(conf.Width, conf.Height)
	if l.Side > 0 {
		side = min(side, l.Side)
	}
	for first := true; first || side >= 64; side, first = side*3/4, false {
		small := scale(img, side)
		for _, quality := range []int{88, 80, 70} {
			var out bytes.Buffer
			if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
				return Picture{}, invalidPicture(err)
			}
			if l.Bytes == 0 || int64(out.Len()) <= l.Bytes {
				b := small.Bounds()
				return picture(out.Bytes(), "image/jpeg", alt, b.Dx(), b.Dy()), nil
			}
		}
	}
	return Picture{}, invalidPicture(fmt.Errorf("cannot be made smaller than %d bytes", l.Bytes))
}

func picture(data []byte, mediaType, alt string, w, h int) Picture {
	sum := sha256.Sum256(data)
	return Picture{
		MediaRef: publisher.MediaRef{Hash: hex.EncodeToString(sum[:]), Type: mediaType, Alt: alt, Width: w, Height: h},
		Data:     data,
	}
}

// scale gives img with its longest side at most side pixels, on white.
func scale(img image.Image, side int) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if longest := max(w, h); longest > side {
		w, h = max(1, w*side/longest), max(1, h*side/longest)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(dst, dst.Bounds(), img, b, draw.Over, nil)
	return dst
}

func invalidPicture(err error) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: "fit picture", Err: err}
}
