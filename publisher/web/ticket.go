package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// A Ticket lets one person decide over one text, until it expires.
type Ticket struct {
	Issue   string `json:"i"`
	Channel string `json:"c"`
	Hash    string `json:"h"` // of the text that they were shown
	Who     string `json:"w"`
	Expires int64  `json:"e"` // unix seconds
}

// Seal makes a ticket an unguessable token that only who has the key can make.
func (t Ticket) Seal(key []byte) string {
	text, _ := json.Marshal(t) // strings and a number are always marshalled
	return base64.RawURLEncoding.EncodeToString(text) + "." + base64.RawURLEncoding.EncodeToString(seal(key, text))
}

// openTicket reads a token. It gives false for one that another key, or nobody, made,
// and for one that has expired.
func openTicket(key []byte, token string, now time.Time) (t Ticket, ok bool) {
	body, mac, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	given, macErr := base64.RawURLEncoding.DecodeString(mac)
	if err != nil || macErr != nil || len(key) == 0 || !hmac.Equal(given, seal(key, text)) || json.Unmarshal(text, &t) != nil {
		return Ticket{}, false
	}
	return t, now.Unix() < t.Expires
}

func seal(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("crieur desk ticket\x00"))
	h.Write(text)
	return h.Sum(nil)
}
