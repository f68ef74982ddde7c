package config_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crieur/publisher/config"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(key any) string { return pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))) }

func TestDKIMKeys(t *testing.T) {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	_, ed := must2(ed25519.GenerateKey(rand.Reader))
	path := write(t, `
dkim:
  gazette.example:
    selector: crieur2611
    rsa_key: ${file:rsa.pem}
    ed25519_key: ${file:ed25519.pem}
  journal.example:
    selector: s1.eu
    rsa_key: ${env:JOURNAL}
    ed25519_key: ${file:none.pem}
    ed25519_selector: s2
  revue.example: {selector: x}
`)
	for name, text := range map[string]string{"rsa.pem": pkcs8(key) + "\n", "ed25519.pem": pkcs8(ed)} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := options(path)
	o.Env = env("JOURNAL", "# a comment before it\n"+pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)))
	c := load(t, o)
	if len(c.DKIM) != 3 {
		t.Fatalf("%d domains", len(c.DKIM))
	}
	for i, want := range []struct {
		name, selector, second string
		rsa, ed                bool
	}{
		{"gazette.example", "crieur2611", "crieur2611-ed25519", true, true},
		{"journal.example", "s1.eu", "s2", true, false}, // the sandbox needs no key
		{"revue.example", "x", "x-ed25519", false, false},
	} {
		d := c.DKIM[i]
		second, name := d.Ed25519()
		if d.Name != want.name || d.Selector != want.selector || name != want.second || (d.RSA() != nil) != want.rsa || (second != nil) != want.ed {
			t.Errorf("got %+v, %q, RSA %v, Ed25519 %v", d, name, d.RSA() != nil, second != nil)
		}
		if want.rsa && !d.RSA().Equal(key) || want.ed && !second.Equal(ed) {
			t.Errorf("%s: not the key of the file", d.Name)
		}
	}
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func TestDKIMKeysThatWillNotDo(t *testing.T) {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	_, ed := must2(ed25519.GenerateKey(rand.Reader))
	good := pkcs8(key)
	// openssl's old way of encrypting a key is marked in the PEM's headers alone.
	old := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x")}))
	for name, test := range map[string]struct{ key, text, want string }{
		"text":              {"rsa_key", "v=DKIM1; k=rsa", "want a private key in PEM"},
		"base64 alone":      {"rsa_key", strings.Split(good, "\n")[1], "want a private key in PEM"},
		"half of it":        {"rsa_key", good[:len(good)/2], "want a private key in PEM"},
		"damaged":           {"rsa_key", pemOf("PRIVATE KEY", []byte("x")), "is a key that cannot be read"},
		"damaged PKCS #1":   {"rsa_key", pemOf("RSA PRIVATE KEY", []byte("x")), "is a key that cannot be read"},
		"certificate":       {"rsa_key", pemOf("CERTIFICATE", []byte("x")), "is a key that cannot be read"},
		"public":            {"rsa_key", pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(key.Public()))), "is a public key"},
		"encrypted":         {"rsa_key", pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), "is a key with a passphrase"},
		"encrypted, old":    {"rsa_key", old, "is a key with a passphrase"},
		"short":             {"rsa_key", pkcs8(must(rsa.GenerateKey(rand.Reader, 1024))), "want an RSA key of 2048 to 4096 bits"},
		"Ed25519 for RSA":   {"rsa_key", pkcs8(ed), "is an Ed25519 key"},
		"ECDSA for RSA":     {"rsa_key", pkcs8(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))), "is no RSA key"},
		"RSA for Ed25519":   {"ed25519_key", good, "is an RSA key"},
		"ECDSA for Ed25519": {"ed25519_key", pkcs8(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))), "is no Ed25519 key"},
		"text for Ed25519":  {"ed25519_key", "x", "want a private key in PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "dkim:\n  gazette.example:\n    selector: s\n    "+test.key+": ${file:key.pem}\n")
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "key.pem"), []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			list := problems(t, options(path))
			want := config.Problem{File: path, Line: 4, Key: "dkim.gazette.example." + test.key, Message: test.want}
			if len(list) != 1 || list[0].Hint == "" {
				t.Fatalf("got %+v", list)
			}
			if list[0].Hint = ""; list[0] != want {
				t.Errorf("got %+v, want %+v", list[0], want)
			}
		})
	}
}
