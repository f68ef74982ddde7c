package app

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/mail"
)

// A PreflightError says why nothing was sent: every reason at once, a line each.
type PreflightError struct{ Reasons []string }

func (e *PreflightError) Error() string {
	return "nothing was sent: " + strings.Join(e.Reasons, "\n")
}

// preflight looks at an edition before anything is planned. Warnings are added to
// the edition; reasons not to go out are the error.
func (a *App) preflight(e *edition) error {
	var reasons []string
	if a.Live() {
		for _, n := range e.targets.newsletters {
			for _, r := range a.liveReasons(n) {
				reasons = append(reasons, "newsletter "+n.Name+": "+r)
			}
		}
	}
	p := a.conf.Preflight
	for _, m := range e.mails {
		switch size := len(m.rendering.HTML); {
		case size > p.SizeFail:
			reasons = append(reasons, fmt.Sprintf("newsletter %s: the mail's HTML is %d bytes, more than %d (preflight.size_fail); Gmail would cut it off", m.rendering.Channel, size, p.SizeFail))
		case size > p.SizeWarn:
			e.warn(fmt.Sprintf("newsletter %s: the mail's HTML is %d bytes; Gmail cuts mails off at 102400", m.rendering.Channel, size))
		}
	}
	for i, m := range e.mails {
		// What a mail program could not be given is found before anything went out.
		if _, err := mail.Compile(a.letterOf(e.targets.newsletters[i], m.rendering)); err != nil {
			return at(err, "newsletter "+m.rendering.Channel)
		}
	}
	for _, img := range e.shown() {
		if img.Alt != "" || p.MissingAlt == "ignore" {
			continue
		}
		text := "picture " + imageKey(img) + " has no alternative text"
		if p.MissingAlt == "fail" {
			reasons = append(reasons, text)
		} else {
			e.warn(text)
		}
	}
	if len(reasons) > 0 {
		return &publisher.Error{Kind: publisher.Invalid, Err: &PreflightError{reasons}, Hint: "mend that in config.yaml or the article; nothing was planned or sent"}
	}
	return nil
}

// liveReasons says what a newsletter lacks before it may leave the machine.
func (a *App) liveReasons(n config.Newsletter) []string {
	var r []string
	if why := unreachable(a.conf.Server.PublicURL); why != "" {
		r = append(r, "server.public_url "+why+", so no reader could unsubscribe")
	}
	if a.conf.Legal.Sender == "" {
		r = append(r, "legal.sender is empty: a mail has to say who sends it")
	}
	if strings.TrimSpace(a.conf.Legal.Address) == "" {
		r = append(r, "legal.address is empty: a mail has to carry a postal address")
	}
	if n.From.Email == "" {
		r = append(r, "it has no sender (from)")
	}
	if len(a.conf.SMTP) == 0 {
		r = append(r, "there is no server to send it (smtp)")
	}
	return r
}

// unreachable says why readers cannot reach an address from outside; "" where they
// perhaps can.
func unreachable(public string) string {
	u, err := url.Parse(public)
	switch {
	case public == "":
		return "is not set"
	case err != nil || u.Host == "":
		return "is no address"
	case u.Scheme != "https":
		return "is not https, which one-click unsubscribing needs (RFC 8058)"
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified() || ip.IsLinkLocalUnicast()) {
		return "is an address on this machine or network only"
	}
	if net.ParseIP(host) == nil && (host == "localhost" || strings.HasSuffix(host, ".localhost") || !strings.Contains(host, ".") ||
		strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".invalid") || strings.HasSuffix(host, ".test")) {
		return "is a name that nobody outside knows"
	}
	return ""
}

// shown gives the pictures that the edition's letters and posts show.
func (e *edition) shown() []publisher.Image {
	if e.articles == nil {
		return pictures(e.article)
	}
	var all []publisher.Image
	for _, article := range e.articles {
		if p := pictures(article); len(p) > 0 {
			all = append(all, p[0])
		}
	}
	return all
}

func pictures(article publisher.Article) []publisher.Image {
	all := article.Images
	if article.Image != nil {
		for _, i := range all {
			if imageKey(i) == imageKey(*article.Image) {
				return all
			}
		}
		all = append([]publisher.Image{*article.Image}, all...)
	}
	return all
}
