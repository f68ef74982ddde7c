package bounce_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/mail"
	"crieur/publisher/mail/bounce"
)

var update = flag.Bool("update", false, "write golden files anew")

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// An outcome is what the golden files hold: everything that decides about a reader.
type outcome struct {
	Kind      publisher.ReturnKind `json:"kind"`
	Recipient string               `json:"recipient,omitempty"`
	Code      int                  `json:"code,omitempty"`
	Status    string               `json:"status,omitempty"`
	Class     string               `json:"class,omitempty"`
	Words     string               `json:"words,omitempty"`
	Remote    string               `json:"remote,omitempty"`
	MessageID string               `json:"message_id,omitempty"`
	Link      string               `json:"link,omitempty"`
	OnPath    bool                 `json:"on_path"` // the mail's own return address was found
}

type golden struct {
	Why     string    `json:"why,omitempty"`
	Returns []outcome `json:"returns,omitempty"`
}

const ownPath = "bounces+aea7gq2lnfxgkzlsmuydsnrwge@gazette.example"

func summary(r bounce.Report) golden {
	g := golden{Why: r.Why}
	for _, t := range r.Returns {
		o := outcome{Kind: t.Kind, Recipient: t.Recipient, Code: t.Code, Status: t.Status, Words: t.Words, Remote: t.Remote, MessageID: t.MessageID, Link: t.Link}
		if t.Kind == publisher.ReturnFailed {
			o.Class = mail.Classify(t.Code, t.Status).String()
		}
		for _, p := range t.Paths {
			o.OnPath = o.OnPath || p == ownPath
		}
		g.Returns = append(g.Returns, o)
	}
	return g
}

// Every sample is shaped like what real servers send, and has its outcome beside it.
func TestSamples(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) < 35 {
		t.Fatalf("found %d samples, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"lf": string(raw), "crlf": strings.ReplaceAll(string(raw), "\n", "\r\n")} {
				got, err := json.MarshalIndent(summary(bounce.Parse([]byte(text), noon)), "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				path := strings.TrimSuffix(file, ".eml") + ".json"
				if *update {
					if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(strings.TrimSpace(string(want)), string(got)); d != "" {
					t.Errorf("%s (-want +got):\n%s", name, d)
				}
			}
		})
	}
}
