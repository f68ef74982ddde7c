package publisher

import "log/slog"

// A Secret is a password, token or key. However it is printed, logged or
// marshalled, it shows as "[secret]"; only Reveal gives it.
type Secret string

const hidden = "[secret]"

// Reveal gives the secret itself, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

func (s Secret) GoString() string             { return `"` + s.String() + `"` }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }
