package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"crieur/publisher/mail/mailbox/mailboxtest"
)

// bounced KIND ADDRESS FILE writes the report that a mail server would send about the
// newest mail that reached ADDRESS: to the mail's envelope sender, with the mail's
// header. KIND is unknown, full, policy, delayed, complaint or forged.
func bounced(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: bounced KIND ADDRESS FILE")
	}
	from, head := newestTo(ts, args[1])
	status, action, words := "5.1.1", "failed", "550 5.1.1 <"+args[1]+">: no such user here"
	switch args[0] {
	case "unknown", "complaint":
	case "full":
		status, words = "5.2.2", "552 5.2.2 mailbox full"
	case "policy":
		status, words = "5.7.1", "550 5.7.1 we do not like your network"
	case "delayed":
		status, action, words = "4.4.1", "delayed", "connection timed out"
	case "forged":
		local, domain, _ := strings.Cut(from, "@")
		stem, token, ok := strings.Cut(local, "+")
		if !ok {
			ts.Fatalf("envelope sender %s has no token", from)
		}
		// The letters of another token, and nothing in the mail's header that proves anything.
		from, head = stem+"+"+token[1:]+token[:1]+"@"+domain, "Subject: none\n"
	default:
		ts.Fatalf("no kind %q", args[0])
	}
	report := "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n" +
		fmt.Sprintf("Final-Recipient: rfc822; %s\nAction: %s\nStatus: %s\nDiagnostic-Code: smtp; %s\n", args[1], action, status, words)
	if args[0] == "complaint" {
		report = "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Test/1\nVersion: 1\n"
	}
	text := fmt.Sprintf("Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: <%s>\nSubject: Undelivered Mail Returned to Sender\n"+
		"MIME-Version: 1.0\nContent-Type: multipart/report; boundary=b\n\n--b\n\nSorry.\n\n--b\n%s\n--b\nContent-Type: message/rfc822\n\n%s\nbody\n--b--\n", from, report, head)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o644))
}

// newestTo gives envelope sender and header of the newest mail to an address.
func newestTo(ts *testscript.TestScript, to string) (from, head string) {
	var list []struct {
		From string `json:"from"`
		To   string `json:"to"`
		ID   int64  `json:"id"`
		Raw  string `json:"raw"`
	}
	base := "http://" + ts.Getenv("CRIEUR_SANDBOX_LISTEN")
	ts.Check(json.Unmarshal(get(ts, base+"/sandbox/mails.json"), &list))
	newest := int64(-1)
	for _, m := range list {
		if m.To == to && m.ID > newest {
			raw := string(get(ts, base+m.Raw))
			if _, err := mail.ReadMessage(strings.NewReader(raw)); err != nil {
				ts.Fatalf("%v", err)
			}
			from, newest = m.From, m.ID
			head, _, _ = strings.Cut(raw, "\r\n\r\n")
		}
	}
	if newest < 0 {
		ts.Fatalf("no mail to %s arrived", to)
	}
	return from, head + "\r\n"
}

// mailbox starts a real IMAP and POP3 server, and configures its mailbox with the
// protocol named; mailbox deliver FILE… puts messages into it.
func mailboxOf() func(*testscript.TestScript, bool, []string) {
	var mu sync.Mutex
	servers := map[string]*mailboxtest.Server{} // by the script's folder
	return func(ts *testscript.TestScript, _ bool, args []string) {
		mu.Lock()
		defer mu.Unlock()
		home := ts.Getenv("WORK")
		d := servers[home]
		if d == nil {
			var err error
			d, err = mailboxtest.Start()
			ts.Check(err)
			servers[home] = d
			ts.Defer(func() { ts.Check(d.Stop()) })
		}
		switch args[0] {
		case "imap", "pop3":
			for name, value := range map[string]string{"PROTOCOL": args[0], "HOST": "127.0.0.1", "PORT": fmt.Sprint(d.Ports[args[0]]), "SECURITY": "none",
				"USER": mailboxtest.User, "PASSWORD": mailboxtest.Password} {
				ts.Setenv("CRIEUR_RETURNS_MAILBOX_"+name, value)
			}
		case "deliver":
			for _, name := range args[1:] {
				ts.Check(d.Deliver(ts.ReadFile(name)))
			}
		default:
			ts.Fatalf("usage: mailbox imap|pop3, mailbox deliver FILE…")
		}
	}
}

// hook EVENT ADDRESS STATUS has Mailgun report on the newest mail to ADDRESS, signed
// with the key "mailgun-key", and wants this HTTP status. EVENT is failed or complained;
// forged is a failed one signed with another key.
func hook(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: hook EVENT ADDRESS STATUS")
	}
	from, head := newestTo(ts, args[1])
	m, err := mail.ReadMessage(strings.NewReader(head + "\r\n"))
	ts.Check(err)
	key, event := "mailgun-key", args[0]
	if event == "forged" {
		key, event = "another-key", "failed"
	}
	stamp, token := fmt.Sprint(time.Now().Unix()), fmt.Sprintf("%050d", time.Now().UnixNano())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + token))
	body, err := json.Marshal(map[string]any{
		"signature": map[string]string{"timestamp": stamp, "token": token, "signature": hex.EncodeToString(mac.Sum(nil))},
		"event-data": map[string]any{"event": event, "severity": "permanent", "recipient": args[1], "envelope": map[string]string{"sender": from},
			"delivery-status": map[string]any{"code": 550, "message": "5.1.1 no such user"},
			"message":         map[string]any{"headers": map[string]string{"message-id": strings.Trim(m.Header.Get("Message-ID"), "<>")}}},
	})
	ts.Check(err)
	res, err := http.Post("http://"+ts.Getenv("CRIEUR_SERVER_LISTEN")+"/hooks/mailgun", "application/json", bytes.NewReader(body))
	ts.Check(err)
	defer res.Body.Close()
	if fmt.Sprint(res.StatusCode) != args[2] {
		ts.Fatalf("the webhook was answered with %s, want %s", res.Status, args[2])
	}
}
