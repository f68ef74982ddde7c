package app

import (
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
)

// trySubject renders a newsletter's subject for an invented article, so that what is
// wrong with it is found before there is a real one.
func (a *App) trySubject(n config.Newsletter) error {
	article := publisher.Article{ID: "specimen", Title: "Specimen", Lead: "A specimen.", Body: "<p>A specimen.</p>", Language: "en", Dir: "ltr",
		CanonicalURL: "https://example.org/specimen", Author: "A. Uthor", Tags: []string{"specimen"}, Published: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	_, err := a.set.Subject(a.mailInput(article, n, publisher.Issue{Newsletter: n.Name, Created: article.Published}, nil))
	return err
}
