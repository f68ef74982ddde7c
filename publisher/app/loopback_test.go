package app

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
)

// In the sandbox no packet leaves the machine, whatever an address says.
func TestDialLoopback(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	c, err := dialLoopback(ctx, "tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("loopback is refused: %v", err)
	}
	c.Close()
	for name, address := range map[string]string{
		"public address":     "192.0.2.1:25",
		"public name":        "gazette.example:443",
		"public v6":          "[2001:db8::1]:80",
		"private":            "10.0.0.1:80",
		"link local":         "169.254.169.254:80",
		"unspecified":        "0.0.0.0:80",
		"mapped":             "[::ffff:192.0.2.1]:80",
		"loopback-like name": "127.0.0.1.nip.example:80",
		"no port":            "127.0.0.1",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			c, err := dialLoopback(ctx, "tcp", address)
			if err == nil {
				c.Close()
				t.Fatal("it was dialled")
			}
			if time.Since(start) > time.Second {
				t.Errorf("it took %v: something was tried", time.Since(start))
			}
			if name != "no port" && (publisher.HintOf(err) == "" || !strings.Contains(err.Error(), "sandbox")) {
				t.Errorf("got %v (%s)", err, publisher.HintOf(err))
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	for address, fine := range map[string]bool{
		"https://lettre.gazette.fr": true, "https://lettre.gazette.example/base": true, "https://203.0.113.5": true,
		"": false, "http://lettre.gazette.fr": false, "https://localhost": false, "https://127.0.0.1": false, "https://10.1.2.3": false,
		"https://[::1]": false, "https://intranet": false, "https://serveur.local": false, "lettre.gazette.fr": false,
	} {
		if got := unreachable(address) == ""; got != fine {
			t.Errorf("%q: reachable %v, want %v", address, got, fine)
		}
	}
}
