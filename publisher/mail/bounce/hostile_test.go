package bounce_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"crieur/publisher/mail/bounce"
)

// What is made to hurt is read in a moment, and counts for nothing or for little.
func TestHostileReports(t *testing.T) {
	nested := strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 20000)
	var groups strings.Builder
	for i := range 50000 {
		fmt.Fprintf(&groups, "Final-Recipient: rfc822; r%d@example.org\nAction: failed\nStatus: 5.1.1\n\n", i)
	}
	report := "From: MAILER-DAEMON@x.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
	for name, c := range map[string]struct {
		message string
		most    int
	}{
		"empty":                  {"", 0},
		"binary":                 {strings.Repeat("\x00\xff\xfe\x80", 5000), 0},
		"no end of header":       {strings.Repeat("a", 3<<20), 0},
		"nested parts":           {"From: MAILER-DAEMON@x.example\n" + nested, 0},
		"nested messages":        {strings.Repeat("Content-Type: message/rfc822\n\n", 30000), 0},
		"many recipients":        {report + groups.String(), 101},
		"many parts":             {"From: MAILER-DAEMON@x.example\nContent-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nuser unknown\n", 50000), 1},
		"endless header line":    {"From: MAILER-DAEMON@x.example\nSubject: " + strings.Repeat("=?utf-8?q?=C3?=", 50000) + "\n\n550 5.1.1 unknown", 1},
		"many addresses":         {"From: MAILER-DAEMON@x.example\nTo: " + strings.Repeat("a@example.org, ", 60000) + "\n\n550 5.1.1 unknown", 1},
		"no boundary":            {"From: MAILER-DAEMON@x.example\nContent-Type: multipart/report\n\n550 5.1.1 unknown", 1},
		"field without end":      {report + "Final-Recipient: rfc822; a@example.org\nAction: failed\nDiagnostic-Code: " + strings.Repeat("x\n ", 200000), 1},
		"base64 that is none":    {"From: MAILER-DAEMON@x.example\nContent-Transfer-Encoding: base64\n\n" + strings.Repeat("!!!!", 10000), 1},
		"page without an end":    {"From: MAILER-DAEMON@x.example\nContent-Type: text/html\n\n" + strings.Repeat("<script><table><td>", 50000), 1},
		"control characters":     {"From: MAILER-DAEMON@x.example\nSubject: Undeliverable\n\n550 5.1.1 \x1b[31mred\x07 user\u2028unknown\x00", 1},
		"an address that paints": {report + "Final-Recipient: rfc822; a\x1b[2J\x07@example.org\nAction: failed\nStatus: 5.1.1\n", 1},
		"status out of bounds":   {report + "Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 99999999999999999999.1.1\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			r := bounce.Parse([]byte(c.message), noon)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			if len(r.Returns) > c.most {
				t.Errorf("%d returns, want at most %d", len(r.Returns), c.most)
			}
			sound(t, r)
		})
	}
}

// sound holds a report to what its users rely on.
func sound(t *testing.T, r bounce.Report) {
	t.Helper()
	if len(r.Returns) == 0 && r.Why == "" {
		t.Error("nothing, and no reason")
	}
	for _, x := range r.Returns {
		for _, s := range []string{x.Words, x.Remote, x.Recipient} {
			if !utf8.ValidString(s) || strings.IndexFunc(s, unicode.IsControl) >= 0 || utf8.RuneCountInString(s) > 501 {
				t.Errorf("words that cannot be shown: %.80q", s)
			}
		}
		if x.Code != 0 && (x.Code < 400 || x.Code > 599) {
			t.Errorf("code %d", x.Code)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) { sound(t, bounce.Parse(raw, noon)) })
}
