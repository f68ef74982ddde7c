package source

import (
	"regexp"
	"strings"
	"sync"

	"crieur/publisher"
)

// An askRule recognises one kind of ask in one folded sentence, without its quoted
// speech. What the site says of itself or of this article ("our newsletter",
// "share this story") is sure. What merely speaks to the reader ("you can give to
// the Red Cross") is an article's own text as often, and counts only among asks
// that are sure.
type askRule struct {
	block publisher.Block
	sure  *regexp.Regexp
	maybe *regexp.Regexp // nil: none
}

const (
	frNewsletter = `(newsletters?|infolettres?|lettres? (d'information|hebdomadaire|quotidienne)|liste de diffusion|bulletin)`
	enNewsletter = `(newsletters?|mailing list|e-?mail (list|updates|alerts)|bulletin|daily briefing|weekly (letter|digest))`
	frFriend     = `(un|une|des|vos|votre|tes|ton|quelques) (ami|amie|amis|amies|proche|proches|collegue|collegues|connaissances?|entourage|voisins?|contacts?)`
	enFriend     = `(a|your|some) (friends?|colleagues?|neighbou?rs?|family|contacts?)`
	frThis       = `(cet|cette|ce|l'|le|la|notre) ?(article|histoire|reportage|enquete|page|billet|texte|papier|chronique|entretien|analyse|info|information|publication|post|lettre|recit)`
	enThis       = `(this|the|our) (article|story|post|page|piece|report|interview|news|newsletter|issue|column|e-?mail)`
	networks     = `(reseaux sociaux|facebook|twitter|mastodon|bluesky|linkedin|whatsapp|telegram|instagram|threads|reddit)`
	enNetworks   = `(social (media|networks?)|facebook|twitter|mastodon|bluesky|linkedin|whatsapp|telegram|instagram|threads|reddit)`
	payment      = `(paypal|tipeee|helloasso|liberapay|patreon|ko-?fi|ulule|buy me a coffee|buymeacoffee|github sponsors|opencollective|bitcoin)`
)

