package app

import (
	"html"
	"strings"
	"time"

	"crieur/publisher"
)

// sample gives a mail's rendering as a made-up reader would see it: for previews
// and `crieur render`. The links carry no one's token.
func (a *App) sample(r publisher.Rendering) publisher.Rendering {
	l := &publisher.Letter{Rendering: &r}
	name := "Camille Moreau"
	values := a.merge(l, publisher.Recipient{Email: "camille@example.org", Name: name, Token: "preview", Since: a.o.Now().AddDate(-1, 0, -3).Truncate(24 * time.Hour)})
	for f, v := range values {
		mark := publisher.Marker(r.Nonce, f)
		r.HTML = strings.ReplaceAll(r.HTML, mark, html.EscapeString(v))
		r.Text = strings.ReplaceAll(r.Text, mark, v)
	}
	return r
}
