package sandbox

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // the formats that networks take
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/webp"
)

// sniff reads a picture's real type and size from its bytes.
func sniff(data []byte) (mediaType string, width, height int, err error) {
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return "", 0, 0, fmt.Errorf("no picture: %w", err)
	}
	return "image/" + format, c.Width, c.Height, nil
}
