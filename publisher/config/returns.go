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
	HalfLife  time.Duration     `mapstructure:"half_life" default:"30d" min:"1" desc:"Time in which the weight of such a failure halves."`
}
