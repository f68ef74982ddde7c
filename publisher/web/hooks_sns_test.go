package web_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"crieur/publisher/web"
)

// An authority issues certificates as Amazon's does: root, issuer, leaf.
type authority struct {
	root, issuer, leaf *x509.Certificate
	key                *rsa.PrivateKey // the leaf's
}

func newAuthority(t *testing.T, name string, until time.Time) authority {
	t.Helper()
	issue := func(serial int64, cn string, key crypto.Signer, ca bool, parent *x509.Certificate, parentKey crypto.Signer) *x509.Certificate {
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: cn}, NotBefore: hookNow.Add(-time.Hour), NotAfter: until,
			IsCA: ca, BasicConstraintsValid: true, IssuingCertificateURL: []string{"http://crt.r2m03.amazontrust.com/r2m03.cer"}}
		if ca {
			template.KeyUsage = x509.KeyUsageCertSign
		} else {
			template.DNSNames = []string{cn}
		}
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	elliptic := func() crypto.Signer {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	var a authority
	var err error
	if a.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	rootKey, issuerKey := elliptic(), elliptic()
	a.root = issue(1, "Root", rootKey, true, nil, nil)
	a.issuer = issue(2, "Issuer", issuerKey, true, a.root, rootKey)
	a.leaf = issue(3, name, a.key, false, a.issuer, issuerKey)
	return a
}

// sites answers requests by their address, and notes them.
type sites struct {
	files map[string][]byte
	asked []string
}

func (s *sites) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, r.URL.String())
	code := http.StatusOK
	file, ok := s.files[r.URL.String()]
	if !ok {
		code = http.StatusNotFound
	}
	return &http.Response{StatusCode: code, Body: io.NopCloser(bytes.NewReader(file)), Header: http.Header{}, Request: r}, nil
}

const (
	topic   = "arn:aws:sns:eu-west-3:123456789012:bounces"
	certURL = "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-abc.pem"
)

// sign makes an SNS message; what it signs is what AWS's page says.
func sign(t *testing.T, key *rsa.PrivateKey, version string, m map[string]string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
		if v, ok := m[name]; ok {
			text.WriteString(name + "\n" + v + "\n")
		}
	}
	hash, sum := crypto.SHA256, sha256.Sum256([]byte(text.String()))
	digest := sum[:]
	if version == "1" {
		old := sha1.Sum([]byte(text.String()))
		hash, digest = crypto.SHA1, old[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, hash, digest)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{"Signature": base64.StdEncoding.EncodeToString(signature), "SignatureVersion": version, "SigningCertURL": certURL}
	for k, v := range m {
		out[k] = v
	}
	return jsonText(t, out)
}

func notification(message string) map[string]string {
	return map[string]string{"Type": "Notification", "MessageId": "1", "TopicArn": topic, "Timestamp": "2026-11-25T11:59:00.000Z", "Message": message}
}

const sesBounce = `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","reportingMTA":"dns; mx",
	"bouncedRecipients":[{"emailAddress":"a@example.org","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 <a@example.org>... User"}]},
	"mail":{"source":"bounces+tok@gazette.example","messageId":"ses-own","commonHeaders":{"messageId":"<abc@gazette.example>"}}}`

