package ledger

import "context"

// Exec runs a statement that no user of a ledger has.
func (l *Ledger) Exec(ctx context.Context, statement string, args ...any) error {
	_, err := l.write.ExecContext(ctx, statement, args...)
	return err
}
