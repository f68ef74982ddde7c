package web

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"crieur/publisher"
)

// A problem is what the API answers where it does not do what was asked: RFC 9457,
// with where and hint besides.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"` // what is wrong
	Where  string `json:"where,omitempty"`  // the key, header or address that is to blame
	Hint   string `json:"hint,omitempty"`   // what to do about it

	After time.Duration `json:"-"` // when to ask again; 0: not said
}

// A refusal is an error that knows how it is answered.
type refusal struct{ problem }

func (r *refusal) Error() string { return r.Detail }

// tell writes a problem.
func tell(w http.ResponseWriter, p problem) {
	p.Title = http.StatusText(p.Status)
	if p.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.After.Seconds()))))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// problemOf gives an error as it is answered. What is a bug of ours is told to the log
// alone.
func problemOf(err error, now time.Time) problem {
	var r *refusal
	if errors.As(err, &r) {
		return r.problem
	}
	p := problem{Status: http.StatusInternalServerError, Detail: "something went wrong inside; the log of crieur serve says what"}
	var e *publisher.Error
	if !errors.As(err, &e) {
		return p
	}
	bare := *e
	bare.Where = ""
	words := problem{Detail: bare.Error(), Where: e.Where, Hint: publisher.HintOf(err)}
	switch e.Kind {
	case publisher.Invalid:
		words.Status = http.StatusUnprocessableEntity
	case publisher.NotFound:
		words.Status = http.StatusNotFound
	case publisher.Denied, publisher.Unknown:
		words.Status = http.StatusBadGateway
	case publisher.Busy:
		words.Status, words.After = http.StatusServiceUnavailable, max(e.After.Sub(now), 5*time.Second)
	default:
		return p
	}
	return words
}
