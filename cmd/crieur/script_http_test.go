package main

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// json FILE PATH VALUE wants the value at a dotted path ("counts.accepted",
// "deliveries.len" for a length, "deliveries.0.state").
func jsonPath(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &v); err != nil {
		ts.Fatalf("%s is not one JSON value: %v", args[0], err)
	}
	for _, step := range strings.Split(args[1], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			if step == "len" {
				v = float64(len(x))
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				ts.Fatalf("no %s in %s", step, args[1])
			}
			v = x[i]
		default:
			v = nil
		}
	}
	got := fmt.Sprint(v)
	if f, ok := v.(float64); ok {
		got = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if ok := got == args[2]; ok == neg {
		ts.Fatalf("%s: got %s, want %s%s", args[1], got, map[bool]string{true: "anything but "}[neg], args[2])
	}
}

// issueof FILE CHANNEL NAME keeps the ID of a channel's issue in a variable.
func issueOf(ts *testscript.TestScript, _ bool, args []string) {
	var result struct {
		Deliveries []struct{ Issue, Channel string } `json:"deliveries"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &result))
	for _, d := range result.Deliveries {
		if d.Channel == args[1] {
			ts.Setenv(args[2], d.Issue)
			return
		}
	}
	ts.Fatalf("%s has no delivery of %s", args[0], args[1])
}

// arrivedMails reads the mails that the running sandbox has taken.
func arrivedMails(ts *testscript.TestScript) []string {
	var list []struct {
		To  string `json:"to"`
		Raw string `json:"raw"`
	}
	base := "http://" + ts.Getenv("CRIEUR_SANDBOX_LISTEN")
	ts.Check(json.Unmarshal(get(ts, base+"/sandbox/mails.json"), &list))
	var raw []string
	for _, m := range list {
		raw = append(raw, string(get(ts, base+m.Raw)))
	}
	return raw
}

func get(ts *testscript.TestScript, u string) []byte {
	res, err := http.Get(u)
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	if res.StatusCode >= 400 {
		ts.Fatalf("GET %s: %s", u, res.Status)
	}
	return data
}

// oneclick ADDRESS posts to the List-Unsubscribe address of the mail that reached
// ADDRESS, as Gmail does (RFC 8058): form-encoded, no cookie, no redirect followed.
func oneClick(ts *testscript.TestScript, _ bool, args []string) {
	for _, raw := range arrivedMails(ts) {
		m, err := mail.ReadMessage(strings.NewReader(raw))
		ts.Check(err)
		if !strings.Contains(m.Header.Get("To"), args[0]) {
			continue
		}
		if got := m.Header.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
			ts.Fatalf("List-Unsubscribe-Post: %q", got)
		}
		target := regexp.MustCompile(`<(https?://[^>]+)>`).FindStringSubmatch(m.Header.Get("List-Unsubscribe"))
		if target == nil {
			ts.Fatalf("no address in List-Unsubscribe: %q", m.Header.Get("List-Unsubscribe"))
		}
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Post(target[1], "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
		ts.Check(err)
		res.Body.Close()
		if res.StatusCode < 200 || res.StatusCode > 299 {
			ts.Fatalf("one-click POST: %s", res.Status)
		}
		return
	}
	ts.Fatalf("no mail to %s arrived", args[0])
}

var linkIn = regexp.MustCompile(`https?://(?:127\.0\.0\.1|localhost):[0-9]+[^\s"'<>)\]]*`)

// getall ADDRESS opens every link on this machine that the mail to ADDRESS holds,
// in body and headers, as scanners do.
func getAll(ts *testscript.TestScript, _ bool, args []string) {
	opened := 0
	for _, raw := range arrivedMails(ts) {
		m, err := mail.ReadMessage(strings.NewReader(raw))
		ts.Check(err)
		if !strings.Contains(m.Header.Get("To"), args[0]) {
			continue
		}
		body, err := io.ReadAll(m.Body)
		ts.Check(err)
		// Quoted-printable: soft breaks and escaped = signs are all that links meet.
		text := strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=").Replace(string(body))
		seen := map[string]bool{}
		for _, link := range linkIn.FindAllString(text+" "+m.Header.Get("List-Unsubscribe"), -1) {
			link = strings.ReplaceAll(strings.TrimRight(link, ".,;"), "&amp;", "&")
			if _, err := url.Parse(link); err != nil || seen[link] {
				continue
			}
			seen[link] = true
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				req, err := http.NewRequest(method, link, nil)
				ts.Check(err)
				res, err := http.DefaultClient.Do(req)
				ts.Check(err)
				res.Body.Close()
				if res.StatusCode >= 400 {
					ts.Fatalf("%s %s: %s", method, link, res.Status)
				}
			}
			opened++
		}
	}
	if opened < 3 {
		ts.Fatalf("only %d links were found in the mails to %s", opened, args[0])
	}
	ts.Logf("opened %d links", opened)
}

// linked ADDRESS PATTERN TEXT wants the page that a link matching PATTERN, in the mail
// to ADDRESS, leads to, to hold TEXT.
func linked(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	for _, raw := range arrivedMails(ts) {
		m, err := mail.ReadMessage(strings.NewReader(raw))
		ts.Check(err)
		if !strings.Contains(m.Header.Get("To"), args[0]) {
			continue
		}
		body, err := io.ReadAll(m.Body)
		ts.Check(err)
		for _, link := range linkIn.FindAllString(strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=").Replace(string(body)), -1) {
			if !pattern.MatchString(link) {
				continue
			}
			if page := string(get(ts, link)); !strings.Contains(page, args[2]) {
				ts.Fatalf("%s does not hold %q", link, args[2])
			}
			return
		}
	}
	ts.Fatalf("no mail to %s has a link like %s", args[0], args[1])
}

// waitfor URL waits until something answers there.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		res, err := http.Get(args[0])
		if err == nil {
			res.Body.Close()
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	ts.Fatalf("nothing answers at %s", args[0])
}

// noheader NAME wants no mail in the sandbox to have this header.
func noHeader(ts *testscript.TestScript, _ bool, args []string) {
	mails := arrivedMails(ts)
	if len(mails) == 0 {
		ts.Fatalf("no mail arrived at all")
	}
	for _, raw := range mails {
		m, err := mail.ReadMessage(strings.NewReader(raw))
		ts.Check(err)
		if v := m.Header.Get(args[0]); v != "" {
			ts.Fatalf("a mail has %s: %q", args[0], v)
		}
	}
}

// posts N wants exactly N posts in the sandbox whose text or card holds WORD.
func postsWith(ts *testscript.TestScript, _ bool, args []string) {
	var list []map[string]any
	ts.Check(json.Unmarshal(get(ts, "http://"+ts.Getenv("CRIEUR_SANDBOX_LISTEN")+"/sandbox/posts.json"), &list))
	n := 0
	for _, p := range list {
		if data, _ := json.Marshal(p); strings.Contains(strings.ToLower(string(data)), strings.ToLower(args[0])) {
			n++
		}
	}
	if fmt.Sprint(n) != args[1] {
		ts.Fatalf("%d posts hold %q, want %s", n, args[0], args[1])
	}
}

// appendto FILE MORE adds a file's text to another's end.
func appendTo(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	defer f.Close()
	_, err = f.WriteString(ts.ReadFile(args[1]))
	ts.Check(err)
}

// mailsFor gives the mails in the sandbox to an address, with soft breaks and encoded
// words undone.
func mailsFor(ts *testscript.TestScript, address string) []string {
	var found []string
	for _, raw := range arrivedMails(ts) {
		m, err := mail.ReadMessage(strings.NewReader(raw))
		ts.Check(err)
		if !strings.Contains(m.Header.Get("To"), address) {
			continue
		}
		var b strings.Builder
		for name, values := range m.Header {
			subject, err := new(mime.WordDecoder).DecodeHeader(strings.Join(values, " "))
			ts.Check(err)
			fmt.Fprintf(&b, "%s: %s\n", name, subject)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		ts.Check(err)
		found = append(found, b.String()+"\n"+string(body))
	}
	return found
}

// mails ADDRESS N wants exactly N mails to an address.
func mailsTo(ts *testscript.TestScript, _ bool, args []string) {
	if n := len(mailsFor(ts, args[0])); fmt.Sprint(n) != args[1] {
		ts.Fatalf("%d mails to %s, want %s", n, args[0], args[1])
	}
}

// mailholds ADDRESS PATTERN wants one of the mails to an address to match.
func mailHolds(ts *testscript.TestScript, neg bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + strings.ReplaceAll(args[1], " ", `\s+`))
	all := mailsFor(ts, args[0])
	for _, m := range all {
		if pattern.MatchString(strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(m)) {
			if neg {
				ts.Fatalf("a mail to %s matches %q:\n%s", args[0], args[1], m)
			}
			return
		}
	}
	if !neg {
		ts.Fatalf("none of %d mails to %s matches %q:\n%s", len(all), args[0], args[1], strings.Join(all, "\n---\n"))
	}
}

// press ADDRESS ACT TEXT presses a button of the page that the first proof to ADDRESS
// leads to, and wants the answer to hold TEXT.
func press(ts *testscript.TestScript, _ bool, args []string) {
	for _, m := range mailsFor(ts, args[0]) {
		link := regexp.MustCompile(`https?://[^\s"'<>]+/desk/[^\s"'<>?]+`).FindString(m)
		if link == "" {
			continue
		}
		res, err := http.PostForm(link, url.Values{"act": {args[1]}})
		ts.Check(err)
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		ts.Check(err)
		text := strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(string(page))
		if res.StatusCode != http.StatusOK || !strings.Contains(text, args[2]) {
			ts.Fatalf("%s: %s, without %q:\n%s", args[1], res.Status, args[2], text[strings.Index(text, "<main"):])
		}
		return
	}
	ts.Fatalf("no proof to %s", args[0])
}
