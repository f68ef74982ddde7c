package app

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/go-viper/mapstructure/v2"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/dispatch"
	"crieur/publisher/mail"
	"crieur/publisher/sandbox"
	"crieur/publisher/social"
)

// network opens a channel's network. In the sandbox its address and its secrets
// are the sandbox's, whatever the configuration says.
func (a *App) network(ctx context.Context, c config.Channel) (publisher.Network, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	env := social.Env{Client: a.client(), Channel: c.Name, Tokens: store, Now: a.o.Now, UserAgent: "crieur/" + firstOf(a.o.Version, "dev")}
	decode := c.Decode
	if !a.Live() {
		box, err := a.box(ctx)
		if err != nil {
			return nil, err
		}
		env.BaseURL = box.info.BaseURL(c.Kind)
		decode = func(target any) error {
			if err := c.Decode(target); err != nil {
				return err
			}
			return mapstructure.Decode(box.info.Credentials.Keys(c.Kind), target)
		}
	}
	return social.Open(c.Kind, decode, env)
}

// groups gives the providers that crieur knows and those of the configuration, with
// their limits.
func (a *App) groups() []dispatch.Group {
	all := dispatch.Groups()
	for _, p := range a.conf.Pace {
		i := slices.IndexFunc(all, func(g dispatch.Group) bool { return g.Name == p.Name })
		if i < 0 {
			i, all = len(all), append(all, dispatch.Group{Name: p.Name})
		}
		g := &all[i]
		g.Domains = append(g.Domains, p.Domains...)
		g.Rate, g.Concurrent = p.Rate.PerSecond(), p.Concurrent
	}
	return all
}

// groupNames gives the providers that crieur knows.
func groupNames() []string {
	var names []string
	for _, g := range dispatch.Groups() {
		names = append(names, g.Name)
	}
	return names
}

// mailer opens the configured servers, or the sandbox's in their place.
func (a *App) mailer(ctx context.Context) (*mail.SMTP, error) {
	c := mail.Config{Now: a.o.Now, DKIM: a.signing(), Memory: &a.courier.servers}
	for _, s := range a.conf.SMTP {
		c.Servers = append(c.Servers, mail.Server{
			Name: s.Name, Host: s.Host, Port: s.Port, Security: s.Security, User: s.User, Password: s.Password, Auth: s.Auth,
			Helo: s.Helo, Connections: s.Connections, Timeout: s.Timeout, MessagesPerConnection: s.MessagesPerConnection, Rate: mail.Rate(s.Rate),
		})
	}
	if a.Live() {
		if a.resolver != nil {
			c.Dial = (&net.Dialer{Resolver: a.resolver}).DialContext
		}
		return mail.Open(c)
	}
	box, err := a.box(ctx)
	if err != nil {
		return nil, err
	}
	server, err := sandboxServer(box.info)
	if err != nil {
		return nil, err
	}
	if len(c.Servers) > 0 {
		server.Connections, server.Timeout = c.Servers[0].Connections, c.Servers[0].Timeout
	}
	c.Servers, c.Dial = []mail.Server{server}, dialLoopback
	return mail.Open(c)
}

func sandboxServer(i *sandbox.Info) (mail.Server, error) {
	host, port, err := net.SplitHostPort(i.SMTPAddr)
	if err != nil {
		return mail.Server{}, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return mail.Server{}, fmt.Errorf("sandbox's SMTP port %q: %w", port, err)
	}
	return mail.Server{Name: "sandbox", Host: host, Port: n, Security: "none", Auth: "plain",
		User: i.Credentials.SMTPUser, Password: i.Credentials.SMTPPassword}, nil
}
