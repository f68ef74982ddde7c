package source_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"crieur/publisher"
	"crieur/publisher/source"
)

// An article is the same one wherever and however its file is read: else everyone
// would get it twice.
func TestIdentityHoldsThroughTravel(t *testing.T) {
	const text = "---\ntitle: L’été à Orvallon\ndate: 2026-11-20\nlang: fr\n---\n\nUn texte.\n"
	read := func(text string, zone *time.Location) publisher.Article {
		t.Helper()
		a, err := source.Read(t.Context(), "-", strings.NewReader(text), source.Config{Location: zone, Format: "markdown"})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	want := read(text, time.UTC).ID
	for name, got := range map[string]string{
		"another time zone": read(text, paris).ID,
		"far west":          read(text, time.FixedZone("", -11*3600)).ID,
		"decomposed":        read(norm.NFD.String(text), time.UTC).ID,
		"other line ends":   read(strings.ReplaceAll(text, "\n", "\r\n"), time.UTC).ID,
	} {
		if got != want {
			t.Errorf("%s: another identity", name)
		}
	}
	moment := func(date string, zone *time.Location) string {
		return read(strings.Replace(text, "2026-11-20", date, 1), zone).ID
	}
	same := moment("2026-07-02 00:30:00 +0200", paris)
	for _, date := range []string{"2026-07-01T22:30:00Z", "2026-07-02T07:30:00+09:00", "2026-07-02T00:30:00+02:00"} {
		if moment(date, paris) != same || moment(date, time.UTC) != same {
			t.Errorf("%s: another identity for the same moment", date)
		}
	}
	if read(strings.Replace(text, "20", "21", 1), time.UTC).ID == want {
		t.Error("another date gives the same identity")
	}
}

func TestCanonicalURLIsEncoded(t *testing.T) {
	a, err := source.Read(t.Context(), "-", strings.NewReader("---\ntitle: T\ncanonical_url: \"https://example.org/a?q=é ü&b=<c>\"\n---\n\nTexte.\n"), source.Config{Format: "markdown"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://example.org/a?q=%C3%A9%20%C3%BC&b=%3Cc%3E"; a.CanonicalURL != want {
		t.Errorf("got %q, want %q", a.CanonicalURL, want)
	}
}
