package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

const (
	listName = "lecteurs"
	domain   = "gazette.example"
)

// address gives a reader's; readerNumber reads it back.
func address(n int) string { return fmt.Sprintf("lecteur%08d@example.org", n) }

func readerNumber(address []byte) (n int, ok bool) {
	rest, found := bytes.CutPrefix(address, []byte("lecteur"))
	if !found || len(rest) < 9 || rest[8] != '@' {
		return 0, false
	}
	for _, c := range rest[:8] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// readersMain writes readers into a fresh store.
func readersMain(ctx context.Context, args []string) error {
	var c ledger.Config
	f := flag.NewFlagSet("readers", flag.ContinueOnError)
	f.StringVar(&c.Dir, "dir", "", "")
	f.StringVar(&c.DSN, "dsn", "", "")
	n := f.Int("n", 0, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	l, err := ledger.Open(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	const batch = 5000
	now := time.Now()
	names := []string{"Zoé Lefèvre", "Camille", "Noé d’Arcy", "Inès O’Brien-Dubois", ""}
	for from := 0; from < *n; from += batch {
		some := make([]publisher.NewSubscriber, 0, batch)
		for i := from; i < min(from+batch, *n); i++ {
			some = append(some, publisher.NewSubscriber{Email: address(i), Name: names[i%len(names)], Language: "fr",
				Token: fmt.Sprintf("%026x", i*2654435761), Since: now.AddDate(0, 0, -i%1000), Status: publisher.Confirmed})
		}
		if _, _, _, err := l.UpsertSubscribers(ctx, listName, some, "bench", now); err != nil {
			return err
		}
	}
	return nil
}

// letterSize is how much text the letter is made of, in octets: on the wire, in
// HTML and in plain text, quoted-printable, that comes to 40 to 50 kB.
const letterSize = 12_500

// writeArticle makes an article long enough of the one given; its title is its own,
// so that it is a new issue.
func writeArticle(from, to, title string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var paragraphs []string
	for p := range strings.SplitSeq(string(text), "\n\n") {
		if p = strings.TrimSpace(p); len(p) > 250 {
			paragraphs = append(paragraphs, p)
		}
	}
	if len(paragraphs) == 0 {
		return fmt.Errorf("%s has no paragraph to make a letter of", from)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "---\ntitle: %q\nlang: fr\n---\n\n", title)
	for i := 0; b.Len() < letterSize; i++ {
		if i%len(paragraphs) == 0 {
			fmt.Fprintf(&b, "## Partie %d\n\n", i/len(paragraphs)+1)
		}
		b.WriteString(paragraphs[i%len(paragraphs)] + "\n\n")
	}
	return os.WriteFile(to, []byte(b.String()), 0o600)
}

// writeConfig makes a configuration for one newsletter to the given server.
func (s setup) writeConfig(dir string, r row, host, port string) error {
	var b strings.Builder
	fmt.Fprintf(&b, `mode: live
site:
  name: La Gazette du Marais
  url: https://gazette.example
  language: fr
legal:
  sender: Association La Gazette du Marais
  address: 12 rue des Roseaux, 75004 Paris, France
server:
  public_url: https://lettre.gazette.example
smtp:
  main:
    host: %s
    port: %s
    security: %s
    connections: %d
lists:
  %s:
    title: Les lecteurs de la Gazette
newsletters:
  quotidien:
    title: L’article du jour
    list: %s
    from: La Gazette du Marais <redaction@%s>
blocks:
  share:
    networks: [mastodon, bluesky, whatsapp, email]
  subscribe:
    url: https://gazette.example/inscription
    text: Recevez gratuitement l’article du jour.
  donate:
    url: https://gazette.example/don
    text: La Gazette vit de ses lecteurs.
`, host, port, map[bool]string{false: "none", true: "starttls"}[r.tls], s.connections, listName, listName, domain)
	if s.dsn != "" {
		fmt.Fprintf(&b, "state:\n  dsn: %q\n", s.dsn)
	}
	if r.dkim != "no" {
		keys, err := writeKeys(dir, r.dkim)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "dkim:\n  %s:\n    selector: bench\n%s", domain, keys)
	}
	return os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(b.String()), 0o600)
}

// writeKeys makes the keys that mails are signed with, and the lines that name them.
func writeKeys(dir, which string) (string, error) {
	if which != "rsa" && which != "both" {
		return "", fmt.Errorf("-dkim is %q, not no, rsa or both", which)
	}
	lines := ""
	for kind, make := range map[string]func() (any, error){
		"rsa":     func() (any, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"ed25519": func() (any, error) { _, key, err := ed25519.GenerateKey(rand.Reader); return key, err },
	} {
		if kind != "rsa" && which != "both" {
			continue // there is no Ed25519 without RSA beside it
		}
		key, err := make()
		if err != nil {
			return "", err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, kind+".pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
			return "", err
		}
		lines += fmt.Sprintf("    %s_key: ${file:%s.pem}\n", kind, kind)
	}
	return lines, nil
}

// size is how many octets a store takes, journals included.
func size(dir string) (n int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		n += info.Size()
	}
	return n, nil
}

// duplicate copies a store that is closed.
func duplicate(from, to string) error { return os.CopyFS(to, os.DirFS(from)) }
