package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/doctor"
	"crieur/publisher/mail"
)

// signing gives the configured keys as mails are signed with them.
func (a *App) signing() []mail.DKIM {
	var all []mail.DKIM
	for _, d := range a.conf.DKIM {
		one := mail.DKIM{Domain: d.Name}
		if key := d.RSA(); key != nil {
			one.Keys = append(one.Keys, mail.DKIMKey{Selector: d.Selector, Key: key})
		}
		if key, selector := d.Ed25519(); key != nil {
			one.Keys = append(one.Keys, mail.DKIMKey{Selector: selector, Key: key})
		}
		if len(one.Keys) > 0 { // the sandbox does without
			all = append(all, one)
		}
	}
	return all
}

// DKIMOptions is what dkim new is told.
type DKIMOptions struct {
	Domain   string
	Selector string // "": crieur and the month
	Dir      string // folder of the keys; "": dkim beside the configuration
	Config   string // path of the configuration; "": config.yaml
	Now      func() time.Time
}

// DKIMReport is what dkim new wrote, and what is to be done with it.
type DKIMReport struct {
	Domain   string          `json:"domain"`
	Selector string          `json:"selector"`
	Written  []string        `json:"written"`
	Records  []doctor.Record `json:"records"`
	Config   string          `json:"config"` // the lines for config.yaml
}

// NewDKIM makes an RSA and an Ed25519 key for a domain, in files that their owner
// alone can read, and overwrites none. It needs no configuration and changes none.
func NewDKIM(o DKIMOptions) (DKIMReport, error) {
	domain, err := senderDomain(o.Domain)
	if err != nil {
		return DKIMReport{}, &publisher.Error{Kind: publisher.Invalid, Op: "make keys", Err: err,
			Hint: "give the domain after the @ of the sender, such as gazette.example"}
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	r := DKIMReport{Domain: domain, Selector: strings.ToLower(firstOf(o.Selector, "crieur"+now().Format("0601")))}
	second := config.Ed25519Selector(r.Selector)
	if !config.ValidSelector(r.Selector) || !config.ValidSelector(second) {
		return r, &publisher.Error{Kind: publisher.Invalid, Op: "make keys", Where: "--selector", Err: fmt.Errorf("%q is no selector", r.Selector),
			Hint: "take letters, digits and hyphens"}
	}
	home := filepath.Dir(firstOf(o.Config, "config.yaml"))
	dir := firstOf(o.Dir, filepath.Join(home, "dkim"))
	keys := []struct{ algorithm, selector, path string }{
		{"rsa-sha256", r.Selector, filepath.Join(dir, r.Selector+"."+domain+".pem")},
		{"ed25519-sha256", second, filepath.Join(dir, second+"."+domain+".pem")},
	}
	for _, k := range keys {
		if _, err := os.Lstat(k.path); err == nil {
			return r, &publisher.Error{Kind: publisher.Invalid, Op: "make keys", Where: k.path, Err: errors.New("there is one already"),
				Hint: "--selector names a new one: keep the old key in DNS until its last mails have arrived"}
		}
	}
	if err := keyFolder(dir, &r); err != nil {
		return r, err
	}
	var made []string
	for _, k := range keys {
		key, err := mail.NewDKIMKey(k.algorithm, k.selector)
		if err == nil {
			err = writeKey(k.path, key)
		}
		if err != nil {
			for _, half := range made { // one key without the other is of no use
				err = errors.Join(err, os.Remove(half))
			}
			return r, err
		}
		made = append(made, k.path)
		value, err := key.Record()
		if err != nil {
			return r, err
		}
		r.Records = append(r.Records, doctor.Record{Name: key.RecordName(domain), Type: "TXT", Value: value})
	}
	r.Written = append(r.Written, made...)
	r.Config = fmt.Sprintf("dkim:\n  %s:\n    selector: %s\n    rsa_key: ${file:%s}\n    ed25519_key: ${file:%s}\n",
		domain, r.Selector, fromConfig(home, keys[0].path), fromConfig(home, keys[1].path))
	return r, nil
}

// senderDomain gives a domain as DNS has it.
func senderDomain(domain string) (string, error) {
	domain = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(domain), "."))
	if _, _, err := publisher.SplitEmail("x@" + domain); err != nil || !strings.Contains(domain, ".") {
		return "", fmt.Errorf("%q is no domain", domain)
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("%q is no possible domain", domain)
	}
	return ascii, nil
}

// keyFolder makes the folder of the keys where there is none, closed to others and
// kept out of git.
func keyFolder(dir string, r *DKIMReport) error {
	if isDir(dir) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cannotWrite(dir, err)
	}
	ignored := filepath.Join(dir, ".gitignore")
	if err := writeNew(ignored, "# private keys\n*\n", 0o600); err != nil {
		return cannotWrite(ignored, err)
	}
	r.Written = append(r.Written, ignored)
	return nil
}

func writeKey(path string, key mail.DKIMKey) error {
	text, err := key.PEM()
	if err != nil {
		return err
	}
	if err := writeNew(path, string(text), 0o600); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

// fromConfig gives a path as ${file:…} takes it: relative to the configuration's
// folder where it lies below it.
func fromConfig(home, path string) string {
	h, err := filepath.Abs(home)
	p, perr := filepath.Abs(path)
	if err != nil || perr != nil {
		return filepath.ToSlash(path)
	}
	if rel, err := filepath.Rel(h, p); err == nil && filepath.IsLocal(rel) {
		p = rel
	}
	return filepath.ToSlash(p)
}
