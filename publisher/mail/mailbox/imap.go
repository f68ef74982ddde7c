package mailbox

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"crieur/publisher"
)

// mostLost is how many messages may cost the connection before a round is given up:
// Dovecot hangs up over one that it cannot read.
const mostLost = 5

// A box is one round through a mailbox, over as many connections as it takes.
type box struct {
	Config
	Round
	take Take
	gone imap.UIDSet        // marked as deleted
	lost map[imap.UID]error // could not be read
	hung int                // connections that ended over one
}

// emptyIMAP gives out what is neither read nor deleted (RFC 9051). A mail program that
// shows the mailbox as well would mark messages as read and so keep them from us.
func (c Config) emptyIMAP(ctx context.Context, take Take) (Round, error) {
	b := &box{Config: c, take: take, lost: map[imap.UID]error{}}
	for {
		hung := b.hung
		err := c.session(ctx, func(conn net.Conn) error { return b.empty(ctx, conn) })
		if err != nil && b.hung > hung && b.hung < mostLost && ctx.Err() == nil {
			continue
		}
		for _, e := range b.lost {
			if err == nil {
				err = c.fail(publisher.Busy, fmt.Errorf("%d messages could not be read, one because: %w", len(b.lost), e))
			}
		}
		return b.Round, err
	}
}

func (b *box) busy(err error) *publisher.Error { return b.fail(publisher.Busy, err) }

func (b *box) empty(ctx context.Context, conn net.Conn) error {
	client, err := b.imap(conn)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Login(b.User, b.Password.Reveal()).Wait(); err != nil {
		return b.answered(err, b.denied)
	}
	folder := b.Folder
	if folder == "" {
		folder = "INBOX"
	}
	if _, err := client.Select(folder, nil).Wait(); err != nil {
		return b.answered(err, func(err error) *publisher.Error {
			e := b.fail(publisher.Invalid, err)
			e.Hint = "see returns.mailbox.folder"
			return e
		})
	}
	found, err := client.UIDSearch(&imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen, imap.FlagDeleted}}, nil).Wait()
	if err != nil {
		return b.answered(err, b.busy)
	}
	for _, uid := range found.AllUIDs() {
		if b.lost[uid] != nil {
			continue
		}
		if err := b.one(ctx, client, uid); err != nil {
			return err
		}
	}
	if err := expunge(client, b.gone); err != nil {
		return b.answered(err, b.busy)
	}
	_ = client.Logout().Wait()
	return nil
}

// one gives out one message, and does with it what becomes of it.
func (b *box) one(ctx context.Context, client *imapclient.Client, uid imap.UID) error {
	raw, err := fetch(client, uid, b.MaxSize)
	if err != nil {
		b.lost[uid] = err
		if no := (*imap.Error)(nil); errors.As(err, &no) {
			return nil
		}
		b.hung++
		return b.busy(err)
	}
	if raw == nil {
		return nil // somebody else took it meanwhile
	}
	b.Seen++
	fate, err := b.take(ctx, raw)
	if err != nil {
		return errors.Join(err, expunge(client, b.gone))
	}
	flag := imap.FlagSeen
	switch {
	case fate == Later:
		return nil
	case fate == Leave:
		b.Left++
	case b.Keep:
		b.Removed++
	default:
		b.Removed++
		flag = imap.FlagDeleted
		b.gone.AddNum(uid)
	}
	store := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}
	if err := client.Store(imap.UIDSetNum(uid), store, nil).Close(); err != nil {
		return b.answered(err, b.busy)
	}
	return nil
}

func (c Config) imap(conn net.Conn) (*imapclient.Client, error) {
	if c.Security != "starttls" {
		return imapclient.New(conn, nil), nil
	}
	client, err := imapclient.NewStartTLS(conn, &imapclient.Options{TLSConfig: c.TLS})
	if err != nil {
		return nil, c.untrusted(err)
	}
	return client, nil
}

// fetch reads the beginning of a message and leaves it unread.
func fetch(client *imapclient.Client, uid imap.UID, most int64) ([]byte, error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: most}}
	list, err := client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil || len(list) == 0 || len(list[0].BodySection) == 0 {
		return nil, err
	}
	return list[0].BodySection[0].Bytes, nil
}

// expunge removes what is marked: only ours, where the server can tell (RFC 4315).
func expunge(client *imapclient.Client, gone imap.UIDSet) error {
	if len(gone) == 0 {
		return nil
	}
	if caps := client.Caps(); caps.Has(imap.CapUIDPlus) || caps.Has(imap.CapIMAP4rev2) {
		return client.UIDExpunge(gone).Close()
	}
	return client.Expunge().Close()
}

// answered makes an error one of the program's: a server's own no as refused says, and
// everything else the connection's.
func (c Config) answered(err error, refused func(error) *publisher.Error) error {
	var no *imap.Error
	if errors.As(err, &no) {
		return refused(err)
	}
	return c.fail(publisher.Busy, err)
}
