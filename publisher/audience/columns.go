package audience

import (
	"strings"
	"unicode"

	"crieur/publisher"
)

// Columns that an import understands; the others are passed over.
type columns struct {
	email, name, first, last, language, status, since int // -1: not there
	count                                             int
}

// header says which column holds what. Words are compared without case, accents,
// spaces and punctuation, in English and French.
func header(cells []string) columns {
	c := columns{-1, -1, -1, -1, -1, -1, -1, len(cells)}
	surname := -1
	for i, cell := range cells {
		var at *int
		switch fold(cell) {
		case "email", "mail", "courriel", "adresse", "address", "adressemail", "adresseemail", "mailaddress",
			"emailaddress", "adressecourriel", "adresseelectronique", "email1value", "mel":
			at = &c.email
		case "name", "fullname", "nomcomplet", "nometprenom", "prenometnom", "nomprenom", "prenomnom", "displayname":
			at = &c.name
		case "firstname", "givenname", "prenom", "fname":
			at = &c.first
		case "lastname", "familyname", "surname", "nomdefamille", "lname":
			at = &c.last
		case "nom":
			at = &surname
		case "language", "langue", "lang", "locale":
			at = &c.language
		case "status", "statut", "etat", "state":
			at = &c.status
		case "date", "inscritle", "inscription", "dateinscription", "datedinscription", "since", "depuis",
			"subscribed", "subscribedat", "optintime", "confirmtime", "created", "createdat", "dateadded", "ajoutele":
			at = &c.since
		}
		if at != nil && *at < 0 {
			*at = i
		}
	}
	// « nom » alone is a whole name; beside « prénom » it is the family's.
	switch {
	case surname >= 0 && c.first >= 0 && c.last < 0:
		c.last = surname
	case surname >= 0 && c.name < 0:
		c.name = surname
	}
	return c
}

// fold keeps lower-case letters and digits, without the accents that French has.
func fold(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch r {
		case 'é', 'è', 'ê', 'ë':
			r = 'e'
		case 'à', 'â', 'ä':
			r = 'a'
		case 'î', 'ï':
			r = 'i'
		case 'ô', 'ö':
			r = 'o'
		case 'û', 'ù', 'ü':
			r = 'u'
		case 'ç':
			r = 'c'
		}
		if unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// status reads the words that newsletter tools write. An empty cell is Confirmed:
// the owner's file says that these are their readers.
func status(cell string) (s publisher.SubscriptionStatus, ok bool) {
	switch fold(cell) {
	case "", "confirmed", "confirme", "confirmee", "active", "actif", "enabled", "subscribed", "abonne", "abonnee",
		"inscrit", "inscrite", "member":
		return publisher.Confirmed, true
	case "unsubscribed", "desabonne", "desabonnee", "desinscrit", "desinscrite", "inactive", "inactif", "disabled",
		"blocklisted", "blacklisted", "bounced", "cleaned", "complained", "optedout", "parti", "partie":
		return publisher.Unsubscribed, true
	case "unconfirmed", "nonconfirme", "nonconfirmee", "pending", "enattente", "aconfirmer":
		return publisher.Unconfirmed, true
	}
	return 0, false
}

// language gives the primary tag in lower case, or "" for what it does not know.
func language(cell string) string {
	switch fold(cell) {
	case "francais", "french":
		return "fr"
	case "anglais", "english":
		return "en"
	}
	primary, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(cell), "_", "-"), "-")
	if len(primary) < 2 || len(primary) > 3 {
		return ""
	}
	for _, c := range []byte(primary) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	return strings.ToLower(primary)
}

// cleanName gives a name on one line, of at most 200 characters, without anything
// that cannot be printed.
func cleanName(s string) string {
	return shorten(strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) && r != '\u00a0' && r != '\u202f' || unicode.IsControl(r) || r == '\ufffd'
	}), " "), 200)
}

// shorten cuts s after max characters.
func shorten(s string, max int) string {
	for i := range s {
		if max == 0 {
			return s[:i] + "…"
		}
		max--
	}
	return s
}
