package mastodon

import (
	"time"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// A Config is what a channel of this kind is set to.
type Config struct {
	Server     string           `mapstructure:"server" desc:"address of the account's server, such as https://piaille.example"`
	Token      publisher.Secret `mapstructure:"token" desc:"access token with the scopes read:accounts, read:statuses, write:statuses and write:media (on Mastodon: Preferences, Development, New application)"`
	Visibility string           `mapstructure:"visibility" desc:"who sees the posts: public, unlisted, private (followers) or direct (those mentioned)"`
	Language   string           `mapstructure:"language" desc:"language of posts whose article has none, such as fr"`
	Sensitive  bool             `mapstructure:"sensitive" desc:"hide all pictures behind a click"`
	FindAfter  time.Duration    `mapstructure:"find_after" desc:"how long after a post with an unknown outcome its absence is believed"`
}

// NewConfig gives the defaults. The server keeps a post in one transaction with its
// list, so that only a request still under way can appear later.
func NewConfig() Config {
	return Config{Visibility: "public", FindAfter: 20 * time.Second}
}

// Validate reports all that is wrong with c as the settings of a channel.
func (c Config) Validate(channel string) error {
	check := wire.Check{Channel: channel}
	check.Require("server", c.Server, "name the server that the account is on, such as https://piaille.example")
	if c.Server != "" {
		check.Server("server", c.Server)
	}
	check.Require("token", c.Token.Reveal(), hintToken)
	check.OneOf("visibility", c.Visibility, "public", "unlisted", "private", "direct")
	if c.FindAfter < 0 {
		check.Refuse("find_after", "take a duration such as 20s", "%v is less than nothing", c.FindAfter)
	}
	return check.Err()
}

const hintToken = "make an access token with the scopes read:accounts, read:statuses, write:statuses and write:media in the server's preferences, under Development"