// askRules stand in the order in which they are tried: who asks to share with a
// friend does not ask to share in public.
//
// They are built at the first article, for building them takes longer than most
// commands do.
var askRules = sync.OnceValue(func() []askRule {
	return []askRule{
		{block: publisher.BlockForward, sure: anyOf(
			`partage[rz]?[- ](le|la|les|cela|ca|`+frThis+`)\b.{0,40}\b(avec|a) `+frFriend,
			`(envoye[rz]|transfere[rz]|transferer|transmette[rz]|transmettre|faites[- ](le |la )?suivre|recommande[rz])\b.{0,40}(`+frThis+`|[- ](le|la)\b).{0,40}`+frFriend,
			`^(faites[- ]suivre|transferez)\b.{0,40}(`+frThis+`|`+frFriend+`)`,
			`\b(share|forward|send|pass|e-?mail|recommend)( it| this| `+enThis+`)?( on| along)? (to|with) `+enFriend,
			`^(forward|e-?mail) (this|it)\b`, `\bknow (someone|anyone) who\b.{0,60}\b(forward|share|send|pass)\b`,
			`\bforwarded this\b`, `^forward to a friend\b`)},
		{block: publisher.BlockOriginal, sure: anyOf(
			`\b(lire|lisez|relire|retrouve[rz]|consulte[rz]|voir|voyez|decouvr(ir|ez)|acceder a)\b.{0,50}\b(article|texte|version|publication|billet|source|entretien|tribune)( \w+){0,2} (originale?|d'origine|source|initiale?)\b`,
			`^(source|article|texte|lien|version|publication)s? (originale?|d'origine)\b.{0,10}:`,
			`\b(cet|l') ?article (original )?(a ete|est|etait)( \w+){0,2} (initialement|d'abord|originellement|precedemment) (publie|paru)`,
			`^(initialement|d'abord|originellement) (publie|paru)e? (sur|dans|par|chez|le)\b`,
			`\b(publie|paru)e? (initialement|a l'origine|pour la premiere fois) (sur|dans|par|chez)\b.{0,60}$`,
			`\b(read|see|view|find|visit) (the|this|our)( \w+)? original( |$|\.|:)`, `\bread the (article|story|post|piece|interview) in (its|the) original\b`,
			`^(this|the) (article|story|piece|post|essay|interview|report)( was| is)?( first| originally)+ (published|appeared|posted|written)\b`,
			`^(first|originally) (published|appeared|posted|written) (at|on|in|by|for)\b`,
			`^original (article|story|post|source|version|text)\b.{0,10}:`,
			`^source ?: ?https?://`), maybe: anyOf(`^source ?:`, `\b(article|texte|version|article|story|post|source) (originale?|d'origine)\b`, `\boriginal (article|story|post|source|version)\b`)},
		{block: publisher.BlockSubscribe, sure: anyOf(
			`\b(inscri\w+|abonn\w+|recev(ez|oir)|rejoign\w+|souscri\w+|decouvr\w+)\b.{0,80}\b(ma|mes|notre|nos|cette) (\w+ ){0,2}`+frNewsletter,
			`\b(ma|notre|nos) (\w+ ){0,2}`+frNewsletter+`.{0,60}\b(inscri\w+|abonn\w+|ici|gratuit\w*)\b`,
			`^(inscri(vez|s)|abonne[sz])[- ](vous|toi)\b.{0,60}(`+frNewsletter+`|gratuit|ici|pour (ne rien (rater|manquer)|recevoir))`,
			`^(recevez|recevoir)\b.{0,60}(`+frNewsletter+`|nos articles|par (e-?mail|courriel|mail))`,
			`^(inscription|abonnement|s'inscrire|s'abonner)( gratuite?)? (a|au)\b.{0,20}`+frNewsletter,
			`\b(subscribe|sign(ing)? up|signup|join|register|get|receive)\b.{0,60}\b(my|our|this) (\w+ ){0,3}`+enNewsletter,
			`^(please |to (get|receive|read)\b.{0,60}, ?)?(subscribe|sign up|join|register)\b.{0,50}(`+enNewsletter+`|for free|(^| )free\b|here|today|now|below|inbox)`,
			`^(get|receive)\b.{0,60}(`+enNewsletter+`|(in|to) your inbox|by e-?mail)`,
			`^(not|not yet) (subscribed|a subscriber)\b`),
			maybe: anyOf(`\b(inscri(vez|vous)|abonne[rz])\b.{0,80}`+frNewsletter, `\b(subscribe|sign up)\b.{0,80}`+enNewsletter, `\b`+frNewsletter+`\b.{0,40}\bgratuite?\b`)},
		{block: publisher.BlockSponsors, sure: anyOf(
			`\b(nos|notre|mes) (\w+ )?(annonceurs?|sponsors?|partenaires? (publicitaires?|commercia(l|ux)))\b`,
			`\b(offres?|annonces?|produits?|messages?|publicites?) de nos partenaires\b`,
			`\b(our|my) (\w+ )?(advertisers?|sponsors?|advertising partners?)\b`,
			`^(cet article|cette (lettre|newsletter|page)) (vous )?est (soutenue?|sponsorisee?|offerte?|proposee?) par\b`,
			`^(this|today's) (article|story|newsletter|issue|post|edition) (is|was) (brought to you|sponsored|made possible|supported) by\b`,
			`^(brought to you|sponsored|made possible|presented) by\b`),
			maybe: anyOf(`\b(annonceurs?|sponsors?|advertisers?)\b`, `^(publicite|advertisement|annonces?|sponsored|ad)\W*$`)},
		{block: publisher.BlockDonate, sure: anyOf(
			`\b(faire|faites|effectue[rz]|envoye[rz]?|verse[rz]?|laisse[rz]?)[- ]?(nous|moi|lui)? (un|votre|vos|une|le) (don|dons|contribution|participation|obole)\b.{0,60}(`+payment+`|ici\b|\bnous\b|\bnotre\b)`,
			`\bfai(tes|re)[- ]nous un don\b`, `\bnous (faire un don|soutenir (via|sur|par|avec|en|financierement))\b`,
			`\bnous\b.{0,40}\b(votre|vos) (contribution|dons?|participation|soutien financier|obole)\b`,
			`\b(votre|vos) (contribution|dons?|soutien|participation)\b.{0,40}\b`+payment,
			`^(soutene[zr]|aide[zr]|finance[zr])[- ](nous|moi|notre|mon|le site|le journal|la redaction|`+frThis+`)\b`,
			`^(pour (nous|me) soutenir|soutenez[- ]nous)\b`, `^(faites|faire) un don\b.{0,30}$`,
			`\b(support|fund|help) (us|our (work|journalism|reporting|site|newsroom|paper|magazine))\b.{0,60}\b(donat\w+|contribut\w+|gift|member\w*|patron\w*|`+payment+`|here)`,
			`^(please )?(consider |think about )?(donat(e|ing)|making a donation|chip(ping)? in|contribut(e|ing))\b.{0,60}(\bus\b|\bour\b|`+payment+`|here|today|now|\bthis (site|newsletter)\b)`,
			`^(please )?(donate|support us|support our (work|journalism|reporting|site|newsroom|paper))\b.{0,40}$`,
			`\b(buy me|buy us|send us|send me) (a coffee|a tip|a donation|your (contribution|donation))\b`,
			`\byour (donation|contribution|gift|support)s?\b.{0,60}\b(`+payment+`|keeps? (us|this|our)|helps? (us|keep))\b`,
			`\b(become|becoming) (a|our) (member|patron|supporter)\b.{0,40}$`),
			maybe: anyOf(`\b(faire|faites) un don\b`, `\b(votre|vos) (contribution|dons?|soutien)\b`, `\b(donate|donations?|`+payment+`)\b`, `\byour support\b`)},
		{block: publisher.BlockShare, sure: anyOf(
			`\b(vous pouvez|n'hesitez pas a|merci de|pensez a)( aussi| egalement)? (le |la |les |re)?(re)?partager\b.{0,80}(`+frThis+`|`+networks+`)`,
			`^(re)?partage[rz]?[- ](le|la|les|ceci|cela|ca|`+frThis+`)\b`, `^(re)?partage[rz]?( (sur|via|avec)\b.*| ?:.*|\W*)$`,
			`\bpartage[rz]?[- ](le|la|`+frThis+`) (sur|via|autour de|avec) (vous|vos|`+networks+`)`,
			`\b(you can|please|feel free to|do not forget to|don't forget to|help us by) shar(e|ing)\b.{0,60}(`+enThis+`|\bit\b|`+enNetworks+`)`,
			`^(re)?share (this|it|our|the (article|story|post))\b`, `^(re)?share( (on|via|with)\b.*| ?:.*|\W*)$`,
			`^(like|love|enjoy)(d)? (this|it)\b.{0,40}\bshare\b`, `^share this\b`, `^(follow|find) us on\b.{0,60}`+enNetworks, `^(suivez|retrouvez)[- ]nous sur\b.{0,60}`+networks),
			maybe: anyOf(`\bpartage[rz]\b`, `\bshare\b`)},
	}
})

