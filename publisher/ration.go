package publisher

import "time"

// A Ration is how many mails with senders at one domain may be begun on one day.
type Ration struct {
	Domain string
	Day    time.Time // when it begins
	Ends   time.Time // when the next one begins
	Most   int
}

// A Sending is how many mails of a domain a day's ration was used for.
type Sending struct {
	Day   time.Time
	Mails int
}
