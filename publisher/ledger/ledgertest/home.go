package ledgertest

import (
	"testing"

	"crieur/publisher/ledger"
)

// A store is at home where it was made, however often it is opened.
func home(t *testing.T, l *ledger.Ledger) {
	for range 2 {
		w, before, err := l.Whereabouts(t.Context())
		must(t, err)
		same(t, "whereabouts", w, ledger.AtHome)
		if before.Place == "" {
			t.Fatal("its home has no place")
		}
	}
	_, err := l.Settle(t.Context())
	must(t, err)
}
