package publisher

import (
	"fmt"
	"time"
)

// A ReturnKind is what a report says of a mail that was accepted before.
type ReturnKind uint8

const (
	ReturnNone      ReturnKind = iota // nothing about a mail: an automatic reply, a person's letter
	ReturnFailed                      // it was not delivered, and will not be
	ReturnDelayed                     // it waits; the report's sender goes on trying
	ReturnDelivered                   // it was delivered, relayed or handed to a list
	ReturnComplaint                   // its reader called it spam
)

var returnNames = [...]string{"none", "failed", "delayed", "delivered", "complaint"}

func (k ReturnKind) String() string {
	if int(k) < len(returnNames) {
		return returnNames[k]
	}
	return fmt.Sprintf("return(%d)", uint8(k))
}

func (k ReturnKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// A Return is one report on one mail, as it came in. Strangers wrote all of it, save
// where Trusted.
type Return struct {
	Kind      ReturnKind
	Source    string   // the way in: "pipe", "imap", "pop3", "ses", …
	Trusted   bool     // who sent it has proven who they are, as the webhooks of relays do
	Paths     []string // where it came to, and where the mail was sent from: one may be a mail's own return address
	MessageID string   // of the mail, without angle brackets
	Link      string   // the reader's token, from the mail's own unsubscribe address
	Recipient string   // whom it was for, as the report says
	Code      int      // the SMTP reply code; where only Status is known, 400 or 500
	Status    string   // RFC 3463: "5.1.1"; "" where none was given
	Words     string   // the remote server's, on one line
	Remote    string   // the server that said so
	At        time.Time
	Raw       []byte // the report
}

// A Verdict is what a refusal says of the address that it is about.
type Verdict uint8

const (
	VerdictNone    Verdict = iota // it is about us or the letter, not about the reader
	VerdictCounted                // it may pass: several of them together say that nobody reads there
	VerdictGone                   // nobody is there: it is never to be written to again
)

// A ReturnRecord is a return whose mail is known.
type ReturnRecord struct {
	Return
	Lot     int64 // 0: of no known mail
	Reader  int64
	Class   string // of the refusal, in a word
	Verdict Verdict
}

// A ReturnEffect is what the ledger made of a return.
type ReturnEffect struct {
	Erased     bool // the reader is not known any more: nothing was changed
	Repeated   bool // it was known already: nothing was changed
	Bounced    bool // the delivery's state is now bounced
	Suppressed bool // the address is not written to any more
}

// A Suppression is an address that is never written to. Email is empty where its
// owner was erased; Hash tells one such from another.
type Suppression struct {
	Email   string
	Hash    string
	Reason  string
	Created time.Time
}
