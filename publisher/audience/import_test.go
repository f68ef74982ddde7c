package audience_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/audience"
)

var today = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func service(m *memory) *audience.Service {
	return audience.New(m, rand.Reader, func() time.Time { return today })
}

// shown is what of a reader an import decides.
type shown struct {
	Email, Name, Language, Status, Since string
}

func (m *memory) shown(list string) []shown {
	var all []shown
	_ = m.Subscribers(context.Background(), list, func(p publisher.Subscriber, on []publisher.Subscription) error {
		for _, s := range on {
			if s.List == list {
				all = append(all, shown{p.Email, p.Name, p.Language, s.Status.String(), s.Since.Format(time.DateOnly)})
			}
		}
		return nil
	})
	return all
}

func TestImportReadsFilesAsTheyAre(t *testing.T) {
	marie := shown{"marie@example.org", "Marie Durand", "fr", "confirmed", "2026-11-23"}
	for name, test := range map[string]struct {
		file string
		want []shown
	}{
		"English, commas": {"email,name,language\nmarie@example.org,Marie Durand,fr\n", []shown{marie}},
		"French, semicolons, a byte order mark, CR LF": {
			"\xef\xbb\xbfAdresse e-mail;Prénom;Nom;Langue;Statut;Inscrit le\r\nmarie@example.org;Marie;Durand;français;abonné;25/03/2024\r\n",
			[]shown{{"marie@example.org", "Marie Durand", "fr", "confirmed", "2024-03-25"}}},
		"tabs and CR alone":     {"courriel\tnom\tlangue\rmarie@example.org\tMarie Durand\tFR\r", []shown{marie}},
		"windows-1252":          {"email;nom\njerome@example.org;J\xe9r\xf4me L\x9cuvre \x80\n", []shown{{"jerome@example.org", "Jérôme Lœuvre €", "", "confirmed", "2026-11-23"}}},
		"both encodings pasted": {"email;nom\na@example.org;J\xe9r\xf4me\nb@example.org;Jérôme\n", []shown{{"a@example.org", "Jérôme", "", "confirmed", "2026-11-23"}, {"b@example.org", "Jérôme", "", "confirmed", "2026-11-23"}}},
		"UTF-16 from Excel":     {inUTF16("email\tnom\nzoe@example.org\tZoé 🗞\n"), []shown{{"zoe@example.org", "Zoé 🗞", "", "confirmed", "2026-11-23"}}},
		"quotes":                {"email,name\n\"marie@example.org\",\"Durand, \"\"Marie\"\"\"\n", []shown{{"marie@example.org", "Durand, \"Marie\"", "", "confirmed", "2026-11-23"}}},
		"a line end in quotes":  {"email,name\nmarie@example.org,\"Marie\nDurand\"\nb@example.org,B\n", []shown{{"marie@example.org", "Marie Durand", "", "confirmed", "2026-11-23"}, {"b@example.org", "B", "", "confirmed", "2026-11-23"}}},
		"Excel names delimiter": {"sep=;\nemail;name\nmarie@example.org;a, b\n", []shown{{"marie@example.org", "a, b", "", "confirmed", "2026-11-23"}}},
		"one column":            {"Email\nmarie@example.org\n\n\nb@example.org", []shown{{"marie@example.org", "", "", "confirmed", "2026-11-23"}, {"b@example.org", "", "", "confirmed", "2026-11-23"}}},
		"columns we don't know": {"id,email,score\n1,marie@example.org,7\n", []shown{{"marie@example.org", "", "", "confirmed", "2026-11-23"}}},
		"short and padded rows": {"email,name,language\nmarie@example.org\nb@example.org,B,fr,,,\n", []shown{{"marie@example.org", "", "", "confirmed", "2026-11-23"}, {"b@example.org", "B", "fr", "confirmed", "2026-11-23"}}},
		"statuses of other tools": {"email,status\na@example.org,enabled\nb@example.org,désabonné\nc@example.org,pending\nd@example.org,cleaned\n", []shown{
			{"a@example.org", "", "", "confirmed", "2026-11-23"}, {"b@example.org", "", "", "unsubscribed", "2026-11-23"},
			{"c@example.org", "", "", "unconfirmed", "2026-11-23"}, {"d@example.org", "", "", "unsubscribed", "2026-11-23"}}},
		"domains in any case and script": {"email\nMarie@EXAMPLE.org\nb@xn--exmple-cua.org\n", []shown{
			{"Marie@example.org", "", "", "confirmed", "2026-11-23"}, {"b@exämple.org", "", "", "confirmed", "2026-11-23"}}},
		"the last name counts": {"email\na@example.org\nb@example.org\nA@Example.ORG\n", []shown{
			{"a@example.org", "", "", "confirmed", "2026-11-23"}, {"b@example.org", "", "", "confirmed", "2026-11-23"}}},
		"a no outweighs a yes": {"email,status\na@example.org,confirmed\nA@example.org,unsubscribed\n", []shown{
			{"a@example.org", "", "", "unsubscribed", "2026-11-23"}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			report, err := service(m).Import(context.Background(), strings.NewReader(test.file), audience.ImportOptions{List: "lecteurs", Source: "readers.csv"})
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Invalid) > 0 {
				t.Errorf("refused rows: %+v", report.Invalid)
			}
			if diff := cmp.Diff(test.want, m.shown("lecteurs")); diff != "" {
				t.Errorf("readers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImportRefusesRowsNotFiles(t *testing.T) {
	file := strings.Join([]string{
		"email,name,status,date",                       // 1
		"not an address,X,,",                           // 2
		"a@example.org,A,,",                            // 3
		"\"b@example.org\r\nBcc: x@y.fr\",B,,",         // 4, 5
		"c@example.org,C,perhaps,",                     // 6
		"d@example.org,D,,2026-99-99",                  // 7
		"e@example.org,E,,,,extra",                     // 8
		"f@nodot,F,,",                                  // 9
		"g@example.org," + strings.Repeat("x", 70_000), // 10
		"h@example.org,\"never closed",                 // 11
		"i@example.org,I,,",                            // 12
		"j@example.org,J,,2030-01-01",                  // 13
		"x@example.org;y@example.org,X,,",              // 14
		"=cmd|'/c calc'!A1,X,,",                        // 15
		"k@example.org,\x1b[31mK\x00,,",                // 16
	}, "\n") + "\n"
	m := newMemory()
	report, err := service(m).Import(context.Background(), strings.NewReader(file), audience.ImportOptions{List: "lecteurs"})
	if err != nil {
		t.Fatal(err)
	}
	want := []audience.RowError{
		{2, "not an address", "space in address"},
		{4, "b@example.org Bcc: x@y.fr", "control character in address"},
		{6, "perhaps", "unknown status"},
		{7, "2026-99-99", "unreadable date: write 2026-03-25 or 25/03/2026"},
		{8, "e@example.org", "more cells than columns"},
		{9, "f@nodot", "domain without a dot"},
		{10, "", "line longer than 64 KiB"},
		{11, "", "quote that is never closed"},
		{13, "2030-01-01", "impossible date"},
		{14, "x@example.org;y@example.org", "character not allowed before the @"},
		{15, "=cmd|'/c calc'!A1", "space in address"},
	}
	if diff := cmp.Diff(want, report.Invalid); diff != "" {
		t.Errorf("refused rows (-want +got):\n%s", diff)
	}
	var names []string
	for _, p := range m.shown("lecteurs") {
		names = append(names, p.Email+" "+p.Name)
	}
	if diff := cmp.Diff([]string{"a@example.org A", "i@example.org I", "k@example.org [31mK"}, names); diff != "" {
		t.Errorf("readers (-want +got):\n%s", diff)
	}
	if got := report.Added + report.Updated + report.Kept + report.Unchanged + report.Duplicates + report.Refused; got != report.Rows {
		t.Errorf("%d rows, %d accounted for: %+v", report.Rows, got, report)
	}
}

func TestImportRefusesFiles(t *testing.T) {
	for name, test := range map[string]struct{ file, hint string }{
		"empty":            {"", "email,name"},
		"blank":            {"\n \n\r\n", "email,name"},
		"no e-mail column": {"name,phone\nMarie,1\n", "courriel"},
		"no header":        {"marie@example.org,Marie\n", "put a line above"},
		"a spreadsheet":    {"PK\x03\x04\x14\x00", "as CSV"},
		"binary":           {"\x00\x01\x02", "as CSV"},
		"one endless line": {strings.Repeat("email,", 20_000), "as CSV"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			_, err := service(m).Import(context.Background(), strings.NewReader(test.file), audience.ImportOptions{List: "lecteurs", Source: "readers.csv"})
			if publisher.KindOf(err) != publisher.Invalid || err == nil || !strings.Contains(publisher.HintOf(err), test.hint) {
				t.Errorf("error %v of kind %v, hint %q", err, publisher.KindOf(err), publisher.HintOf(err))
			}
			if m.writes != 0 {
				t.Errorf("%d writes", m.writes)
			}
		})
	}
	if _, err := service(newMemory()).Import(context.Background(), strings.NewReader("email\n"), audience.ImportOptions{}); publisher.KindOf(err) != publisher.Invalid || err == nil {
		t.Errorf("without a list: %v", err)
	}
}

func TestImportAgainBringsNobodyBack(t *testing.T) {
	ctx := context.Background()
	m := newMemory()
	s := service(m)
	file := "email,name\na@example.org,A\nb@example.org,B\nc@example.org,C\n"
	load := func(file string, dry bool) audience.ImportReport {
		t.Helper()
		r, err := s.Import(ctx, strings.NewReader(file), audience.ImportOptions{List: "lecteurs", Source: "readers.csv", DryRun: dry})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got, want := load(file, true), (audience.ImportReport{Rows: 3, Added: 3}); !cmp.Equal(got, want) || m.writes != 0 {
		t.Errorf("dry run: %+v with %d writes", got, m.writes)
	}
	if got, want := load(file, false), (audience.ImportReport{Rows: 3, Added: 3}); !cmp.Equal(got, want) {
		t.Errorf("first import: %+v", got)
	}
	tokens := map[string]bool{}
	for _, p := range m.people {
		tokens[p.Token] = len(p.Token) == 26
	}
	if len(tokens) != 3 || tokens[""] {
		t.Errorf("tokens %v", tokens)
	}
	if got, want := load(file, false), (audience.ImportReport{Rows: 3, Unchanged: 3}); !cmp.Equal(got, want) {
		t.Errorf("second import: %+v", got)
	}
	if changed, err := s.Leave(ctx, m.people[0].Token, "", "one-click"); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if err := s.Remove(ctx, "B@EXAMPLE.org"); err != nil {
		t.Fatal(err)
	}
	again := strings.Replace(file, ",C", ",Camille", 1)
	for _, dry := range []bool{true, false} {
		if got, want := load(again, dry), (audience.ImportReport{Rows: 3, Updated: 1, Kept: 2}); !cmp.Equal(got, want) {
			t.Errorf("after leaving and removal, dry run %v: %+v", dry, got)
		}
	}
	want := []shown{{"a@example.org", "A", "", "unsubscribed", "2026-11-23"}, {"c@example.org", "Camille", "", "confirmed", "2026-11-23"}}
	if diff := cmp.Diff(want, m.shown("lecteurs")); diff != "" {
		t.Errorf("readers (-want +got):\n%s", diff)
	}
	if got := m.people[1].on[0].Consent; got != "import readers.csv" {
		t.Errorf("consent %q", got)
	}
}

func TestImportGoesInBatches(t *testing.T) {
	var file bytes.Buffer
	file.WriteString("email\n")
	for i := range 2500 {
		fmt.Fprintf(&file, "reader%d@example.org\n", i)
	}
	m := newMemory()
	report, err := service(m).Import(context.Background(), &file, audience.ImportOptions{List: "lecteurs"})
	if err != nil || report.Added != 2500 || m.writes != 3 {
		t.Errorf("%+v in %d writes: %v", report, m.writes, err)
	}
}

func TestImportReportsFailures(t *testing.T) {
	broken := &publisher.Error{Kind: publisher.Busy, Op: "write readers", Err: errors.New("disk full")}
	m := newMemory()
	m.fail = broken
	if _, err := service(m).Import(context.Background(), strings.NewReader("email\na@example.org\n"), audience.ImportOptions{List: "l"}); !errors.Is(err, broken) {
		t.Errorf("store's failure came as %v", err)
	}
	cut := io.MultiReader(strings.NewReader("email\na@example.org\nb@exam"), failing{})
	if _, err := service(newMemory()).Import(context.Background(), cut, audience.ImportOptions{List: "l"}); !errors.Is(err, errCut) {
		t.Errorf("reader's failure came as %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m = newMemory()
	if _, err := service(m).Import(ctx, strings.NewReader("email\na@example.org\n"), audience.ImportOptions{List: "l"}); !errors.Is(err, context.Canceled) || m.writes > 0 {
		t.Errorf("cancelled import gave %v", err)
	}
}

var errCut = errors.New("connection cut")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errCut }

func inUTF16(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func FuzzImport(f *testing.F) {
	f.Add([]byte("email,name\na@example.org,\"A\nB\"\n"))
	f.Add([]byte("\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00"))
	f.Add([]byte("sep=;\ncourriel;nom\n\"a@example.org\";\"\"\"\"\n"))
	f.Add([]byte("email;statut;date\na@b.fr;abonné;01/02/2020\r\"\r\"\r"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m := newMemory()
		report, err := service(m).Import(context.Background(), bytes.NewReader(file), audience.ImportOptions{List: "l"})
		if err != nil && publisher.KindOf(err) != publisher.Invalid {
			t.Fatalf("kind %v: %v", publisher.KindOf(err), err)
		}
		if got := report.Added + report.Updated + report.Kept + report.Unchanged + report.Duplicates + report.Refused; got != report.Rows {
			t.Errorf("%d rows, %d accounted for: %+v", report.Rows, got, report)
		}
		for _, p := range m.people {
			if again, err := audience.Address(p.Email); err != nil || again != p.Email {
				t.Errorf("stored %q, which reads as %q (%v)", p.Email, again, err)
			}
			if !utf8.ValidString(p.Name) || strings.ContainsAny(p.Name, "\r\n\x00") {
				t.Errorf("stored name %q", p.Name)
			}
		}
	})
}
