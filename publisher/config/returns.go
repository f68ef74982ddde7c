package config

import (
	"time"

	"crieur/publisher"
)

// Returns is what comes back about mails, and what it costs a reader.
type Returns struct {
	Address   publisher.Address `mapstructure:"address" desc:"Mailbox that bounces come back to. Each mail is sent from an address of its own below it, bounces+TOKEN@gazette.example, that names reader and issue. Left out: bounces go to the newsletter's sender."`
	Delimiter string            `mapstructure:"delimiter" default:"+" enum:"+,-,=,_" desc:"What stands before the token; the mail server has to deliver such addresses to the mailbox."`
	Limit     int               `mapstructure:"limit" default:"3" min:"1" max:"100" desc:"Failures that may pass, such as a full mailbox, after which an address is not written to any more."`
	Mailbox   Mailbox           `mapstructure:"mailbox" desc:"The mailbox itself, where crieur bounces fetch reads it. It has to be for bounces alone."`
	Webhooks  Webhooks          `mapstructure:"webhooks" desc:"Relays that report by HTTP to crieur serve, at /hooks/NAME below server.public_url."`
	HalfLife  time.Duration     `mapstructure:"half_life" default:"30d" min:"1" desc:"Time in which the weight of such a failure halves."`
}

// Mailbox is where reports are fetched from.
type Mailbox struct {
	Protocol string           `mapstructure:"protocol" default:"imap" enum:"imap,pop3" desc:"How it is read."`
	Host     string           `mapstructure:"host" format:"host" desc:"Its server, such as imap.gazette.example."`
	Port     int              `mapstructure:"port" default:"0" min:"0" max:"65535" desc:"0: the usual one, 993 or 995 with security: tls, else 143 or 110."`
	Security string           `mapstructure:"security" default:"tls" enum:"tls,starttls,none" desc:"tls: encrypted from the first byte. starttls: encrypted or not at all. none: in the clear."`
	User     string           `mapstructure:"user" desc:"Login."`
	Password publisher.Secret `mapstructure:"password" desc:"Its password: write ${env:NAME} or ${file:PATH}."`
	Folder   string           `mapstructure:"folder" default:"INBOX" desc:"The folder that is read (IMAP)."`
	Keep     bool             `mapstructure:"keep" default:"false" desc:"Whether reports stay, marked as read (IMAP). Otherwise they are deleted once the ledger has them."`
	Timeout  time.Duration    `mapstructure:"timeout" default:"30s" min:"1" desc:"Longest wait for one answer."`
}

// Webhooks is how relays prove their reports. One that has nothing set is not listened to.
type Webhooks struct {
	SES      SES      `mapstructure:"ses" desc:"Amazon SES, through a topic of Amazon SNS."`
	Mailgun  Mailgun  `mapstructure:"mailgun" desc:"Mailgun."`
	Postmark Login    `mapstructure:"postmark" desc:"Postmark: the login that stands in the webhook's address."`
	SendGrid SendGrid `mapstructure:"sendgrid" desc:"SendGrid's signed event webhook."`
	Scaleway Scaleway `mapstructure:"scaleway" desc:"Scaleway Transactional Email, through a topic of Topics and Events."`
	Brevo    Login    `mapstructure:"brevo" desc:"Brevo: token or login of the webhook."`
}

// SES is what is known of Amazon's reports.
type SES struct {
	Topic string `mapstructure:"topic" desc:"The topic's ARN, such as arn:aws:sns:eu-west-3:123456789012:bounces. Messages of others are refused."`
}

// Mailgun is what is known of Mailgun's reports.
type Mailgun struct {
	SigningKey publisher.Secret `mapstructure:"signing_key" desc:"The HTTP webhook signing key: write ${env:NAME} or ${file:PATH}."`
}

// SendGrid is what is known of SendGrid's reports.
type SendGrid struct {
	PublicKey string `mapstructure:"public_key" desc:"The verification key of the signed event webhook, as its page shows it."`
}

// Scaleway is what is known of Scaleway's reports.
type Scaleway struct {
	Topic string           `mapstructure:"topic" desc:"The topic's ARN. Messages of others are refused."`
	CA    publisher.Secret `mapstructure:"ca" desc:"The trust chain that Scaleway's page on verifying webhooks names, in PEM, as ${file:PATH}."`
}

// Login is what a relay shows that does not sign.
type Login struct {
	User     string           `mapstructure:"user" desc:"User of a login (HTTP basic)."`
	Password publisher.Secret `mapstructure:"password" desc:"Its password: write ${env:NAME} or ${file:PATH}."`
	Token    publisher.Secret `mapstructure:"token" desc:"A bearer token in place of a login: write ${env:NAME} or ${file:PATH}."`
}

func (l *loader) checkReturns(c *Config) {
	at, m := path("returns").key("mailbox"), c.Returns.Mailbox
	switch {
	case m.Host == "" && m.User != "":
		l.wrong(at, "has no host", "add host: with the name of its server")
	case m.Host != "" && m.User == "":
		l.wrong(at, "has no user", "add user: and password: ${env:NAME}")
	case m.Host != "" && m.Password == "" && l.live && l.value(at.key("password")) == nil:
		l.wrong(at, "has no password", "add password: ${env:NAME}")
	}
	if s := c.Returns.Webhooks.Scaleway; s.Topic != "" && s.CA == "" && l.live {
		l.wrong(path("returns").key("webhooks").key("scaleway"), "has no ca", "add ca: ${file:PATH} with the trust chain that Scaleway's page on verifying webhooks names")
	}
	if m.Keep && m.Protocol == "pop3" {
		l.wrong(at.key("keep"), "is not possible with pop3", "POP3 cannot mark a message as read: take protocol: imap")
	}
}
