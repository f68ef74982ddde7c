package bounce

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold gives text in the form in which phrases are looked for: lower case, without
// accents, one space between words, one kind of apostrophe.
func fold(s string) string {
	var b strings.Builder
	space := true
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.Mn, r):
			continue
		case unicode.IsSpace(r) || unicode.IsControl(r):
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		case r == '’' || r == '`' || r == '´':
			r = '\''
		}
		b.WriteRune(r)
		space = false
	}
	return b.String()
}

func containsAny(folded string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(folded, p) {
			return true
		}
	}
	return false
}

// A meaning is what phrases say that servers use in place of a status.
type meaning struct {
	status  string // RFC 3463
	phrases []string
}

// meanings are in the order in which they are looked for: what is about us first, so
// that "user unknown" in a policy's explanation costs nobody their subscription.
var meanings = []meaning{
	{"5.7.1", []string{"blocked using", "blacklist", "blocklist", "listed in", "listed at", "spamhaus", "considered spam", "detected as spam", "spam message rejected",
		"message rejected as spam", "classified as spam", "content rejected", "message content rejected", "not authorized to send", "policy violation", "poor reputation", "reputation",
		"dmarc", "unauthenticated email", "spf check", "access denied", "relaying denied", "relay access denied", "message refuse pour spam",
		"refuse pour des raisons de politique", "considere comme spam", "considere comme indesirable", "spam detecte"}},
	{"5.2.2", []string{"mailbox full", "mailbox is full", "mailbox has exceeded", "over quota", "overquota", "quota exceeded", "exceeded storage", "exceeded its quota",
		"out of storage", "mailbox size limit", "not enough disk space", "storage quota", "inbox is full", "full mailbox", "disk quota", "user has too many messages",
		"boite pleine", "boite aux lettres pleine", "boite de reception pleine", "boite aux lettres est pleine", "boite de reception est pleine", "boite mail pleine", "boite est pleine", "quota depasse", "depasse son quota",
		"espace de stockage est plein", "depassement de quota", "postfach voll", "postfach ist voll", "buzon lleno"}},
	{"5.2.3", []string{"message too large", "message size exceeds", "exceeds size limit", "message trop volumineux"}},
	{"5.1.1", []string{"user unknown", "unknown user", "no such user", "no such mailbox", "no mailbox here by that name", "mailbox not found", "mailbox unavailable",
		"mailbox does not exist", "does not exist", "doesn't exist", "user not found", "invalid recipient", "recipient not found", "recipient unknown", "unknown recipient", "no such recipient",
		"address not found", "couldn't be found", "could not be found", "wasn't found at", "not listed in", "account has been disabled", "account is disabled", "account disabled", "mailbox disabled",
		"account that you tried to reach", "unrouteable address", "unroutable address", "invalid mailbox", "bad destination mailbox", "no longer valid", "is not a valid",
		"doesn't have a", "unknown address", "address unknown", "address rejected", "recipient rejected", "no account by that name", "inactive user", "user is inactive", "mailbox is inactive",
		"adresse d'au moins un destinataire invalide", "adresse inconnue", "destinataire inconnu", "utilisateur inconnu", "n'existe pas", "adresse invalide",
		"boite inconnue", "compte inexistant", "adresse introuvable", "destinataire introuvable", "est introuvable", "n'est plus valide", "adresse non valide", "compte desactive",
		"boite aux lettres inactive", "unbekannt", "existiert nicht", "no existe"}},
	{"5.1.2", []string{"host unknown", "unknown host", "domain not found", "domain does not exist", "name or domain not found", "host or domain name not found", "no mx",
		"couldn't find any host", "couldn't find any host named", "domaine inconnu", "domaine introuvable"}},
	{"4.4.7", []string{"could not be delivered for", "delivery time expired", "message expired", "retry timeout exceeded", "retry time not reached", "too long in queue",
		"i've been trying", "in the queue too long", "delai depasse", "delai d'attente depasse", "delai expire"}},
	{"4.4.1", []string{"connection timed out", "connection refused", "no route to host", "unable to connect", "wasn't able to establish an smtp connection", "host is unreachable",
		"could not connect", "network is unreachable", "delai de connexion depasse"}},
	{"4.2.0", []string{"temporarily deferred", "temporarily rejected", "try again later", "temporary failure", "temporarily unavailable", "greylisted", "temporairement indisponible", "reessayez plus tard"}},
}

// phraseStatus gives the status that words stand for; "" where they are not known.
func phraseStatus(text string) string {
	folded := fold(text)
	for _, m := range meanings {
		if containsAny(folded, m.phrases) {
			return m.status
		}
	}
	return ""
}

// Phrases by which a report in words is told from other letters, folded.
var (
	failSubjects = []string{"undeliver", "delivery status notification (fail", "delivery failure", "delivery has failed", "delivery failed", "mail delivery failed", "failure notice",
		"returned mail", "returned to sender", "returning message to sender", "message not delivered", "mail system error", "mail could not be delivered", "undelivered mail", "non delivery", "delivery report",
		"non remis", "non distribu", "non delivre", "echec de remise", "echec de distribution", "echec de la remise", "echec de livraison", "message retourne", "retour a l'expediteur", "remise impossible",
		"unzustellbar", "nicht zugestellt", "no se puede entregar", "no entregado", "mancata consegna"}
	delays = []string{"delayed", "delivery delay", "still being retried", "will be retried", "will keep trying", "warning message only", "this is a warning", "has not yet been delivered", "not yet been delivered",
		"do not need to resend", "don't need to resend", "will try again", "retard de remise", "retardee", "n'a pas encore", "nouvelle tentative", "verzogert"}
	gaveUp = []string{"permanent error", "permanent fatal error", "permanently", "giving up", "gave up", "i've given up", "no longer retry", "could not be delivered", "couldn't be delivered", "was not delivered",
		"wasn't delivered", "has failed", "have failed", "delivery failed", "undeliverable", "unable to deliver", "rejected your message", "not delivered to", "could not deliver", "non remis", "n'a pas pu etre remis", "n'a pas pu etre delivre", "n'a pas pu etre distribu",
		"n'a pas ete remis", "impossible de remettre", "impossible de delivrer", "echec definitif", "erreur permanente"}
	autoSubjects = []string{"out of office", "out of the office", "automatic reply", "auto reply", "auto-reply", "autoreply", "auto response", "autoresponse", "vacation", "on leave", "on holiday", "away from",
		"absence du bureau", "absent du bureau", "absente du bureau", "reponse automatique", "message d'absence", "je suis absent", "en conges", "en vacances", "accuse de reception", "absence :",
		"abwesenheit", "automatische antwort", "respuesta automatica", "fuera de la oficina", "risposta automatica", "fuori ufficio", "thank you for contacting", "ticket received"}
	challenges = []string{"verify that you are a real person", "confirm your message", "confirm that you sent", "challenge-response", "sender verification", "please click the link below to deliver your",
		"boxbe", "mailinblack", "to have your message delivered", "pour que votre message soit delivre", "pour que votre message me parvienne", "authentifier votre message", "veuillez vous authentifier", "antispam"}
)
