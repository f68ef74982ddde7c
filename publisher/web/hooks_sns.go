package web

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" // SignatureVersion 1, which topics have unless told otherwise
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"crieur/publisher"
)

// An SNSHook is a topic of Amazon SNS, or of a service that speaks like it.
type SNSHook struct {
	Topic string         // its ARN: messages of other topics are refused, whoever signed them
	Roots *x509.CertPool // that the signing certificate's chain has to end at; nil: the system's
}

// An snsService is where a service's own things lie. Nothing is fetched from elsewhere,
// whatever a message says.
type snsService struct {
	certificates *regexp.Regexp // hosts that hold signing certificates
	issuers      *regexp.Regexp // hosts that hold the certificates of those who issued them
	confirms     *regexp.Regexp // hosts that subscriptions are confirmed at
	name         string         // that the certificate has to be made out to; "": any, for the roots are the service's own
}

var (
	// docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. What stands
	// in the middle is a region's name: sns.s3.amazonaws.com would be somebody's bucket.
	amazon = snsService{
		certificates: regexp.MustCompile(`^sns\.[a-z]+(-[a-z]+)+-[0-9]+\.amazonaws\.com(\.cn)?$`),
		issuers:      regexp.MustCompile(`^[a-z0-9.-]+\.amazontrust\.com$`),
		confirms:     regexp.MustCompile(`^sns\.[a-z]+(-[a-z]+)+-[0-9]+\.amazonaws\.com(\.cn)?$`),
		name:         "sns.amazonaws.com",
	}
	// www.scaleway.com/en/docs/topics-and-events/reference-content/veriying-webhooks: the
	// certificate has to be issued by Scaleway's own authority, which the owner configures.
	scaleway = snsService{
		certificates: regexp.MustCompile(`^([a-z0-9-]+\.)+(scw\.cloud|scaleway\.com)$`),
		issuers:      regexp.MustCompile(`^$`),
		confirms:     regexp.MustCompile(`^([a-z0-9-]+\.)+(scw\.cloud|scaleway\.com)$`),
	}
)

type sns struct {
	*hooks
	SNSHook
	service snsService
	mu      sync.Mutex
	keys    map[string]*x509.Certificate // by their address
}

func newSNS(h *hooks, hook SNSHook, service snsService) (*sns, error) {
	if service.name == "" && hook.Roots == nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read webhooks", Where: "returns.webhooks.scaleway.ca",
			Err: errors.New("no authority is given"), Hint: "give the trust chain that Scaleway's documentation names, as ${file:PATH}"}
	}
	return &sns{hooks: h, SNSHook: hook, service: service, keys: map[string]*x509.Certificate{}}, nil
}

// A notice is an SNS message
// (docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html).
type notice struct {
	Type, MessageId, TopicArn, Timestamp, Message, Token string
	Subject                                              *string
	SubscribeURL, SigningCertURL                         string
	Signature, SignatureVersion                          string
}

// read proves a message, confirms a subscription, and hands a notification on.
func (s *sns) read(event func(message []byte) ([]publisher.Return, error)) reader {
	return func(r *http.Request, body []byte) ([]publisher.Return, error) {
		var n notice
		if err := decode(body, &n); err != nil {
			return nil, err
		}
		if !same(n.TopicArn, s.Topic) {
			return nil, forbidden("it is of the topic %.200q", n.TopicArn)
		}
		if err := s.verify(r, n); err != nil {
			return nil, err
		}
		switch n.Type {
		case "Notification":
			return event([]byte(n.Message))
		case "SubscriptionConfirmation":
			_, err := s.get(r, n.SubscribeURL, s.service.confirms, false)
			if err == nil {
				s.Log.Info("a webhook's subscription was confirmed", "topic", n.TopicArn)
			}
			return nil, err
		}
		return nil, nil
	}
}

