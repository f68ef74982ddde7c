package web

import (
	"errors"
	"net/http"
)

// maxForm bounds, in bytes, what a POST may carry: a few names of lists.
const maxForm = 16 << 10

// parseForm reads a form in either of the encodings that providers use: urlencoded
// or multipart. A body that is neither counts as an empty form. It answers by itself
// what it cannot read, and then gives false.
func parseForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxForm)
	}
	if err == nil || errors.Is(err, http.ErrNotMultipart) {
		return true
	}
	status := http.StatusBadRequest
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, http.StatusText(status), status)
	return false
}
