package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"html/template"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	gomail "github.com/wneessen/go-mail"
)

// naiveMain sends as programs do that use a mail library as its manual shows: for
// each reader a template run, a message built and sent over a kept connection. It
// keeps no ledger.
func naiveMain(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("naive", flag.ContinueOnError)
	article := f.String("article", "", "")
	to := f.String("to", "", "")
	n := f.Int("n", 0, "")
	connections := f.Int("connections", 1, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(*to)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(*article)
	if err != nil {
		return err
	}
	_, body, _ := strings.Cut(string(text), "---\n\n")
	letter, err := template.New("letter").Parse(`<!doctype html><html lang="fr"><body><p>Bonjour {{.Name}},</p>
{{range .Paragraphs}}<p style="margin:0 0 1em;font:17px/1.55 Georgia,serif">{{.}}</p>
{{end}}<p>Vous recevez cette lettre à l’adresse {{.Email}}. <a href="{{.Leave}}">Se désinscrire</a></p></body></html>`)
	if err != nil {
		return err
	}
	paragraphs := strings.Split(body, "\n\n")
	paragraphs = append(paragraphs, paragraphs[:len(paragraphs)*7/10]...) // what crieur's letter has in style and links
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make(chan error, *connections)
	for range *connections {
		all.Go(func() {
			client, err := gomail.NewClient(host, gomail.WithPort(number), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithHELO("[127.0.0.1]"))
			if err == nil {
				err = client.DialWithContext(ctx)
			}
			for i := next.Add(1) - 1; err == nil && i < int64(*n); i = next.Add(1) - 1 {
				err = naiveSend(client, letter, paragraphs, body, int(i))
			}
			if err != nil {
				errs <- err
				return
			}
			_ = client.Close()
		})
	}
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
	}
	return json.NewEncoder(os.Stdout).Encode(sent{Peak: peak()})
}

func naiveSend(client *gomail.Client, letter *template.Template, paragraphs []string, text string, i int) error {
	m := gomail.NewMsg()
	leave := fmt.Sprintf("https://lettre.gazette.example/u/%026x", i)
	if err := m.From("redaction@" + domain); err != nil {
		return err
	}
	if err := m.To(address(i)); err != nil {
		return err
	}
	m.Subject("La halle du marché se relève")
	m.SetMessageIDWithValue(fmt.Sprintf("naive%d@%s", i, domain))
	m.SetGenHeader(gomail.HeaderListUnsubscribe, "<"+leave+">")
	m.SetBodyString(gomail.TypeTextPlain, text)
	if err := m.AddAlternativeHTMLTemplate(letter, map[string]any{"Name": "Zoé", "Email": address(i), "Leave": leave, "Paragraphs": paragraphs}); err != nil {
		return err
	}
	return client.Send(m)
}
