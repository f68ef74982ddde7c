package measure

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/idna"
)

// withdrawnTLDs are top-level domains that left the root zone, or never entered
// it, and that X, whose list is older, still makes links of. A full stop without
// a space after it ("la fin.off") costs a whole URL there.
const withdrawnTLDs = "" +
	"abarth active adac afamilycompany aigo alfaromeo an avianca bananarepublic bentley bl blanco bnl boots " +
	"bq budapest bugatti cancerresearch cartier caseih cbs ceb chloe chrysler cityeats comcast cookingchannel " +
	"csc dabur dodge doha doosan duck dunlop duns eh epost esurance etisalat everbank fiat flsmidth " +
	"foodnetwork frontdoor fujixerox glade goodhands guardian hgtv honeywell hoteles htc iinet intel iselect " +
	"iveco iwc jcp jlc kerrylogistics kinder ladbrokes lancaster lancia lancome liaison linde lipsy lixil " +
	"loft lupin macys maserati mcd mcdonalds meo metlife mf mobily montblanc mopar movistar mtpc mutual " +
	"mutuelle nadex nationwide natura newholland northwesternmutual off oldnavy onyourside orientexpress " +
	"pamperedchef panerai passagens piaget pramerica qvc raid redstone rightathome rmit rocher sapo sca " +
	"scjohnson scor ses shaw showtime shriram spiegel spreadbetting srt starhub statoil swiftcover symantec " +
	"telecity telefonica tiffany tp travelchannel uconnect um vista vistaprint volkswagen vuelos warman " +
	"xfinity xn--3oq18vl8pn36a xn--estv75g xn--jlq61u9w7b xn--kpu716f xn--mgbaakc7dvf xn--mgbb9fbpob " +
	"xn--pbt977c xperia zippo"

var withdrawnList = sync.OnceValue(func() []string { return strings.Fields(withdrawnTLDs) })

func isWithdrawn(label string) bool {
	ascii := strings.ToLower(label)
	if !isASCII(ascii) {
		var err error
		if ascii, err = idna.Punycode.ToASCII(ascii); err != nil {
			return false
		}
	}
	_, found := slices.BinarySearch(withdrawnList(), ascii)
	return found
}