func TestSES(t *testing.T) {
	a := newAuthority(t, "sns.amazonaws.com", hookNow.Add(24*time.Hour))
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.leaf.Raw})
	confirm := "https://sns.eu-west-3.amazonaws.com/?Action=ConfirmSubscription&Token=x"
	net := &sites{files: map[string][]byte{certURL: leaf, "http://crt.r2m03.amazontrust.com/r2m03.cer": a.issuer.Raw, confirm: []byte("<ok/>")}}
	h, got := newHooks(t, web.HooksConfig{SES: web.SNSHook{Topic: topic, Roots: roots}, Client: &http.Client{Transport: net}})
	say := func(body string) int { t.Helper(); return hook(t, h, "/hooks/ses", body, nil) }

	for _, version := range []string{"1", "2"} {
		if code := say(sign(t, a.key, version, notification(sesBounce))); code != 200 {
			t.Errorf("version %s: %d", version, code)
		}
		got.want(t, "bounce", "ses failed a@example.org 550 5.1.1 id=abc@gazette.example path=bounces+tok@gazette.example")
	}
	if len(net.asked) != 2 {
		t.Errorf("the certificate was fetched more than once: %v", net.asked)
	}
	with := notification(sesBounce)
	with["Subject"] = "Amazon SES Email Event Notification"
	if code := say(sign(t, a.key, "2", with)); code != 200 {
		t.Errorf("with a subject: %d", code)
	}
	got.all = nil
	for name, c := range map[string]struct {
		message string
		want    []string
	}{
		"complaint":  {`{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"a@example.org"}],"complaintFeedbackType":"abuse"},"mail":{}}`, []string{"ses complaint a@example.org 0 "}},
		"not spam":   {`{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"a@example.org"}],"complaintFeedbackType":"not-spam"}}`, nil},
		"full":       {`{"notificationType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"MailboxFull","bouncedRecipients":[{"emailAddress":"a@example.org"}]}}`, []string{"ses failed a@example.org 500 5.2.2"}},
		"vacation":   {`{"notificationType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"a@example.org"}]}}`, nil},
		"suppressed": {`{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"Suppressed","bouncedRecipients":[{"emailAddress":"a@example.org","status":"5.0.0"}]}}`, []string{"ses failed a@example.org 500 5.1.1"}},
		"delivery":   {`{"notificationType":"Delivery"}`, nil},
		"words":      {"Successfully validated SNS topic for Amazon SES event publishing.", nil},
	} {
		if code := say(sign(t, a.key, "2", notification(c.message))); code != 200 {
			t.Errorf("%s: %d", name, code)
		}
		got.want(t, name, c.want...)
	}

	net.asked = nil
	subscribe := map[string]string{"Type": "SubscriptionConfirmation", "MessageId": "1", "TopicArn": topic, "Timestamp": "t", "Message": "m", "Token": "x", "SubscribeURL": confirm}
	if code := say(sign(t, a.key, "2", subscribe)); code != 200 || len(net.asked) != 1 || net.asked[0] != confirm {
		t.Errorf("subscription: %d, asked %v", code, net.asked)
	}
	net.asked = nil
	subscribe["SubscribeURL"] = "https://169.254.169.254/latest/meta-data"
	if code := say(sign(t, a.key, "2", subscribe)); code != 403 || len(net.asked) != 0 {
		t.Errorf("a subscription elsewhere: %d, asked %v", code, net.asked)
	}

	stranger := newAuthority(t, "sns.amazonaws.com", hookNow.Add(time.Hour))
	other := notification(sesBounce)
	other["TopicArn"] = "arn:aws:sns:eu-west-3:999999999999:bounces"
	good := sign(t, a.key, "2", notification(sesBounce))
	for name, body := range map[string]string{
		"another topic":           sign(t, a.key, "2", other),
		"another key":             sign(t, stranger.key, "2", notification(sesBounce)),
		"changed":                 strings.Replace(good, "a@example.org", "victim@example.org", 1),
		"unsigned":                jsonText(t, notification(sesBounce)),
		"version 3":               strings.Replace(good, `"SignatureVersion":"2"`, `"SignatureVersion":"3"`, 1),
		"downgraded":              strings.Replace(good, `"SignatureVersion":"2"`, `"SignatureVersion":"1"`, 1),
		"raw delivery":            sesBounce,
		"http":                    strings.Replace(good, "https://sns.", "http://sns.", 1),
		"another host":            strings.Replace(good, "https://sns.eu-west-3.amazonaws.com/", "https://sns.eu-west-3.amazonaws.com.evil.example/", 1),
		"a user before":           strings.Replace(good, "https://sns.", "https://sns.eu-west-3.amazonaws.com@evil.example/sns.", 1),
		"a bucket":                strings.Replace(good, "https://sns.eu-west-3.amazonaws.com/", "https://bucket.s3.amazonaws.com/", 1),
		"a bucket of that name":   strings.Replace(good, "sns.eu-west-3.amazonaws.com", "sns.s3.amazonaws.com", 1),
		"a bucket in a region":    strings.Replace(good, "sns.eu-west-3.amazonaws.com", "sns.s3-eu-west-3.amazonaws.com", 1),
		"a dot of another script": strings.Replace(good, "sns.eu-west-3.amazonaws.com", "sns.eu-west-3.amazonaws。com", 1),
		"another port":            strings.Replace(good, "amazonaws.com/", "amazonaws.com:8443/", 1),
		"loopback, plain":         strings.Replace(good, "https://sns.eu-west-3.amazonaws.com/", "http://127.0.0.1/", 1),
	} {
		net.asked = nil
		if code := say(body); code != 403 {
			t.Errorf("%s: %d, want 403", name, code)
		}
		if len(net.asked) != 0 {
			t.Errorf("%s: asked %v", name, net.asked)
		}
	}
	got.want(t, "refused")
	for name, bad := range map[string]authority{
		"not Amazon's root": stranger, "made out to another": newAuthority(t, "sns.evil.example", hookNow.Add(time.Hour)), "expired": newAuthority(t, "sns.amazonaws.com", hookNow.Add(-time.Minute)),
	} {
		pool := x509.NewCertPool()
		pool.AddCert(bad.root)
		if name == "not Amazon's root" {
			pool = roots
		}
		net.files[certURL], net.files["http://crt.r2m03.amazontrust.com/r2m03.cer"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bad.leaf.Raw}), bad.issuer.Raw
		h, got := newHooks(t, web.HooksConfig{SES: web.SNSHook{Topic: topic, Roots: pool}, Client: &http.Client{Transport: net}})
		if code := hook(t, h, "/hooks/ses", sign(t, bad.key, "2", notification(sesBounce)), nil); code != 403 {
			t.Errorf("%s: %d", name, code)
		}
		got.want(t, name)
	}
	delete(net.files, certURL)
	h, _ = newHooks(t, web.HooksConfig{SES: web.SNSHook{Topic: topic, Roots: roots}, Client: &http.Client{Transport: net}})
	if code := hook(t, h, "/hooks/ses", good, nil); code != 503 {
		t.Errorf("no certificate to be had: %d, want 503", code)
	}
}

