package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"crieur/publisher"
	"crieur/publisher/config"
)

// FuzzLoad feeds whatever a file can hold: a configuration comes out, or problems.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../../config.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "A=1\nCRIEUR_MODE=live\n")
	}
	f.Add([]byte(base), "CRIEUR_CHANNELS_MY_MASTODON_TOKEN='x\n")
	f.Add([]byte("? [a]\n: b\n<<: [{a: 1}, *b]\n"), "")
	f.Fuzz(func(t *testing.T, text []byte, dotenv string) {
		path := write(t, string(text))
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), ".env"), []byte(dotenv), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(options(path))
		var list *config.Problems
		switch {
		case err == nil:
			for _, ch := range c.Channels {
				target, ok := network(ch.Kind)
				if !ok {
					t.Fatalf("channel %s of kind %q was taken", ch.Name, ch.Kind)
				}
				if err := ch.Decode(target); err != nil {
					t.Fatalf("what Load took does not decode: %v", err)
				}
			}
		case !errors.As(err, &list) || len(list.List) == 0 || publisher.KindOf(err) != publisher.Invalid:
			t.Fatalf("the error holds no problems: %v", err)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	o := options("../../config.yaml")
	for b.Loop() {
		if _, err := config.Load(o); err != nil {
			b.Fatal(err)
		}
	}
}
