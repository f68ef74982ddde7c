package bluesky

import (
	"time"

	"crieur/publisher"
	"crieur/publisher/social/bluesky/syntax"
	"crieur/publisher/social/wire"
)

// A Config is what a channel of this kind is set to.
type Config struct {
	Server      string           `mapstructure:"server" desc:"address of the server that holds the account (its PDS)"`
	Handle      string           `mapstructure:"handle" desc:"the account's handle without @, such as gazette.bsky.social, or its DID"`
	AppPassword publisher.Secret `mapstructure:"app_password" desc:"an app password, made in the account's settings under Privacy and security"`
	Card        bool             `mapstructure:"card" desc:"show the article's link as a card with picture and title"`
	Language    string           `mapstructure:"language" desc:"language of posts whose article has none, such as fr"`
	FindAfter   time.Duration    `mapstructure:"find_after" desc:"how long after a post with an unknown outcome its absence is believed"`
}

// NewConfig gives the defaults.
func NewConfig() Config {
	return Config{Server: "https://bsky.social", Card: true, FindAfter: 10 * time.Second}
}

// Validate reports all that is wrong with c as the settings of a channel.
func (c Config) Validate(channel string) error {
	check := wire.Check{Channel: channel}
	check.Server("server", c.Server)
	check.Require("handle", c.Handle, "name the account, such as gazette.bsky.social")
	if c.Handle != "" && !syntax.Identifier(c.Handle) {
		check.Refuse("handle", "write it as gazette.bsky.social, without @", "%q is neither a handle nor a DID", c.Handle)
	}
	check.Require("app_password", c.AppPassword.Reveal(), hintPassword)
	if c.FindAfter < 0 {
		check.Refuse("find_after", "take a duration such as 10s", "%v is less than nothing", c.FindAfter)
	}
	return check.Err()
}

const hintPassword = "make an app password in the account's settings, under Privacy and security"
