package mailbox_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/mail/mailbox"
)

// scripted answers one connection as a server would that has something wrong with it.
func scripted(t *testing.T, serve func(conn net.Conn, in *bufio.Reader)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn, bufio.NewReader(conn))
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).Port
}

// A message that a POP3 server refuses to give out keeps no other from being taken
// away, for which the session has to end well.
func TestRefusedMessage(t *testing.T) {
	var gone []string
	quit := false
	port := scripted(t, func(conn net.Conn, in *bufio.Reader) {
		fmt.Fprint(conn, "+OK\r\n")
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			verb, n, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch verb {
			case "LIST":
				fmt.Fprint(conn, "+OK\r\n1 10\r\n2 10\r\n3 10\r\n.\r\n")
			case "RETR":
				if n == "2" {
					fmt.Fprint(conn, "-ERR [SYS/PERM] damaged\r\n")
				} else {
					fmt.Fprintf(conn, "+OK\r\nSubject: %s\r\n\r\n.\r\n", n)
				}
			case "DELE":
				gone = append(gone, n)
				fmt.Fprint(conn, "+OK\r\n")
			case "QUIT":
				quit = true
				fmt.Fprint(conn, "+OK\r\n")
				return
			default:
				fmt.Fprint(conn, "+OK\r\n")
			}
		}
	})
	c := mailbox.Config{Protocol: "pop3", Host: "127.0.0.1", Port: port, Security: "none", User: "u", Password: "p"}
	r, err := mailbox.Empty(t.Context(), c, func(context.Context, []byte) (mailbox.Fate, error) { return mailbox.Remove, nil })
	if err == nil || publisher.KindOf(err) != publisher.Busy || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	if r.Seen != 2 || r.Removed != 2 || strings.Join(gone, " ") != "1 3" || !quit {
		t.Errorf("removed %v, ended well %v: %+v", gone, quit, r)
	}
}

// A server that says nothing, or nothing more, is not waited for.
func TestSilentServer(t *testing.T) {
	for name, greeting := range map[string]string{"imap": "", "imap then silent": "* OK ready\r\n", "pop3": "", "pop3 then silent": "+OK\r\n"} {
		t.Run(name, func(t *testing.T) {
			protocol, _, _ := strings.Cut(name, " ")
			port := scripted(t, func(conn net.Conn, in *bufio.Reader) {
				fmt.Fprint(conn, greeting)
				for {
					if _, err := in.ReadByte(); err != nil {
						return
					}
				}
			})
			c := mailbox.Config{Protocol: protocol, Host: "127.0.0.1", Port: port, Security: "none", User: "u", Password: "p", Timeout: 300 * time.Millisecond}
			began := time.Now()
			_, err := mailbox.Empty(t.Context(), c, func(context.Context, []byte) (mailbox.Fate, error) { return mailbox.Remove, nil })
			if err == nil || publisher.KindOf(err) != publisher.Busy {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
