package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"crieur/publisher"
	"crieur/publisher/render"
)

// logins looks once a day whether the networks still take our logins, and tells the
// owner of one that does not, once a week: before a post fails for it. None of the
// networks says when a login will end. Mastodon's tokens and X's have no end but being
// revoked, and Bluesky's are renewed from the app password.
func (a *App) logins(ctx context.Context) (sent int, err error) {
	if len(a.conf.Report.To) == 0 {
		return 0, nil
	}
	now := a.o.Now().In(a.location)
	var errs []error
	for _, c := range a.conf.Channels {
		about := c.Name + " " + now.Format(time.DateOnly)
		look, err := a.store.ClaimNotice(ctx, "login looked at", about, now, now.Add(-claimFor))
		if err != nil || !look {
			errs = append(errs, err)
			continue
		}
		network, err := a.network(ctx, c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		refused := error(nil)
		if v, ok := network.(publisher.Verifier); ok {
			_, refused = v.Verify(ctx)
		}
		if refused != nil && publisher.KindOf(refused) != publisher.Denied {
			// It could not be asked: the next call does.
			errs = append(errs, a.store.NoticeSent(ctx, "login looked at", about, time.Time{}))
			continue
		}
		errs = append(errs, a.store.NoticeSent(ctx, "login looked at", about, now))
		if refused == nil {
			continue
		}
		n, err := a.tellRefused(ctx, c.Name, c.Kind, refused)
		sent += n
		errs = append(errs, err)
	}
	return sent, errors.Join(errs...)
}

func (a *App) tellRefused(ctx context.Context, channel, network string, why error) (sent int, err error) {
	year, week := a.o.Now().In(a.location).ISOWeek()
	for _, to := range a.conf.Report.To {
		n, err := a.once(ctx, "login", fmt.Sprintf("%s %d-%d", channel, year, week), to, func() (publisher.Rendering, error) {
			language := a.ownerLanguage()
			words := a.catalogue.For(language)
			return a.set.Notice(render.NoticeInput{Site: a.site(language), Language: language, Date: a.o.Now().In(a.location),
				Title: words.T("report.login-title", "Channel", channel), Lead: words.T("report.login", "Channel", channel, "Network", network),
				Parts: []render.NoticePart{{Title: words.T("report.said"), Lines: []render.NoticeLine{{Text: explain(why)}}},
					{Title: words.T("report.what-now"), Lines: []render.NoticeLine{{Text: "crieur doctor", Note: words.T("report.doctor")}}}}})
		})
		if sent += n; err != nil {
			return sent, err
		}
	}
	return sent, nil
}
