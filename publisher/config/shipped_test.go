package config_test

import (
	"os"
	"testing"

	"crieur/publisher/config"
	"crieur/publisher/social"
)

// What is shipped at the top of the repository holds for the real networks.

func shipped() (channel func(string) (any, bool), names []string, kinds map[string]any) {
	kinds = map[string]any{}
	for _, k := range social.Kinds() {
		names = append(names, k.Name)
		kinds[k.Name] = k.Config()
	}
	channel = func(kind string) (any, bool) {
		for _, k := range social.Kinds() {
			if k.Name == kind {
				return k.Config(), true
			}
		}
		return nil, false
	}
	return channel, names, kinds
}

func TestShippedSchemaIsCurrent(t *testing.T) {
	_, _, kinds := shipped()
	got, err := config.Schema(kinds)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../config.schema.json", got)
}

func TestShippedConfiguration(t *testing.T) {
	data, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// A copy, so that no .env of the working tree is read.
	o := config.Options{Path: write(t, string(data)), Env: env()}
	o.Channel, o.Kinds, _ = shipped()
	c := load(t, o)
	if len(c.Newsletters) != 1 || len(c.Channels) != 3 || len(c.Sandbox.Subscribers) != 3 {
		t.Errorf("got %d newsletters, %d channels, %d readers", len(c.Newsletters), len(c.Channels), len(c.Sandbox.Subscribers))
	}
	t.Run("live with its secrets", func(t *testing.T) {
		o.Env = env("CRIEUR_MODE", "live", "SMTP_PASSWORD", "s", "MASTODON_TOKEN", "s", "BLUESKY_APP_PASSWORD", "s",
			"X_CONSUMER_KEY", "s", "X_CONSUMER_SECRET", "s", "X_ACCESS_TOKEN", "s", "X_ACCESS_SECRET", "s")
		load(t, o)
	})
	t.Run("live without", func(t *testing.T) {
		o.Env = env("CRIEUR_MODE", "live")
		for _, p := range problems(t, o) {
			if p.Line == 0 || p.Hint == "" {
				t.Errorf("no line or no hint: %+v", p)
			}
		}
	})
}
