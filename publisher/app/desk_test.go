package app_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"crieur/publisher/app"
)

var deskLink = regexp.MustCompile(`/desk/[A-Za-z0-9_.-]+`)

// ticket gives the path of the desk's page from the first proof that was sent.
func (s *season) ticket() string {
	s.t.Helper()
	var mails []struct{ Raw string }
	s.get("/sandbox/mails.json", &mails)
	for _, m := range mails {
		raw := strings.ReplaceAll(string(s.get(m.Raw, nil)), "=\r\n", "")
		if link := deskLink.FindString(strings.ReplaceAll(raw, "=\n", "")); link != "" {
			return link
		}
	}
	s.t.Fatal("no proof was sent")
	return ""
}

// desk answers readers and whoever decides, as crieur is configured now, and gives how
// to ask: the status, and the page.
func (s *season) desk() func(method, path, form string) (int, string) {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	at, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- s.app.Serve(ctx, app.ServeOptions{Roles: []string{app.RoleWeb}, Ready: func(u string) { at <- u }})
	}()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	var base string
	select {
	case base = <-at:
	case err := <-ended:
		ended <- nil
		s.t.Fatal(err)
	}
	return func(method, path, form string) (int, string) {
		r, err := http.NewRequestWithContext(s.t.Context(), method, base+path, strings.NewReader(form))
		if err != nil {
			s.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			s.t.Fatal(err)
		}
		defer answer.Body.Close()
		page := new(strings.Builder)
		if err := answer.Write(page); err != nil {
			s.t.Fatal(err)
		}
		return answer.StatusCode, page.String()
	}
}

const decides = "proof: {to: [WHO]}\n"

// Who is sent no proofs any more decides nothing with those they have.
func TestDeskOfWhoHasLeft(t *testing.T) {
	press := url.Values{"act": {"send"}}.Encode()
	for name, c := range map[string]struct {
		now  string
		want int
		held string
	}{
		"who is there":  {"Anne <anne@gazette.example>", http.StatusOK, ""},
		"who has left":  {"bruno@gazette.example", http.StatusNotFound, "approval"},
		"as a new name": {"Anne Martin <anne@gazette.example>", http.StatusOK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := daily(", approval: 1", decides)
			s := stage(t, strings.Replace(config, "WHO", "Anne <anne@gazette.example>", 1), at(t, "2026-11-23 08:00"))
			s.once()
			s.add("N001")
			s.until("2026-11-23 18:05")
			link := s.ticket()
			s.write(strings.Replace(config, "WHO", c.now, 1))
			s.open()
			ask := s.desk()
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if got, page := ask(method, link, press); got != c.want {
					t.Errorf("%s: %d, want %d: %s", method, got, c.want, page)
				}
			}
			if got, page := ask(http.MethodGet, link+"/letter", ""); got != c.want {
				t.Errorf("the letter: %d, want %d: %s", got, c.want, page)
			}
			queue, err := s.app.Queue(t.Context(), 0)
			if err != nil || len(queue) != 1 || string(queue[0].Held) != c.held {
				t.Errorf("%+v, %v", queue, err)
			}
		})
	}
}

// Sent at once from the desk a day after it was planned, a letter is on time.
func TestDeskSendsOnTime(t *testing.T) {
	config := strings.Replace(daily("", decides), `, schedule: "daily 18:00"`, ", undo: 3d", 1)
	s := stage(t, strings.Replace(config, "WHO", "anne@gazette.example", 1), at(t, "2026-11-23 08:00"))
	s.once()
	s.add("N001")
	s.until("2026-11-23 18:05")
	link := s.ticket()
	s.to("2026-11-24 18:05")
	if status, page := s.desk()(http.MethodPost, link, url.Values{"act": {"send"}}.Encode()); status != http.StatusOK {
		t.Fatal(status, page)
	}
	s.once()
	queue, err := s.app.Queue(t.Context(), 0)
	if err != nil || len(queue) != 0 {
		t.Errorf("it waits: %+v, %v", queue, err)
	}
}
