package mailbox

import (
	"context"
	"errors"
	"net"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"crieur/publisher"
)

// emptyIMAP gives out what is neither read nor deleted (RFC 9051). A mail program that
// shows the mailbox as well would mark messages as read and so keep them from us.
func (c Config) emptyIMAP(ctx context.Context, conn net.Conn, take Take) (r Round, err error) {
	client, err := c.imap(conn)
	if err != nil {
		return r, err
	}
	defer client.Close()
	if err := client.Login(c.User, c.Password.Reveal()).Wait(); err != nil {
		return r, c.answered(err, c.denied)
	}
	folder := c.Folder
	if folder == "" {
		folder = "INBOX"
	}
	if _, err := client.Select(folder, nil).Wait(); err != nil {
		return r, c.answered(err, func(err error) *publisher.Error {
			e := c.fail(publisher.Invalid, err)
			e.Hint = "see returns.mailbox.folder"
			return e
		})
	}
	busy := func(err error) *publisher.Error { return c.fail(publisher.Busy, err) }
	found, err := client.UIDSearch(&imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen, imap.FlagDeleted}}, nil).Wait()
	if err != nil {
		return r, c.answered(err, busy)
	}
	var gone imap.UIDSet
	for _, uid := range found.AllUIDs() {
		raw, err := fetch(client, uid, c.MaxSize)
		if err != nil {
			return r, c.answered(err, busy)
		}
		if raw == nil {
			continue // somebody else took it meanwhile
		}
		r.Seen++
		fate, err := take(ctx, raw)
		if err != nil {
			return r, errors.Join(err, expunge(client, gone))
		}
		flag := imap.FlagSeen
		switch {
		case fate == Later:
			continue
		case fate == Leave:
			r.Left++
		case c.Keep:
			r.Removed++
		default:
			r.Removed++
			flag = imap.FlagDeleted
			gone.AddNum(uid)
		}
		if err := client.Store(imap.UIDSetNum(uid), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close(); err != nil {
			return r, c.answered(err, busy)
		}
	}
	if err := expunge(client, gone); err != nil {
		return r, c.answered(err, busy)
	}
	_ = client.Logout().Wait()
	return r, nil
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
