package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/rogpeppe/go-internal/testscript"
)

// printedRecords reads the records that `dkim new -o json` printed, by name.
func printedRecords(ts *testscript.TestScript, file string) map[string]string {
	var printed struct {
		Records []struct{ Name, Value string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &printed))
	records := map[string]string{}
	for _, r := range printed.Records {
		records[r.Name] = r.Value
	}
	return records
}

// mode OCTAL FILE wants a file to have exactly these rights.
func fileMode(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%#o", info.Mode().Perm()); got != args[0] && runtime.GOOS != "windows" {
		ts.Fatalf("%s has the rights %s, want %s", args[1], got, args[0])
	}
}

// verifies FILE N wants N valid signatures on every mail in the sandbox, with the
// records in FILE as the DNS.
func verifies(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: verifies FILE N")
	}
	records := printedRecords(ts, args[0])
	mails := arrivedMails(ts)
	if len(mails) == 0 {
		ts.Fatalf("no mail arrived at all")
	}
	for _, raw := range mails {
		found, err := dkim.VerifyWithOptions(strings.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
			if r, ok := records[name]; ok {
				return []string{r}, nil
			}
			return nil, &net.DNSError{Name: name, IsNotFound: true}
		}})
		ts.Check(err)
		for _, v := range found {
			if v.Err != nil {
				ts.Fatalf("signature of %s: %v in:\n%s", v.Domain, v.Err, raw)
			}
		}
		if fmt.Sprint(len(found)) != args[1] {
			ts.Fatalf("%d signatures, want %s", len(found), args[1])
		}
	}
}
