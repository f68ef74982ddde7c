package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// oneClick asks at the public address whether crieur answers there, as the mailbox
// providers will when a reader leaves (RFC 8058).
func (e *exam) oneClick(ctx context.Context) Finding {
	f := Finding{About: "server.public_url", Check: "one-click", Status: OK}
	const pass = "let the web server pass that address on to server.listen, where crieur serve answers"
	base := strings.TrimSuffix(e.PublicURL, "/")
	if !strings.HasPrefix(strings.ToLower(base), "https://") {
		return f.bad(base+" is not https, which one-click unsubscribing needs", "set server.public_url to an https address")
	}
	res, err := e.ask(ctx, base+"/healthz")
	if err != nil {
		var why *url.Error
		if errors.As(err, &why) {
			err = why.Err
		}
		return f.bad(fmt.Sprintf("nobody answers at %s: %v", base, err), "run crieur serve; "+pass)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64))
	switch {
	case res.StatusCode/100 == 3:
		return f.bad(fmt.Sprintf("%s sends us elsewhere (%s), and one-click posts do not follow", base, res.Status),
			"set server.public_url to the address it leads to")
	case res.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "ok":
		return f.bad(fmt.Sprintf("something else than crieur answers at %s (%s)", base, res.Status), pass)
	}
	f.What = "crieur answers at " + base
	return f
}

func (e *exam) ask(ctx context.Context, link string) (*http.Response, error) {
	client := http.Client{}
	if e.Client != nil {
		client = *e.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}
