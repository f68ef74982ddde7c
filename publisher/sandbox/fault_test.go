package sandbox_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/sandbox"
)

func TestParseFault(t *testing.T) {
	for text, want := range map[string]sandbox.Fault{
		"x=503":                 {Network: "x", Stage: "post", Effect: "status", Code: 503, Share: 1},
		"x=429:2":               {Network: "x", Stage: "post", Effect: "status", Code: 429, Share: 1, Times: 2},
		"mastodon=hangup-after": {Network: "mastodon", Stage: "post", Effect: "hangup-after", Share: 1},
		"mastodon/media=500":    {Network: "mastodon", Stage: "media", Effect: "status", Code: 500, Share: 1},
		"bluesky/any=timeout":   {Network: "bluesky", Stage: "any", Effect: "timeout", Share: 1},
		"bluesky=hangup-before": {Network: "bluesky", Stage: "post", Effect: "hangup-before", Share: 1},
		"bluesky=garbage:1":     {Network: "bluesky", Stage: "post", Effect: "garbage", Share: 1, Times: 1},
		"smtp=451@0.1":          {Network: "smtp", Stage: "rcpt", Effect: "status", Code: 451, Share: 0.1},
		"smtp=hangup-after:3":   {Network: "smtp", Stage: "post", Effect: "hangup-after", Share: 1, Times: 3},
		"smtp=550:ana@gazette.example": {Network: "smtp", Stage: "rcpt", Effect: "status", Code: 550, Share: 1,
			Address: "ana@gazette.example"},
		"smtp=550@0.5:2:ana@gazette.example": {Network: "smtp", Stage: "rcpt", Effect: "status", Code: 550, Share: 0.5, Times: 2,
			Address: "ana@gazette.example"},
		"smtp=535":               {Network: "smtp", Stage: "login", Effect: "status", Code: 535, Share: 1},
		"smtp=421":               {Network: "smtp", Stage: "connect", Effect: "status", Code: 421, Share: 1},
		"smtp/post=552":          {Network: "smtp", Stage: "post", Effect: "status", Code: 552, Share: 1},
		"mastodon=timeout-after": {Network: "mastodon", Stage: "post", Effect: "timeout-after", Share: 1},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := sandbox.ParseFault(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if got.String() != text {
				t.Errorf("written back as %q", got)
			}
		})
	}
}

func TestParseFaultRefuses(t *testing.T) {
	for _, text := range []string{"", "x", "x=", "=503", "twiter=503", "x=200", "x=600", "x=sleep", "x=503@0", "x=503@2", "x=503@NaN", "x=503:0",
		"x=503:-1", "x=503:1:2", "x=503:", "x=503:a@b.example", "x/rcpt=503", "smtp/media=451", "smtp=garbage", "smtp=535:a@b.example",
		"smtp=550:a@b.example:c@d.example"} {
		t.Run(text, func(t *testing.T) {
			f, err := sandbox.ParseFault(text)
			if err == nil {
				t.Fatalf("read as %+v", f)
			}
			if publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
				t.Errorf("%v: kind %v, hint %q", err, publisher.KindOf(err), publisher.HintOf(err))
			}
		})
	}
}
