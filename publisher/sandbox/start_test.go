package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"crieur/publisher/locale"
	"crieur/publisher/sandbox"
)

// config gives a sandbox of its own to a test: free ports, an own folder.
func config(t testing.TB) sandbox.Config {
	t.Helper()
	templates := os.DirFS("../../templates")
	messages, err := fs.Sub(templates, "locale")
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := locale.New(messages, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.Config{
		Dir: t.TempDir(), HTTP: "127.0.0.1:0", SMTP: "127.0.0.1:0", Templates: templates, Location: time.UTC,
		T:    func(lang, key string, args ...any) string { return catalogue.For(lang).T(key, args...) },
		Date: func(lang string, at time.Time) string { return catalogue.For(lang).Date(at) },
	}
}

func start(t testing.TB, c sandbox.Config) *sandbox.Server {
	t.Helper()
	s, err := sandbox.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func faults(t testing.TB, list ...string) []sandbox.Fault {
	t.Helper()
	out := make([]sandbox.Fault, len(list))
	for i, text := range list {
		f, err := sandbox.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = f
	}
	return out
}

// A call is one HTTP request of a test.
type call struct {
	method, url string
	header      map[string]string
	body        string
}

// answer is what came back; JSON is nil where the body is none.
type answer struct {
	status int
	header http.Header
	body   string
	json   any
}

// at walks through a JSON value by names and numbers: a.at("data", "id").
func (a answer) at(path ...any) any {
	v := a.json
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (a answer) text(path ...any) string { s, _ := a.at(path...).(string); return s }

func send(t testing.TB, c call) answer {
	t.Helper()
	a, err := try(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func httpRequest(t testing.TB, c call) (*http.Request, error) {
	req, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(c.body))
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	return req, err
}

// impatient waits for an answer no longer than a tenth of a second.
func impatient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 100 * time.Millisecond}
}

func try(t testing.TB, c call) (answer, error) {
	req, err := httpRequest(t, c)
	if err != nil {
		return answer{}, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return do(client, req)
}

func do(client *http.Client, req *http.Request) (answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&a.json) != nil {
		a.json = nil
	}
	return a, err
}

func want(t testing.TB, a answer, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s %v", a.status, status, a.body, a.header)
	}
	return a
}
