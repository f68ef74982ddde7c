package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/web"
)

// A desk keeps what waits in memory, by the rules of the ledger.
type desk struct {
	web.Waiting
	sent, holds int
}

var _ web.Desk = (*desk)(nil)

func (d *desk) Look(_ context.Context, t web.Ticket) (web.Waiting, error) {
	if t.Issue != "27a8bc7c" {
		return web.Waiting{}, &publisher.Error{Kind: publisher.NotFound, Op: "find issue"}
	}
	return d.Waiting, nil
}

func (d *desk) Send(ctx context.Context, t web.Ticket) error {
	if _, err := d.Look(ctx, t); err != nil {
		return err
	}
	if t.Hash != d.Hash {
		return &publisher.Error{Kind: publisher.Invalid, Op: "approve"}
	}
	for _, a := range d.Approvals {
		if a.Who == t.Who {
			return nil
		}
	}
	d.Approvals = append(d.Approvals, publisher.Approval{Who: t.Who})
	if d.Missing() == 0 {
		d.Held = ""
		d.sent++
	}
	return nil
}

func (d *desk) Hold(ctx context.Context, t web.Ticket) error {
	if _, err := d.Look(ctx, t); err != nil {
		return err
	}
	d.Held = publisher.HeldOwner
	d.holds++
	return nil
}

var deskKey = []byte("0123456789abcdef0123456789abcdef")

func newDesk(t *testing.T) (*desk, func(method, target, form string) *httptest.ResponseRecorder) {
	t.Helper()
	d := &desk{Waiting: web.Waiting{Title: "La halle", Channel: "Le quotidien", Language: "fr", Count: 1204, Left: 1204, Mail: true,
		HTML: `<html><body><p>La lettre <script>x</script></p></body></html>`, Subject: "La halle rouvre", Hash: "h1",
		Release: time.Date(2026, 3, 1, 18, 0, 0, 0, time.UTC), Held: publisher.HeldApproval, Needed: 2}}
	h := publicPages(t, newPeople(), func(c *web.Config) {
		c.Language, c.Desk, c.DeskKey, c.Now = "fr", d, deskKey, func() time.Time { return noon }
	})
	return d, func(method, target, form string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(form))
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ticket(who, hash string) string {
	return "/desk/" + web.Ticket{Issue: "27a8bc7c", Channel: "quotidien", Hash: hash, Who: who, Expires: noon.Add(time.Hour).Unix()}.Seal(deskKey)
}

// Looking changes nothing, whoever looks and how often; a button does, once.
func TestDesk(t *testing.T) {
	d, ask := newDesk(t)
	anne, bruno := ticket("anne@gazette.example", "h1"), ticket("bruno@gazette.example", "h1")
	for _, target := range []string{anne, anne + "?do=send", anne + "?do=hold", anne + "/letter"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if w := ask(method, target, ""); w.Code != 200 {
				t.Fatalf("%s %s: %d", method, target, w.Code)
			}
		}
	}
	if len(d.Approvals)+d.sent+d.holds > 0 {
		t.Fatal("looking has decided")
	}
	page := ask("GET", anne, "").Body.String()
	for _, want := range []string{"1\u202f204 abonnés à Le quotidien", "Dimanche 1er mars 2026 à 18", "en attente d’accord", "0 sur 2", `sandbox title="La halle rouvre"`} {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	for range 3 {
		if w := ask("POST", anne, "act=send"); w.Code != 200 || !strings.Contains(w.Body.String(), "Votre accord est noté") {
			t.Fatalf("first approval: %d", w.Code)
		}
	}
	if len(d.Approvals) != 1 || d.sent != 0 {
		t.Fatalf("approvals %v, sent %d", d.Approvals, d.sent)
	}
	if page := ask("GET", anne, "").Body.String(); strings.Contains(page, `value="send"`) || !strings.Contains(page, `value="hold"`) {
		t.Error("who has approved can do so again, or cannot hold")
	}
	for range 2 {
		ask("POST", bruno, "act=send")
	}
	if d.sent != 1 {
		t.Errorf("sent %d times", d.sent)
	}
	if w := ask("POST", anne, "act=hold"); d.holds != 1 || !strings.Contains(w.Body.String(), "Retenu") {
		t.Errorf("held %d times", d.holds)
	}
	if ask("POST", anne, "act=other"); d.sent != 1 || d.holds != 1 {
		t.Error("what no button sends was done")
	}
}

func TestDeskTickets(t *testing.T) {
	d, ask := newDesk(t)
	good := ticket("anne@gazette.example", "h1")
	old := web.Ticket{Issue: "27a8bc7c", Channel: "quotidien", Hash: "h1", Who: "a", Expires: noon.Unix()}
	elsewhere := old
	elsewhere.Issue, elsewhere.Expires = "other", noon.Add(time.Hour).Unix()
	for name, target := range map[string]string{
		"expired":     "/desk/" + old.Seal(deskKey),
		"another key": "/desk/" + web.Ticket{Issue: "27a8bc7c", Hash: "h1", Expires: noon.Add(time.Hour).Unix()}.Seal([]byte("another")),
		"changed":     strings.Replace(good, "/desk/e", "/desk/f", 1),
		"no seal":     strings.Split(good, ".")[0],
		"empty seal":  strings.Split(good, ".")[0] + ".",
		"nonsense":    "/desk/" + url.PathEscape("../../etc"),
		"other issue": "/desk/" + elsewhere.Seal(deskKey),
	} {
		for _, act := range []string{"", "act=send", "act=hold"} {
			method := "GET"
			if act != "" {
				method = "POST"
			}
			if w := ask(method, target, act); w.Code != 404 {
				t.Errorf("%s, %s: %d, want 404", name, method, w.Code)
			}
			if w := ask("GET", target+"/letter", ""); w.Code != 404 {
				t.Errorf("%s: the letter is shown: %d", name, w.Code)
			}
		}
	}
	if len(d.Approvals)+d.sent+d.holds > 0 {
		t.Error("a ticket that is none has decided")
	}
}

// A ticket is for the text that its mail showed.
func TestDeskOtherText(t *testing.T) {
	d, ask := newDesk(t)
	target := ticket("anne@gazette.example", "h0")
	w := ask("POST", target, "act=send")
	if len(d.Approvals) > 0 || !strings.Contains(w.Body.String(), "Le texte a changé") || strings.Contains(w.Body.String(), "<button") {
		t.Errorf("approvals %v, %d", d.Approvals, w.Code)
	}
}

// The letter is a stranger's document: nothing in it runs, and no other site frames it.
func TestDeskLetter(t *testing.T) {
	_, ask := newDesk(t)
	w := ask("GET", ticket("anne@gazette.example", "h1")+"/letter", "")
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "frame-ancestors 'self'") || strings.Contains(csp, "script-src") {
		t.Errorf("its policy: %s", csp)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
