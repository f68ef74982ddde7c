// Package social lists the networks that crieur posts to, and opens them. Each
// network is a folder of its own and one line here; what they have in common is in
// wire (HTTP), measure (how text is counted) and socialtest (what each must hold).
package social

import (
	"errors"
	"strings"

	"crieur/publisher"
	"crieur/publisher/social/bluesky"
	"crieur/publisher/social/mastodon"
	"crieur/publisher/social/wire"
	"crieur/publisher/social/x"
)

// Env is what a network gets from outside.
type Env = wire.Env

// Tokens keeps what a network has to remember between two runs.
type Tokens = wire.Tokens

// A Kind is one network that a channel can be of.
type Kind struct {
	Name   string
	Config func() any // a pointer to the network's settings, filled with its defaults
	Open   func(decode func(target any) error, env Env) (publisher.Network, error)
}

// Kinds lists the networks by name.
func Kinds() []Kind {
	return []Kind{
		kind(bluesky.Name, bluesky.NewConfig, bluesky.New),
		kind(mastodon.Name, mastodon.NewConfig, mastodon.New),
		kind(x.Name, x.NewConfig, x.New),
	}
}

func kind[C any, N publisher.Network](name string, defaults func() C, open func(C, Env) (N, error)) Kind {
	return Kind{
		Name:   name,
		Config: func() any { c := defaults(); return &c },
		Open: func(decode func(target any) error, env Env) (publisher.Network, error) {
			c := defaults()
			if err := decode(&c); err != nil {
				return nil, err
			}
			n, err := open(c, env)
			if err != nil {
				return nil, err // not n: a nil *T in an interface is not nil
			}
			return n, nil
		},
	}
}

// Open opens a channel of a kind: decode fills in the channel's settings over that
// kind's defaults. It does no I/O. A kind that is not known and settings that will
// not do are Invalid; an error that joins several tells all that is wrong.
func Open(kind string, decode func(target any) error, env Env) (publisher.Network, error) {
	var names []string
	for _, k := range Kinds() {
		if k.Name == kind {
			return k.Open(decode, env)
		}
		names = append(names, k.Name)
	}
	return nil, &publisher.Error{Kind: publisher.Invalid, Where: "channels." + env.Channel + ".kind",
		Hint: "take one of " + strings.Join(names, ", "), Err: errors.New("no such network")}
}
