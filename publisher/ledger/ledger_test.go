package ledger_test

import (
	"os"
	"testing"

	"crieur/publisher/audience"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

var _ audience.Store = (*ledger.Ledger)(nil)

func TestMain(m *testing.M) { os.Exit(ledgertest.Main(m)) }

func TestConformance(t *testing.T) {
	for _, e := range ledgertest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			ledgertest.Run(t, func(t *testing.T) *ledger.Ledger { return ledgertest.Open(t, e.New(t)) })
		})
	}
}
