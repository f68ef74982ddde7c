package app

import (
	"context"
	"net/http"

	"crieur/publisher/ledger"
	"crieur/publisher/source/feed"
)

var _ feed.Subscriptions = (*ledger.Ledger)(nil)

// websub answers the hubs of the sources' feeds, below any path. arrived is told a
// source's name after each delivery: SourceWaiting gives what is new. It is safe for
// concurrent use if arrived is.
func (a *App) websub(ctx context.Context, arrived func(name string)) (http.Handler, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	told := func(name string, take func(feed.Config) error) error {
		s, err := a.source(name)
		if err == nil {
			err = take(a.feedConfig(s))
		}
		if err == nil {
			arrived(name)
		}
		return err
	}
	return &feed.Callback{
		Store: store, Now: a.o.Now, Log: a.o.Log,
		Deliver: func(ctx context.Context, name, contentType string, data []byte) error {
			return told(name, func(c feed.Config) error {
				_, err := feed.Deliver(ctx, store, c, contentType, data)
				return err
			})
		},
		Look: func(ctx context.Context, name string) error {
			return told(name, func(c feed.Config) error {
				_, err := feed.Poll(ctx, store, c)
				return err
			})
		},
	}, nil
}
