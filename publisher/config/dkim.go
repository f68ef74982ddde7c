package config

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"crieur/publisher"
)

// DKIM is how the mails of one domain, its name, are signed. An RSA key is what all
// mailbox providers check; an Ed25519 key is a second signature for those who can.
type DKIM struct {
	Name            string           `mapstructure:"-"`
	Selector        string           `mapstructure:"selector" required:"true" format:"selector" desc:"The name of the RSA key's record in DNS: SELECTOR._domainkey.DOMAIN."`
	RSAKey          publisher.Secret `mapstructure:"rsa_key" format:"rsa-key" desc:"Private key of 2048 to 4096 bits in PEM, as ${file:PATH}; crieur dkim new makes it. Needed in mode live."`
	Ed25519Key      publisher.Secret `mapstructure:"ed25519_key" format:"ed25519-key" desc:"Private key in PEM, as ${file:PATH}, for a second signature. Left out: none."`
	Ed25519Selector string           `mapstructure:"ed25519_selector" format:"selector" desc:"The name of that key's record. Left out: the selector followed by -ed25519."`
}

// RSA gives the RSA key; nil where there is none.
func (d DKIM) RSA() *rsa.PrivateKey {
	key, _ := readKey(d.RSAKey.Reveal())
	private, _ := key.(*rsa.PrivateKey)
	return private
}

// Ed25519 gives the Ed25519 key and its selector; nil where there is none.
func (d DKIM) Ed25519() (key ed25519.PrivateKey, selector string) {
	read, _ := readKey(d.Ed25519Key.Reveal())
	private, _ := read.(ed25519.PrivateKey)
	return private, cmp.Or(d.Ed25519Selector, Ed25519Selector(d.Selector))
}

// Ed25519Selector gives the selector that an Ed25519 key has where none is named.
func Ed25519Selector(rsaSelector string) string { return rsaSelector + "-ed25519" }

// ValidSelector reports whether s can name a key's record.
func ValidSelector(s string) bool { return len(s) <= 63 && selector.MatchString(s) }

func (l *loader) checkDKIM(c *Config) {
	for _, d := range c.DKIM {
		at := path("dkim").key(d.Name)
		if _, _, err := publisher.SplitEmail("x@" + d.Name); err != nil {
			l.wrong(at, "is no domain", "name the domain after the @ of the sender, such as gazette.example")
			continue
		}
		if n := l.value(at.key("rsa_key")); l.live && (n == nil || n.kind == nothing || n.kind == scalar && n.text == "") {
			l.wrong(at, "has no rsa_key", "crieur dkim new "+d.Name+" makes one; hardly any mailbox provider checks Ed25519 alone")
		}
		if d.Ed25519Selector != "" && strings.EqualFold(d.Ed25519Selector, d.Selector) {
			l.wrong(at.key("ed25519_selector"), "is the selector of the RSA key too", "leave it out: one name in DNS holds one key")
		}
	}
}

// readKey reads a private key in PEM, in one of the forms that openssl and
// opendkim-genkey write.
func readKey(text string) (any, *refusal) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, &refusal{"want a private key in PEM", "it begins with -----BEGIN PRIVATE KEY-----; crieur dkim new makes one"}
	}
	unread := &refusal{"is a key that cannot be read", "crieur dkim new makes one that can"}
	switch block.Type {
	case "PRIVATE KEY":
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, encrypted
		}
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
	case "ENCRYPTED PRIVATE KEY":
		return nil, encrypted
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		return nil, &refusal{"is a public key", "that half belongs in DNS; the private key belongs here"}
	}
	return nil, unread
}

var encrypted = &refusal{"is a key with a passphrase", "nobody can type it while mails go out: take the passphrase off (openssl pkey -in KEY -out NEW) and keep the file readable by you alone"}

func checkRSAKey(s string) *refusal {
	key, e := readKey(s)
	if e != nil {
		return e
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < 2048 || bits > 4096 {
			return &refusal{"want an RSA key of 2048 to 4096 bits", "mailbox providers turn shorter ones down and need not check longer ones; crieur dkim new makes one"}
		}
		return nil
	case ed25519.PrivateKey:
		return &refusal{"is an Ed25519 key", "it goes under ed25519_key, beside an RSA key"}
	}
	return &refusal{"is no RSA key", "crieur dkim new makes one"}
}

func checkEd25519Key(s string) *refusal {
	key, e := readKey(s)
	if e != nil {
		return e
	}
	switch key.(type) {
	case ed25519.PrivateKey:
		return nil
	case *rsa.PrivateKey:
		return &refusal{"is an RSA key", "it goes under rsa_key"}
	}
	return &refusal{"is no Ed25519 key", "crieur dkim new makes one"}
}
