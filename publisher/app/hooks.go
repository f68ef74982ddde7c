package app

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/web"
)

// hooks answers the relays that report by HTTP. The store has to be open by the time
// they do.
func (a *App) hooks() (http.Handler, error) {
	w := a.conf.Returns.Webhooks
	login := func(l config.Login) web.Login { return web.Login{User: l.User, Password: l.Password, Token: l.Token} }
	c := web.HooksConfig{
		Returns: returns{a}, Client: a.client(), Now: a.o.Now, Log: a.o.Log, SES: web.SNSHook{Topic: w.SES.Topic},
		Mailgun: w.Mailgun.SigningKey, SendGrid: w.SendGrid.PublicKey, Postmark: login(w.Postmark), Brevo: login(w.Brevo),
	}
	if w.Scaleway.Topic != "" && w.Scaleway.CA != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(w.Scaleway.CA.Reveal())) {
			return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read webhooks", Where: "returns.webhooks.scaleway.ca", Err: errors.New("no certificate in it"),
				Hint: "give the trust chain that Scaleway's page on verifying webhooks names, in PEM, as ${file:PATH}"}
		}
		c.Scaleway = web.SNSHook{Topic: w.Scaleway.Topic, Roots: roots}
	}
	return web.Hooks(c)
}

// returns gives what relays report to the ledger. It is safe for concurrent use.
type returns struct{ a *App }

var _ web.Returns = returns{}

func (r returns) Take(ctx context.Context, t publisher.Return) error {
	v, err := r.a.takeReturn(ctx, t)
	if err == nil {
		r.a.o.Log.Info("a relay reported", "relay", t.Source, "kind", v.Kind, "what", v.What)
	}
	return err
}
