package mail_test

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/mail"
)

// Each server answers for itself, and no mail is offered to any.
func TestLoginsOneByOne(t *testing.T) {
	certificate, roots := certificates(t)
	sinks := []*sink{
		startSink(t, script{tls: certificate}),
		startSink(t, script{tls: certificate, implicit: true}),
		startSink(t, script{}),
		startSink(t, script{tls: certificate}),
		startSink(t, script{tls: certificate, extensions: []string{"AUTH PLAIN"}, answer: at("AUTH", "535 5.7.8 no")}),
	}
	var servers []mail.Server
	for i, security := range []string{mail.StartTLS, mail.ImplicitTLS, mail.Plain, mail.Opportunistic, mail.StartTLS} {
		s := sinks[i].server()
		s.Name, s.Security = security, security
		servers = append(servers, s)
	}
	servers[4].Name, servers[4].User, servers[4].Password = "refused", "crieur", "s3cr3t"
	m := open(t, mail.Config{Servers: servers, TLS: &tls.Config{RootCAs: roots}})
	var got []mail.Login
	for _, s := range append(servers, mail.Server{Name: "nobody"}) {
		got = append(got, m.Login(context.Background(), s.Name))
	}
	for i, want := range []struct {
		server, tls string
		trusted     bool
	}{{"starttls", "TLS 1.3", true}, {"tls", "TLS 1.3", true}, {"none", "", false}, {"opportunistic", "TLS 1.3", false}} {
		l := got[i]
		if l.Server != want.server || l.TLS != want.tls || l.Trusted != want.trusted || l.Err != nil || (l.TLS != "") != l.Until.After(time.Now()) {
			t.Errorf("got %+v, want %+v", l, want)
		}
	}
	if l := got[4]; publisher.KindOf(l.Err) != publisher.Denied || l.Server != "refused" || strings.Contains(l.Err.Error(), "s3cr3t") {
		t.Errorf("got %+v", l)
	}
	if l := got[5]; publisher.KindOf(l.Err) != publisher.Invalid {
		t.Errorf("got %+v", l)
	}
	for _, k := range sinks {
		if mails, conns := k.seen(); len(mails) > 0 || conns != 1 || k.count("MAIL") > 0 {
			t.Errorf("%d mails, %d connections, %d × MAIL", len(mails), conns, k.count("MAIL"))
		}
	}
}
