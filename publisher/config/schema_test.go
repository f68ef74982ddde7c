package config_test

import (
	"encoding/json"
	"errors"
	"testing"

	"crieur/publisher"
	"crieur/publisher/config"
)

func kinds() map[string]any {
	all := map[string]any{}
	for _, kind := range []string{"mastodon", "bluesky", "x"} {
		all[kind], _ = network(kind)
	}
	return all
}

func TestSchema(t *testing.T) {
	got, err := config.Schema(kinds())
	if err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	if err := json.Unmarshal(got, &parsed); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/schema.json", got)
}

func TestSchemaRefusesWhatIsNoStruct(t *testing.T) {
	for name, kind := range map[string]any{"nil": nil, "text": "mastodon", "nil pointer": (*mastodon)(nil)} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Schema(map[string]any{"odd": kind})
			var e *publisher.Error
			if !errors.As(err, &e) || e.Kind != publisher.Internal {
				t.Errorf("got %v, want an internal error", err)
			}
		})
	}
}
