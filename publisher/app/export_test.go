package app

import (
	"context"
	"time"
)

// DeliverAt is when the daemon would deliver next; zero: nothing is to be delivered.
func (a *App) DeliverAt(ctx context.Context) (time.Time, error) {
	keys, err := a.deliveriesDue(ctx)
	if len(keys) == 0 {
		return time.Time{}, err
	}
	return keys[0].at, err
}
