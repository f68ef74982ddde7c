package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
)

// SaveMedia keeps a picture and gives the hash that a MediaRef names it by. The
// same bytes are kept once.
func (l *Ledger) SaveMedia(ctx context.Context, mediaType string, data []byte) (hash string, err error) {
	sum := sha256.Sum256(data)
	hash = hex.EncodeToString(sum[:])
	err = l.update(ctx, "store the picture", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO media (hash, type, data) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			hash, mediaType, data)
		return err
	})
	return hash, err
}

// Media gives a picture by its hash.
func (l *Ledger) Media(ctx context.Context, hash string) (data []byte, mediaType string, err error) {
	err = l.read.QueryRowContext(ctx, `SELECT data, type FROM media WHERE hash = $1`, hash).Scan(&data, &mediaType)
	if err != nil {
		return nil, "", l.find("read the picture", "picture", err)
	}
	return data, mediaType, nil
}

// LoadToken gives what a channel's network had saved; nil where there is nothing.
func (l *Ledger) LoadToken(ctx context.Context, channel string) ([]byte, error) {
	var data []byte
	err := l.read.QueryRowContext(ctx, `SELECT data FROM tokens WHERE channel = $1`, channel).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, l.fail("read the channel's token", err)
	}
	return data, nil
}

// SaveToken keeps data for a channel in place of what was there; nil forgets it.
func (l *Ledger) SaveToken(ctx context.Context, channel string, data []byte) error {
	return l.update(ctx, "store the channel's token", func(tx *sql.Tx) error {
		if data == nil {
			_, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE channel = $1`, channel)
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO tokens (channel, data, saved_at) VALUES ($1, $2, $3)
			ON CONFLICT (channel) DO UPDATE SET data = excluded.data, saved_at = excluded.saved_at`,
			channel, data, millis(l.now()))
		return err
	})
}
