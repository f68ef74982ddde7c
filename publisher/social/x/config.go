package x

import (
	"time"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// A Config is what a channel of this kind is set to.
type Config struct {
	API            string           `mapstructure:"api" desc:"v2, or v1 for legacy access and servers that speak Twitter's old API"`
	ConsumerKey    publisher.Secret `mapstructure:"consumer_key" desc:"the app's API key"`
	ConsumerSecret publisher.Secret `mapstructure:"consumer_secret" desc:"the app's API key secret"`
	AccessToken    publisher.Secret `mapstructure:"access_token" desc:"the account's access token, with the right to read and write"`
	AccessSecret   publisher.Secret `mapstructure:"access_secret" desc:"the account's access token secret"`
	BaseURL        string           `mapstructure:"base_url" desc:"in place of https://api.x.com (v2) or https://api.x.com/1.1 (v1), for compatible servers"`
	FindAfter      time.Duration    `mapstructure:"find_after" desc:"how long after a post with an unknown outcome its absence from the timeline is believed"`
	Threads        bool             `mapstructure:"threads" desc:"allow threads; X's self-serve plans may refuse replies to one's own posts"`
}

// NewConfig gives the defaults. X's timelines are not read from where posts are
// written, so a post may show later there.
func NewConfig() Config {
	return Config{API: "v2", FindAfter: 25 * time.Second}
}

// Validate reports all that is wrong with c as the settings of a channel.
func (c Config) Validate(channel string) error {
	check := wire.Check{Channel: channel}
	check.OneOf("api", c.API, "v1", "v2")
	check.Require("consumer_key", c.ConsumerKey.Reveal(), hintKeys)
	check.Require("consumer_secret", c.ConsumerSecret.Reveal(), hintKeys)
	check.Require("access_token", c.AccessToken.Reveal(), hintKeys)
	check.Require("access_secret", c.AccessSecret.Reveal(), hintKeys)
	if c.BaseURL != "" {
		check.Server("base_url", c.BaseURL)
	}
	if c.FindAfter < 0 {
		check.Refuse("find_after", "take a duration such as 60s", "%v is less than nothing", c.FindAfter)
	}
	return check.Err()
}

const hintKeys = "make the app's keys and the account's access token, with the right to read and write, in X's developer console"
