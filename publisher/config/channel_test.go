package config_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/config"
)

const oneChannel = `
channels:
  tweets:
    kind: x
    template: short
    images: false
    api: v1
    consumer_key: ${env:KEY}
    find_after: 45s
    headers: {X-Trace: "1", accept: text}
    share: 0.5
    tags: [a, B]
`

func TestDecode(t *testing.T) {
	o := options(write(t, oneChannel))
	o.Env = env("KEY", "k")
	c := load(t, o)
	got := x{AccessSecret: "kept", API: "v2", Retries: 2}
	if err := c.Channels[0].Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := x{AccessSecret: "kept", API: "v1", Retries: 2, ConsumerKey: "k", FindAfter: 45 * time.Second,
		Headers: map[string]string{"X-Trace": "1", "accept": "text"}, Share: 0.5, Tags: []string{"a", "B"}}
	// The secrets' own String would make any two of them alike.
	if diff := cmp.Diff(want, got, cmp.Transformer("reveal", publisher.Secret.Reveal)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if ch := c.Channels[0]; ch.Template != "short" || ch.Images {
		t.Errorf("common keys: %+v", ch)
	}
}

func TestDecodeEmbedded(t *testing.T) {
	type keys struct {
		Inner   `mapstructure:",squash"`
		Outer   string
		ignored string
		Skipped string `mapstructure:"-"`
	}
	got := keys{ignored: "kept", Skipped: "kept"}
	o := config.Options{Path: write(t, "channels:\n  c:\n    kind: own\n    server_url: https://a.example\n    outer: b\n"), Env: env()}
	if err := load(t, o).Channels[0].Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.ServerURL != "https://a.example" || got.Outer != "b" || got.ignored != "kept" || got.Skipped != "kept" {
		t.Errorf("got %+v", got)
	}
}

type Inner struct{ ServerURL string }

// Where the network is not known at loading, its keys are checked when decoded.
func TestDecodeIsStrict(t *testing.T) {
	o := config.Options{Path: write(t, oneChannel), Env: env("KEY", "hunter2")}
	var target struct {
		API         int
		ConsumerKey time.Duration
		Headers     map[string]string
		Share       float64
		Tags        []string
		Needed      string `required:"true"`
	}
	err := load(t, o).Channels[0].Decode(&target)
	var list *config.Problems
	if !errors.As(err, &list) || publisher.KindOf(err) != publisher.Invalid {
		t.Fatalf("got %v, want problems", err)
	}
	var got []string
	for _, p := range list.List {
		got = append(got, fmt.Sprintf("%d %s: %s", p.Line, p.Key, p.Message))
	}
	want := []string{
		"3 channels.tweets.needed: is missing",
		`7 channels.tweets.api: want a whole number, got "v1"`,
		"8 channels.tweets.consumer_key: want a duration such as 30s, 5m or 3d",
		"9 channels.tweets.find_after: unknown key",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("a secret is told")
	}
}

func TestDecodeRefusesWhatIsNoTarget(t *testing.T) {
	o := options(write(t, oneChannel))
	ch := load(t, o).Channels[0]
	var none *x
	for name, target := range map[string]any{"nil": nil, "nil pointer": none, "value": x{}, "pointer to text": new(string)} {
		t.Run(name, func(t *testing.T) {
			if err := ch.Decode(target); err == nil || publisher.KindOf(err) != publisher.Internal {
				t.Errorf("got %v, want an internal error", err)
			}
		})
	}
	if err := (config.Channel{Name: "made"}).Decode(&x{}); err == nil || publisher.KindOf(err) != publisher.Internal {
		t.Errorf("a channel from nowhere: got %v, want an internal error", err)
	}
}

func TestDecodeConcurrently(t *testing.T) {
	o := options(write(t, oneChannel))
	o.Env = env("KEY", "k")
	c := load(t, o)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			var good x
			if err := c.Channels[0].Decode(&good); err != nil {
				t.Error(err)
			}
			if err := c.Channels[0].Decode(&struct{}{}); err == nil {
				t.Error("unknown keys were taken")
			}
		})
	}
	all.Wait()
}
