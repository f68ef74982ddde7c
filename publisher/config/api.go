package config

import (
	"strconv"

	"crieur/publisher"
)

// API is who may use the HTTP API of crieur serve, and how much.
type API struct {
	Tokens []Token `mapstructure:"tokens" names:"token" desc:"Who may use the HTTP API of crieur serve, by name. Without one there is no API. Articles that are handed in on a token come from a source of its name, for routes."`
	Rate   Rate    `mapstructure:"rate" default:"60/m" desc:"Most requests in a time on one token."`
}

// A Token opens the API to whoever has it.
type Token struct {
	Name  string           `mapstructure:"-"`
	Token publisher.Secret `mapstructure:"token" required:"true" desc:"What is sent as Authorization: Bearer, at least 24 characters that nobody guesses: write ${env:NAME} or ${file:PATH}. openssl rand -hex 24 makes one."`
	May   []string         `mapstructure:"may" default:"publish,read" enum:"read,publish" desc:"read: look at articles, issues, readers' receipts and what waits. publish: hand articles in, stop and resume."`
}

// leastToken is the shortest token that nobody guesses.
const leastToken = 24

func (l *loader) checkAPI(c *Config) {
	seen := map[publisher.Secret]string{}
	for _, t := range c.API.Tokens {
		at := path("api").key("tokens").key(t.Name).key("token")
		switch {
		case t.Token == "":
		case len(t.Token) < leastToken:
			l.wrong(at, "is shorter than "+strconv.Itoa(leastToken)+" characters, and can be guessed", "openssl rand -hex 24 makes one")
		case seen[t.Token] != "":
			l.wrong(at, "is that of "+seen[t.Token]+" as well", "give each its own, so that one can be taken back")
		}
		seen[t.Token] = t.Name
	}
}
