package mail_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"testing"

	"crieur/publisher/mail"
)

// others runs testdata/verify.py on mails and gives what it found for each.
func others(t *testing.T, mails [][]byte, command ...string) [][]bool {
	t.Helper()
	task, err := json.Marshal(map[string]any{"txt": zone(), "mails": mails})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(command[0], command[1:]...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(task), &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, errs.String())
	}
	var found [][]bool
	if err := json.Unmarshal(out.Bytes(), &found); err != nil || len(found) != len(mails) {
		t.Fatalf("%d answers to %d mails, error %v\n%s", len(found), len(mails), err, errs.String())
	}
	return found
}

// missing fails a test whose programs are not installed.
func missing(t *testing.T, what string) {
	t.Helper()
	t.Fatalf("%s; sh .ci/deps installs what is missing", what)
}

const python = "/usr/bin/python3" // Debian's own, for which its packages are

func TestDkimpyAgrees(t *testing.T) {
	if err := exec.Command(python, "-c", "import dkim, nacl").Run(); err != nil {
		missing(t, "dkimpy and PyNaCl are not installed")
	}
	all := awkward()
	names := slices.Sorted(maps.Keys(all))
	var mails [][]byte
	for _, name := range names {
		mails = append(mails, signed(t, all[name], allDomains()...))
	}
	// It must be able to say no.
	mails = append(mails, bytes.Replace(mails[0], []byte("\r\nSubject:"), []byte("\r\nSubject: x"), 1))
	found := others(t, mails, python, "testdata/verify.py", "dkimpy")
	for i, name := range names {
		if !slices.Equal(found[i], []bool{true, true}) {
			t.Errorf("%s: signatures valid: %v in:\n%.3000s", name, found[i], mails[i])
		}
	}
	if !slices.Equal(found[len(names)], []bool{false, false}) {
		t.Errorf("a changed mail: signatures valid: %v", found[len(names)])
	}
}

func TestOpenDKIMAgrees(t *testing.T) {
	if _, err := exec.LookPath("opendkim-testmsg"); err != nil {
		missing(t, "opendkim-testmsg is not installed")
	}
	if out, err := exec.Command("unshare", "-mn", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		missing(t, "a network namespace cannot be had here: "+string(out))
	}
	all := awkward()
	names := slices.Sorted(maps.Keys(all))
	var mails [][]byte
	for _, name := range names {
		// It is content with one valid signature of two, so each stands alone.
		mails = append(mails, signed(t, all[name], allDomains(keyRSA())...), signed(t, all[name], allDomains(keyEd25519())...))
	}
	mails = append(mails, bytes.Replace(mails[0], []byte("\r\nSubject:"), []byte("\r\nSubject: x"), 1))
	found := others(t, mails, "unshare", "-mn", python, "testdata/verify.py", "opendkim")
	for i, name := range names {
		for j, key := range []mail.DKIMKey{keyRSA(), keyEd25519()} {
			if !found[2*i+j][0] {
				t.Errorf("%s, %s: not valid:\n%.3000s", name, key.Algorithm(), mails[2*i+j])
			}
		}
	}
	if found[len(mails)-1][0] {
		t.Error("a changed mail is valid")
	}
}
