package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// A PDS gives its tokens these lives (facts: measured on 0.4.217 and 0.5.35).
const (
	accessLife  = 2 * time.Hour
	refreshLife = 90 * 24 * time.Hour

	scopeAccess  = "com.atproto.appPass"
	scopeRefresh = "com.atproto.refresh"
)

type claims struct {
	Scope   string `json:"scope"`
	Subject string `json:"sub"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
	ID      string `json:"jti"`
}

// signToken gives a JWT under HMAC-SHA256 (RFC 7519). The key lives in the folder, so
// that a token outlives the process that gave it, as on a real server.
func signToken(key string, c claims) string {
	kind := "at+jwt"
	if c.Scope == scopeRefresh {
		kind = "refresh+jwt"
	}
	header, _ := json.Marshal(map[string]string{"typ": kind, "alg": "HS256"})
	body, _ := json.Marshal(c)
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(key, text))
}

// readToken gives the claims of a token that this sandbox signed.
func readToken(key, token string) (claims, bool) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return claims{}, false
	}
	mac, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if err != nil || !hmac.Equal(mac, tokenMAC(key, token[:i])) {
		return claims{}, false
	}
	_, body, _ := strings.Cut(token[:i], ".")
	raw, err := base64.RawURLEncoding.DecodeString(body)
	var c claims
	return c, err == nil && json.Unmarshal(raw, &c) == nil
}

func tokenMAC(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}
