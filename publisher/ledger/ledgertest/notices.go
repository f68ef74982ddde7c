package ledgertest

import (
	"testing"
	"time"

	"crieur/publisher/ledger"
)

func notices(t *testing.T, l *ledger.Ledger) {
	claim := func(about string, at time.Time, want bool) {
		t.Helper()
		got, err := l.ClaimNotice(t.Context(), "report", about, at, at.Add(-10*time.Minute))
		must(t, err)
		same(t, "claimed "+about, got, want)
	}
	claim("i1", noon, true)
	claim("i1", noon.Add(5*time.Minute), false) // somebody is at it
	claim("i2", noon, true)
	claim("i1", noon.Add(11*time.Minute), true)                     // they died
	must(t, l.NoticeSent(t.Context(), "report", "i1", time.Time{})) // it could not be sent
	claim("i1", noon.Add(12*time.Minute), true)                     // and is tried again
	must(t, l.NoticeSent(t.Context(), "report", "i1", noon))        // it was
	must(t, l.NoticeSent(t.Context(), "report", "i1", time.Time{})) // what is sent stays sent
	claim("i1", noon.Add(time.Hour), false)
	got, err := l.ClaimNotice(t.Context(), "proof", "i1", noon, noon)
	must(t, err)
	same(t, "another kind", got, true)
}
