package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// upload: POST /2/media/upload, multipart, in one piece (pictures need no chunks).
func (a *x) upload(w http.ResponseWriter, r *http.Request) {
	m, status, err := a.takePicture(r, true)
	if err != nil {
		if status == http.StatusBadRequest {
			a.invalid(w, err.Error())
			return
		}
		problemsV2{}.fail(w, status, statusText(status), err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"id": m.ID, "media_key": "3_" + m.ID, "size": m.Raw.Size,
		"expires_after_secs": int(xMediaLife.Seconds()), "image": map[string]any{"w": m.Width, "h": m.Height, "image_type": m.Type}}})
}

// uploadV1: POST /1.1/media/upload.json, where the category may be left out.
func (a *x) uploadV1(w http.ResponseWriter, r *http.Request) {
	m, status, err := a.takePicture(r, false)
	if err != nil {
		writeJSON(w, status, errorsV1(324, err.Error()))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"media_id": number(m.ID), "media_id_string": m.ID, "size": m.Raw.Size,
		"expires_after_secs": int(xMediaLife.Seconds()), "image": map[string]any{"w": m.Width, "h": m.Height, "image_type": m.Type}})
}

func (a *x) takePicture(r *http.Request, strict bool) (Media, int, error) {
	no := func(format string, args ...any) (Media, int, error) {
		return Media{}, http.StatusBadRequest, fmt.Errorf(format, args...)
	}
	if err := r.ParseMultipartForm(maxBody); err != nil {
		return no("%w", err)
	}
	for name := range r.MultipartForm.Value {
		if !slices.Contains([]string{"media_category", "media_type", "shared"}, name) {
			return no("unknown parameter %q", name)
		}
	}
	file, _, err := r.FormFile("media")
	if err != nil {
		return no("media is required")
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return no("%w", err)
	}
	kind, width, height, err := sniff(data)
	if err != nil {
		return no("media type unrecognized")
	}
	category := r.FormValue("media_category")
	if category == "" && !strict {
		category = "tweet_image"
	}
	switch {
	case category != "tweet_image" && category != "tweet_gif":
		return no("media_category %q is neither tweet_image nor tweet_gif", category)
	case category == "tweet_gif" && kind != "image/gif":
		return no("a tweet_gif is a GIF")
	case category == "tweet_image" && len(data) > xImage, len(data) > xGIF:
		return Media{}, http.StatusRequestEntityTooLarge, fmt.Errorf("file size exceeds %d bytes", map[string]int{"tweet_image": xImage, "tweet_gif": xGIF}[category])
	}
	if declared := r.FormValue("media_type"); declared != "" && declared != kind {
		return no("media_type is %s, the file is %s", declared, kind)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	m, err := a.s.arrivals.addMedia(Media{Network: X, ID: a.newID(), Type: kind, Width: width, Height: height, At: a.s.cfg.Now()}, data)
	if err != nil {
		return Media{}, http.StatusInternalServerError, err
	}
	a.media[m.ID] = category
	return m, 0, nil
}

// metadata: POST /2/media/metadata gives a picture its alternative text.
func (a *x) metadata(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID       string `json:"id"`
		Metadata struct {
			AltText *struct {
				Text string `json:"text"`
			} `json:"alt_text"`
		} `json:"metadata"`
	}
	err := readJSON(r, &in)
	if err == nil && in.Metadata.AltText == nil {
		err = fmt.Errorf("metadata.alt_text is required")
	}
	if err == nil {
		err = a.describe(in.ID, in.Metadata.AltText.Text)
	}
	if err != nil {
		a.invalid(w, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"id": in.ID,
		"associated_metadata": map[string]any{"alt_text": map[string]string{"text": in.Metadata.AltText.Text}}}})
}

// metadataV1: POST /1.1/media/metadata/create.json, whose success has no body.
func (a *x) metadataV1(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID  string `json:"media_id"`
		Alt struct {
			Text string `json:"text"`
		} `json:"alt_text"`
	}
	err := readJSON(r, &in)
	if err == nil {
		err = a.describe(in.ID, in.Alt.Text)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, errorsV1(214, err.Error()))
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (a *x) describe(id, alt string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	m, ok := a.s.arrivals.picture(X, id)
	switch {
	case !ok:
		return fmt.Errorf("no picture %q", id)
	case strings.TrimSpace(alt) == "":
		return fmt.Errorf("alt_text.text is empty")
	case utf8.RuneCountInString(alt) > xAlt:
		return fmt.Errorf("alt_text.text has more than %d characters", xAlt)
	}
	m.Alt = alt
	return a.s.arrivals.putMedia(m)
}
