package publisher

import (
	"context"
	"time"
)

// An Address is a mailbox with the name to show; both are UTF-8 without control
// characters.
type Address struct {
	Name  string
	Email string
}

// A Letter is what all readers of one issue in one language have in common. A
// Mailer may prepare it once and reuse that for every Mail with the same *Letter;
// it must not be changed after its first use.
type Letter struct {
	Rendering     *Rendering
	List          string // name of the list that it goes to; "" for none
	From          Address
	ReplyTo       Address // zero: none
	EnvelopeFrom  string  // "": From.Email
	ListID        string  // RFC 2919: "name.example.org", without brackets; "" for none
	ListName      string  // the phrase before it
	FeedbackID    string  // "campaign:customer:type:sender"; "" for none
	AutoSubmitted string  // RFC 3834: "auto-generated" on confirmations; "" on newsletters
	Domain        string  // right-hand side of the Message-ID
	Date          time.Time
}

// A Mail is one letter to one reader. Key is its delivery's key.
type Mail struct {
	Letter     *Letter
	Key        string
	To         Address
	ReturnPath string // envelope sender of this mail alone; "": the letter's
	Merge      Merge
}

// MessageID gives the mail's Message-ID without angle brackets. It depends on the
// key alone, so that a mail sent again after an ambiguous end is recognised as the
// same one (RFC 5322 §3.6.4).
func (m Mail) MessageID() string { return m.Key + "@" + m.Letter.Domain }

// A Mailer hands mails to SMTP servers. Safe for concurrent use. One call makes
// one attempt; it does not retry, except on another connection when the first
// was surely dead before the mail's data was sent, or was ended by a server that
// says that it did not accept the mail (421), and on another server when one
// refuses us.
//
// On success the receipt's ID is the Message-ID and Reply the server's answer.
// Kinds of error: Busy, a 4xx reply or no connection (surely not accepted);
// Invalid, a 5xx reply that concerns the recipient (then Error.Code holds it) or the
// mail (then Code is 0); Denied, the
// server refuses us (login, policy); Unknown, the connection broke after the
// final dot was sent. Error.Code holds the code of all other replies. A Busy error
// with After says that no server takes any mail before that moment.
type Mailer interface {
	Send(ctx context.Context, m Mail) (Receipt, error)
}

// A Courier is a Mailer that carries mail after mail over one connection, so that
// the envelope of the next one travels with the text of the last.
type Courier interface {
	Mailer
	// Lanes is how many rounds can be carried side by side, each over a connection of
	// its own. It does not change.
	Lanes() int
	// Carry takes mails from the round until Next, waiting, says that there are no
	// more. When ctx ends, mails under way end as calls of Send would.
	Carry(ctx context.Context, r Round)
}

// A Round is the mails of one Carry. Only that call uses it. Done is called once
// for each mail that Begin let go, and for each that failed before; a mail for which
// neither Begin nor Done was called when Carry returns has surely not been sent, and
// the same holds after an error of Begin.
type Round interface {
	// Next gives the next mail. With wait it is called only when no mail is under way
	// or taken; without, it gives one only if it is ready now, and so a mail can be
	// taken ahead.
	Next(wait bool) (m Mail, ok bool)
	// Begin comes before the first octet after which the server could accept the mail.
	// An error forbids it. Else the mail's end has to be known within the time given.
	Begin(m Mail) (within time.Duration, err error)
	// Done tells how a mail ended, in Send's terms.
	Done(m Mail, r Receipt, err error)
}