// signed gives the text that a message's signature covers
// (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html).
func (n notice) signed() []byte {
	var b bytes.Buffer
	put := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	put("Message", n.Message)
	put("MessageId", n.MessageId)
	if n.Type == "Notification" {
		if n.Subject != nil {
			put("Subject", *n.Subject)
		}
	} else {
		put("SubscribeURL", n.SubscribeURL)
	}
	put("Timestamp", n.Timestamp)
	if n.Type != "Notification" {
		put("Token", n.Token)
	}
	put("TopicArn", n.TopicArn)
	put("Type", n.Type)
	return b.Bytes()
}

func (s *sns) verify(r *http.Request, n notice) error {
	var hash crypto.Hash
	switch n.SignatureVersion {
	case "1":
		hash = crypto.SHA1
	case "2":
		hash = crypto.SHA256
	default:
		return forbidden("signature version %.20q is not known", n.SignatureVersion)
	}
	given, err := base64.StdEncoding.DecodeString(n.Signature)
	if err != nil {
		return forbidden("the signature cannot be read")
	}
	cert, err := s.certificate(r, n.SigningCertURL)
	if err != nil {
		return err
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return forbidden("the signing key is no RSA key")
	}
	sum := hash.New()
	sum.Write(n.signed())
	if rsa.VerifyPKCS1v15(key, hash, sum.Sum(nil), given) != nil {
		return forbidden("the signature is wrong")
	}
	return nil
}

// certificate gives a signing certificate that is trusted now.
func (s *sns) certificate(r *http.Request, address string) (*x509.Certificate, error) {
	s.mu.Lock()
	cert := s.keys[address]
	s.mu.Unlock()
	if cert != nil && s.Now().Before(cert.NotAfter) {
		return cert, nil
	}
	text, err := s.get(r, address, s.service.certificates, false)
	if err != nil {
		return nil, err
	}
	chain := certificates(text)
	if len(chain) == 0 {
		return nil, forbidden("there is no certificate where it says")
	}
	cert = chain[0]
	options := x509.VerifyOptions{Roots: s.Roots, Intermediates: x509.NewCertPool(), CurrentTime: s.Now(), DNSName: s.service.name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err = cert.Verify(options)
	if err != nil && len(chain) == 1 && len(cert.IssuingCertificateURL) > 0 {
		// The file may hold the certificate alone: its issuer's is where it says (RFC 5280 §4.2.2.1).
		if text, got := s.get(r, cert.IssuingCertificateURL[0], s.service.issuers, true); got == nil {
			for _, c := range certificates(text) {
				options.Intermediates.AddCert(c)
			}
			_, err = cert.Verify(options)
		}
	}
	if err != nil {
		return nil, forbidden("the signing certificate is not trusted: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) > 16 {
		clear(s.keys)
	}
	s.keys[address] = cert
	return cert, nil
}

// certificates reads certificates in PEM, or one in DER.
func certificates(text []byte) (chain []*x509.Certificate) {
	if c, err := x509.ParseCertificate(text); err == nil {
		return []*x509.Certificate{c}
	}
	for len(chain) < 8 {
		block, rest := pem.Decode(text)
		if block == nil {
			return chain
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			chain = append(chain, c)
		}
		text = rest
	}
	return chain
}

// get fetches a small file of the service's own.
func (s *sns) get(r *http.Request, address string, hosts *regexp.Regexp, plain bool) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && !(plain && u.Scheme == "http") || u.User != nil || u.Port() != "" || !hosts.MatchString(strings.ToLower(u.Hostname())) {
		return nil, forbidden("it names an address that is not the service's")
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, forbidden("it names an address that cannot be read")
	}
	client := *s.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Busy, Op: "fetch from " + u.Host, Err: errors.New("no answer")}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, &publisher.Error{Kind: publisher.Busy, Op: "fetch from " + u.Host, Err: fmt.Errorf("status %d", res.StatusCode)}
	}
	return text, nil
}
