package main

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"crieur/publisher/doctor/dnstest"
)

// dns FILE [RECORDS.json] starts a DNS server at $DNS. FILE has a line "name TYPE
// value" for each record; RECORDS.json is what `dkim new -o json` printed. Whatever
// addresses this machine has, here.gazette.example is their name.
func dns(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: dns FILE [RECORDS.json]")
	}
	zone := dnstest.Zone{}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if f := strings.SplitN(strings.TrimSpace(line), " ", 3); len(f) == 3 {
			zone[f[0]+" "+f[1]] = append(zone[f[0]+" "+f[1]], f[2])
		}
	}
	local, err := net.InterfaceAddrs()
	ts.Check(err)
	for _, a := range local {
		if n, ok := a.(*net.IPNet); ok {
			ip, _ := netip.AddrFromSlice(n.IP)
			kind := "A"
			if ip = ip.Unmap(); ip.Is6() {
				kind = "AAAA"
			}
			zone["here.gazette.example "+kind] = append(zone["here.gazette.example "+kind], ip.String())
			zone[dnstest.Reverse(ip)+" PTR"] = []string{"here.gazette.example"}
		}
	}
	if len(args) == 2 {
		for name, value := range printedRecords(ts, args[1]) {
			zone[name+" TXT"] = []string{value}
		}
	}
	addr, stop, err := dnstest.Serve(zone)
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv("DNS", addr)
}

// healthy starts an https server at $HEALTHY that says that all is well, and lets
// crieur trust its certificate.
func healthy(ts *testscript.TestScript, _ bool, _ []string) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	}))
	ts.Defer(s.Close)
	file := ts.MkAbs("trusted.pem")
	ts.Check(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	ts.Setenv("SSL_CERT_FILE", file)
	ts.Setenv("HEALTHY", s.URL)
}

// relay makes the sandbox's SMTP server the port of the server main.
func relay(ts *testscript.TestScript, _ bool, _ []string) {
	_, port, err := net.SplitHostPort(ts.Getenv("CRIEUR_SANDBOX_SMTP"))
	ts.Check(err)
	ts.Setenv("CRIEUR_SMTP_MAIN_PORT", port)
}
