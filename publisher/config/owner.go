package config

import (
	"time"

	"crieur/publisher"
)

// Report is what crieur tells the owner by mail.
type Report struct {
	To   []string          `mapstructure:"to" format:"address" desc:"Who is told by mail how issues ended and what waits for a person, as Name <name@example.org>. Left out: nobody."`
	When string            `mapstructure:"when" default:"done" enum:"done,problems,never" desc:"done: after each issue. problems: only where something bounced, failed or is in doubt. never: of issues not at all; what waits for a person is told in each case."`
	From publisher.Address `mapstructure:"from" desc:"Sender of these mails and of proofs. Left out: that of the first newsletter."`
}

// Proof is the mail with which people decide over what waits.
type Proof struct {
	To    []string      `mapstructure:"to" format:"address" desc:"Who gets the real mail of what waits for approval or for its moment, with Hold and Send now. Left out: nobody."`
	Valid time.Duration `mapstructure:"valid" default:"3d" min:"1m" desc:"How long its links work."`
}
