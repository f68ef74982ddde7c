//go:build !linux

package ledger

// bootID is not known here, and so no logbook is kept.
func bootID() (id string, ok bool) { return "", false }
