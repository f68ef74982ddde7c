package mail_test

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"crieur/publisher/mail"
)

func TestReadReply(t *testing.T) {
	for in, want := range map[string]string{
		"250 2.0.0 ok\r\n": "250|2.0.0|ok",
		"250\r\n":          "250||",
		"250 ok\n":         "250||ok",
		"550-5.1.1 no such\r\n550 5.1.1 mailbox\r\n": "550|5.1.1|no such mailbox",
		"550-no such\r\n550-\r\n550 mailbox\r\n":     "550||no such mailbox",
		"550 4.1.1 class of another code\r\n":        "550||4.1.1 class of another code",
		"550 5.1 short\r\n":                          "550||5.1 short",
		"550 5.01.1 padded\r\n":                      "550||5.01.1 padded",
		"550 5.1.1\r\n":                              "550|5.1.1|",
		"550 5.7.1 \x1b[31mred\x00\x7f \xff\r\n":     "550|5.7.1|[31mred \ufffd",
		"":                                           "error",
		"25\r\n":                                     "error",
		"650 ok\r\n":                                 "error",
		"250_ok\r\n":                                 "error",
		"250-a\r\n550 b\r\n":                         "error",
		"250-a\r\n":                                  "error",
		"250 no end":                                 "error",
		strings.Repeat("250-a\r\n", 1000):            "error",
		"250 " + strings.Repeat("a", 5000) + "\r\n":  "error",
	} {
		code, enhanced, text, err := mail.ReadReply(bufio.NewReaderSize(strings.NewReader(in), 4096))
		got := fmt.Sprintf("%d|%s|%s", code, enhanced, text)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%.40q reads as %s, want %s", in, got, want)
		}
	}
}

func FuzzReadReply(f *testing.F) {
	f.Add("550-5.1.1 a\r\n550 5.1.1 b\r\n")
	f.Add("250\n")
	f.Fuzz(func(t *testing.T, in string) {
		code, _, text, err := mail.ReadReply(bufio.NewReader(strings.NewReader(in)))
		if err != nil {
			return
		}
		if code < 200 || code > 599 {
			t.Errorf("code %d", code)
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00\x1b") || utf8.RuneCountInString(text) > 300 {
			t.Errorf("text %q", text)
		}
	})
}

func TestClassify(t *testing.T) {
	for reply, want := range map[string]mail.Class{
		"250 2.0.0": mail.ClassNone,
		"421 ":      mail.ClassTemporary, "450 4.7.1": mail.ClassTemporary, "452 4.2.2": mail.ClassFull, "451 4.3.0": mail.ClassTemporary,
		"550 5.1.1": mail.ClassAddress, "550 5.1.2": mail.ClassAddress, "550 5.1.10": mail.ClassAddress, "550 5.2.1": mail.ClassAddress,
		"551 5.1.6": mail.ClassAddress, "550 ": mail.ClassAddress, "553 ": mail.ClassAddress, "556 ": mail.ClassAddress, "550 5.0.0": mail.ClassAddress,
		"550 5.4.4": mail.ClassAddress,
		"552 5.2.2": mail.ClassFull, "552 ": mail.ClassFull,
		"552 5.3.4": mail.ClassMessage, "554 5.6.0": mail.ClassMessage, "552 5.2.3": mail.ClassMessage,
		"553 5.1.8": mail.ClassSender, "550 5.1.7": mail.ClassSender, "550 5.7.27": mail.ClassSender,
		"550 5.7.17": mail.ClassAddress, "550 5.7.18": mail.ClassAddress, "535 5.7.9": mail.ClassLogin, "554 5.7.8": mail.ClassLogin,
		"530 5.7.0": mail.ClassLogin, "535 5.7.8": mail.ClassLogin, "534 ": mail.ClassLogin, "538 ": mail.ClassLogin,
		"550 5.7.1": mail.ClassPolicy, "550 5.7.26": mail.ClassPolicy, "550 5.7.515": mail.ClassPolicy, "554 5.7.1": mail.ClassPolicy,
		"554 ": mail.ClassOther, "500 5.5.1": mail.ClassOther, "554 5.3.0": mail.ClassOther,
	} {
		var code int
		var enhanced string
		_, _ = fmt.Sscanf(reply, "%d %s", &code, &enhanced)
		if got := mail.Classify(code, enhanced); got != want {
			t.Errorf("%s is of class %v, want %v", reply, got, want)
		}
	}
}
