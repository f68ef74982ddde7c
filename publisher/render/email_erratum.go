package render

import "time"

// An Erratum is the correction of an article that went out before.
type Erratum struct {
	Title string    // the article's
	URL   string    // where it can be read as it is now; "" for nowhere
	Sent  time.Time // when the old text went out; may be zero
	Text  string    // what was wrong, and what is right; "" says only that it was corrected
}

// errata gives in.Errata as blocks.
func (l *letter) errata(in *MailInput) []block {
	var all []block
	for _, e := range in.Errata {
		sent := ""
		if !e.Sent.IsZero() {
			sent = l.shortDate(in, e.Sent)
		}
		text := l.set(e.Text)
		if text == "" {
			text = l.T("erratum.corrected")
		}
		b := block{Label: l.T("erratum.label")}
		if sent == "" {
			b.Text = l.T("erratum.text", "Title", l.set(e.Title), "Text", text)
		} else {
			b.Text = l.T("erratum.dated", "Title", l.set(e.Title), "Date", sent, "Text", text)
		}
		if e.URL != "" {
			b.add(l.T("erratum.link"), in.tagged(e.URL))
		}
		all = append(all, b)
	}
	return all
}
