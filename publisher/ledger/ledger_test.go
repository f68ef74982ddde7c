package ledger_test

import (
	"os"
	"testing"

	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

func TestMain(m *testing.M) { os.Exit(ledgertest.Main(m)) }

func TestConformance(t *testing.T) {
	ledgertest.Each(t, func(t *testing.T, c ledger.Config) { ledgertest.Open(t, c) })
}
