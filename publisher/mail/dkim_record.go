package mail

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"

	"crieur/publisher"
)

// NewDKIMKey makes a key that signs with "rsa-sha256" (2048 bits: what every verifier
// takes and one TXT record comfortably holds) or "ed25519-sha256".
func NewDKIMKey(algorithm, selector string) (DKIMKey, error) {
	k := DKIMKey{Selector: selector}
	var err error
	switch algorithm {
	case "rsa-sha256":
		k.Key, err = rsa.GenerateKey(rand.Reader, minRSABits)
	case "ed25519-sha256":
		_, k.Key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = errors.New("no such algorithm " + algorithm)
	}
	if err != nil {
		return DKIMKey{}, &publisher.Error{Kind: publisher.Internal, Op: "make key", Err: err}
	}
	return k, nil
}

// PEM gives the private key as PKCS #8 in PEM, which is what crieur and openssl read.
func (k DKIMKey) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Key)
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Internal, Op: "write key", Err: err}
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// RecordName gives where DNS has the public half, for the domain of the signature.
func (k DKIMKey) RecordName(domain string) string {
	return strings.ToLower(k.Selector + "._domainkey." + domain)
}

// Record gives the public half as RFC 6376 §3.6.1 and RFC 8463 §4 write it in a TXT
// record.
func (k DKIMKey) Record() (string, error) {
	switch public := k.Key.Public().(type) {
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return "", &publisher.Error{Kind: publisher.Internal, Op: "write record", Err: err}
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	}
	return "", &publisher.Error{Kind: publisher.Internal, Op: "write record", Err: errors.New("neither an RSA nor an Ed25519 key")}
}
