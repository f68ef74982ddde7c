//go:build !linux

package ledgertest

import "errors"

type server struct{ dsn string }

func start(bool) (*server, error) {
	return nil, errors.New("a server of its own is started on Linux only: set CRIEUR_TEST_POSTGRES to the address of one")
}

func (*server) stop() {}

func (*server) end() error { return errors.ErrUnsupported }

func (*server) run() error { return errors.ErrUnsupported }
