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
	if m.Keep && m.Protocol == "pop3" {
		l.wrong(at.key("keep"), "is not possible with pop3", "POP3 cannot mark a message as read: take protocol: imap")
	}
}