func TestScaleway(t *testing.T) {
	a := newAuthority(t, "sns.mnq.fr-par.scaleway.com", hookNow.Add(24*time.Hour))
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	roots.AddCert(a.issuer)
	address := "https://messaging.s3.fr-par.scw.cloud/fr-par/sns/SNS-abc.pem"
	net := &sites{files: map[string][]byte{address: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.leaf.Raw})}}
	h, got := newHooks(t, web.HooksConfig{Scaleway: web.SNSHook{Topic: topic, Roots: roots}, Client: &http.Client{Transport: net}})
	for message, want := range map[string][]string{
		`{"type":"email_mailbox_not_found","email_from":"bounces+t@gazette.example","email_to":"a@example.org","email_response_code":550,"email_response_message":"5.1.1 unknown","email_headers":{"Message-Id":"<abc@gazette.example>"}}`: {"scaleway failed a@example.org 550 5.1.1 id=abc@gazette.example path=bounces+t@gazette.example"},
		`{"type":"email_dropped","email_to":"a@example.org","email_response_code":552,"email_response_message":"5.2.2 full","email_headers":[{"key":"Message-ID","value":"<d@gazette.example>"}]}`:                                         {"scaleway failed a@example.org 552 5.2.2 id=d@gazette.example"},
		`{"type":"email_spam","email_to":"a@example.org"}`:      {"scaleway failed a@example.org 500 5.7.1"},
		`{"type":"email_delivered","email_to":"a@example.org"}`: nil,
	} {
		body := strings.Replace(sign(t, a.key, "1", notification(message)), certURL, address, 1)
		if code := hook(t, h, "/hooks/scaleway", body, nil); code != 200 {
			t.Errorf("%s: %d", message, code)
		}
		got.want(t, message, want...)
	}
	if code := hook(t, h, "/hooks/scaleway", sign(t, a.key, "1", notification("{}")), nil); code != 403 {
		t.Errorf("a certificate of Amazon's: %d", code)
	}
	if _, err := web.Hooks(web.HooksConfig{Scaleway: web.SNSHook{Topic: topic}}); err == nil {
		t.Error("no authority, and no error")
	}
}
