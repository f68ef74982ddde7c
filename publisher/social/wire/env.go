package wire

import (
	"context"
	"net/http"
	"time"
)

// An Env is what a network gets from outside. Client, Channel and Now are always
// set by whoever opens a network; the rest has defaults.
type Env struct {
	Client    *http.Client     // its transport decides what may be reached at all
	BaseURL   string           // in place of the network's own address; "" = the network's own
	Channel   string           // the channel's name, for errors and tokens
	Tokens    Tokens           // nil: tokens live as long as the process
	Now       func() time.Time // nil: time.Now
	UserAgent string           // "" = "crieur"
}

// Tokens keeps what a network has to remember between two runs, such as a session
// that must not be opened anew for each post. Safe for concurrent use.
type Tokens interface {
	// LoadToken gives what was saved last; nil, nil where nothing was.
	LoadToken(ctx context.Context, channel string) ([]byte, error)
	SaveToken(ctx context.Context, channel string, data []byte) error
}

// WithDefaults fills in what may be left out.
func (e Env) WithDefaults() Env {
	if e.Client == nil {
		e.Client = &http.Client{}
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.UserAgent == "" {
		e.UserAgent = "crieur"
	}
	return e
}