// plea is what surrounds asks and is none itself: the site speaking of its own
// need to the reader.
var plea = sync.OnceValue(func() *regexp.Regexp {
	return anyOf(
		`\b(votre|vos) (soutien|aide|fidelite|don|dons|lecture|confiance)\b.{0,80}\b(nous|notre|essentiel\w*|precieu\w*|indispensable|important\w*)\b`,
		`\b(nous|notre|mon|ma)\b.{0,60}\b(site|journal|redaction|media|blog|association|lettre)\b.{0,60}\b(vivre|vie|independan\w+|libre|gratuit\w*|soutien|financement\w*|publicite)`,
		`\bnous avons besoin de\b.{0,40}\b(vous|soutien|financement\w*|aide|lecteurs|dons)\b`,
		`\bmerci (de|pour) (votre|nous|avoir lu)\b`,
		`\b(we|our|this)\b.{0,40}\b(site|paper|newsroom|journalism|reporting|newsletter|magazine|blog)\b.{0,60}\b(independent|free|alive|going|possible|support\w*|fund\w*|readers)\b`,
		`\bwe (need|rely on|depend on)\b.{0,40}\b(you|your|readers|support|donations|funding)\b`,
		`^(thank you|thanks) for (reading|your|being|subscribing)\b`,
		`^(©|\(c\)|copyright)`, `\b(tous droits reserves|all rights reserved|reproduction interdite)\b`, `^(tags?|mots-cles|etiquettes|categories?) ?:`,
		`^(lire aussi|a lire aussi|voir aussi|read also|see also|related|also read)\b.{0,160}$`)
})

// opener is the question that asks begin with. It speaks of this very article, so
// it is the footer's as surely as they are.
var opener = sync.OnceValue(func() *regexp.Regexp {
	return anyOf(
		`^(si )?vous (avez )?(aime[rz]?|apprecie[rz]?) `+frThis+`\b`, `^(si )?`+frThis+` vous a (plu|interesse|ete utile)\b`,
		`^(did you |do you |if you( have)? |have you )?(like|liked|enjoy|enjoyed|love|loved)( reading)? `+enThis+`\b`)
})

func anyOf(patterns ...string) *regexp.Regexp { return regexp.MustCompile(strings.Join(patterns, "|")) }
