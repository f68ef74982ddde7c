package doctor

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// unsigned tells of a sender that crieur has no key for.
func unsigned(s Sender) Finding {
	return Finding{About: s.Domain, Check: "dkim"}.warn("its mails leave crieur unsigned",
		"crieur dkim new "+s.Domain+" makes keys; leave it so if your relay signs for "+s.Domain)
}

// dkim holds the record in DNS against the key in hand (RFC 6376 §3.6.1).
func (e *exam) dkim(ctx context.Context, k Key) Finding {
	want, _ := readTags(k.Record.Value)
	f := Finding{About: k.Domain, Check: "dkim", Status: OK}
	key := fmt.Sprintf("%s (%s)", k.Selector, want["k"])
	list, err := e.texts(ctx, k.Record.Name)
	if err != nil {
		return f.warn(key+": "+unanswered(k.Record.Name, err), "")
	}
	f.Records = []Record{k.Record}
	switch len(list) {
	case 0:
		return f.bad(key+": DNS has no key at "+k.Record.Name, "add the record; DNS may take hours to show it everywhere")
	case 1:
	default:
		return f.bad(fmt.Sprintf("%s: %d TXT records stand at %s", key, len(list), k.Record.Name),
			"leave this one and remove the others; other keys need selectors of their own")
	}
	got, why := keyProblem(list[0], want)
	if why != "" {
		return f.bad(key+": "+why, "put this record in its place")
	}
	if slices.Contains(strings.FieldsFunc(got["t"], func(r rune) bool { return r == ':' || r == ' ' }), "y") {
		return f.warn(key+": DNS has the key in hand, and says that it is being tested (t=y)", "put this record in its place: for some, signatures count for nothing until then")
	}
	f.What, f.Records = key+": DNS has the key in hand", nil
	return f
}

// keyProblem says why a record is not that of the key wanted; "" where it is.
func keyProblem(record string, want map[string]string) (got map[string]string, why string) {
	got, ok := readTags(record)
	if !ok || got["v"] != "" && got["v"] != "DKIM1" {
		return got, "what DNS has is no DKIM record"
	}
	kind := strings.ToLower(got["k"])
	if kind == "" {
		kind = "rsa"
	}
	held, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(got["p"]), ""))
	wanted, _ := base64.StdEncoding.DecodeString(want["p"])
	switch {
	case got["p"] == "":
		return got, "the key in DNS is revoked (p= is empty)"
	case err != nil:
		return got, "the key in DNS is damaged; a part of it may be missing"
	case kind != want["k"]:
		return got, "DNS has a key of another kind"
	case !bytes.Equal(held, wanted):
		return got, "DNS has another key"
	case !listed(got["h"], "sha256"):
		return got, "the record does not allow SHA-256 (h=)"
	case !listed(got["s"], "email"):
		return got, "the record is not for mail (s=)"
	}
	return got, ""
}
