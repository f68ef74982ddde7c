package sandbox

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Content identifiers as the AT Protocol has them (atproto.com/specs/data-model):
// version 1, SHA-256, of DAG-CBOR for records and of the raw bytes for blobs.
const (
	codecRaw  = 0x55
	codecCBOR = 0x71
)

func cidOf(codec byte, data []byte) string {
	sum := sha256.Sum256(data)
	b := append([]byte{1, codec, 0x12, 32}, sum[:]...)
	return "b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// recordCID gives the CID of a record, decoded from JSON with UseNumber.
func recordCID(record any) (string, error) {
	data, err := appendCBOR(nil, record)
	if err != nil {
		return "", err
	}
	return cidOf(codecCBOR, data), nil
}

// appendCBOR appends v as DAG-CBOR: shortest forms, map keys by length, then bytes;
// {"$link": CID} becomes a link and {"$bytes": base64} a byte string.
func appendCBOR(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, 0xf6), nil
	case bool:
		if v {
			return append(b, 0xf5), nil
		}
		return append(b, 0xf4), nil
	case string:
		return append(appendHead(b, 3, uint64(len(v))), v...), nil
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			return nil, fmt.Errorf("%s: records hold whole numbers only", v)
		}
		if n < 0 {
			return appendHead(b, 1, uint64(-1-n)), nil
		}
		return appendHead(b, 0, uint64(n)), nil
	case []any:
		b = appendHead(b, 4, uint64(len(v)))
		for _, e := range v {
			var err error
			if b, err = appendCBOR(b, e); err != nil {
				return nil, err
			}
		}
		return b, nil
	case map[string]any:
		return appendMap(b, v)
	}
	return nil, fmt.Errorf("a %T is no JSON value", v)
}

func appendMap(b []byte, m map[string]any) ([]byte, error) {
	if text, ok := m["$link"].(string); ok && len(m) == 1 {
		raw, err := decodeCID(text)
		if err != nil {
			return nil, err
		}
		b = appendHead(b, 6, 42)
		b = appendHead(b, 2, uint64(len(raw)+1))
		return append(append(b, 0), raw...), nil
	}
	if text, ok := m["$bytes"].(string); ok && len(m) == 1 {
		raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil {
			return nil, fmt.Errorf("$bytes: %w", err)
		}
		return append(appendHead(b, 2, uint64(len(raw))), raw...), nil
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
	b = appendHead(b, 5, uint64(len(m)))
	for _, name := range names {
		b = append(appendHead(b, 3, uint64(len(name))), name...)
		var err error
		if b, err = appendCBOR(b, m[name]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// appendHead appends a CBOR head: RFC 8949 §3.
func appendHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func decodeCID(text string) ([]byte, error) {
	body, ok := strings.CutPrefix(text, "b")
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(body))
	if !ok || err != nil || len(raw) != 36 || raw[0] != 1 || raw[2] != 0x12 || raw[3] != 32 {
		return nil, fmt.Errorf("%q is no CID", text)
	}
	return raw, nil
}
