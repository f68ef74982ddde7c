package socialtest

import (
	"context"
	"sync"

	"crieur/publisher/social/wire"
)

// memory keeps tokens as the ledger does.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
}

var _ wire.Tokens = (*memory)(nil)

func (m *memory) LoadToken(_ context.Context, channel string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[channel], nil
}

func (m *memory) SaveToken(_ context.Context, channel string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string][]byte{}
	}
	m.kept[channel] = append([]byte(nil), data...)
	return nil
}
