package publisher

import "time"

// A Trouble is what crieur could not do by itself, because an article, a template or
// the configuration has to change first, or somebody did not answer.
type Trouble struct {
	Duty    string // which sort of work: "route", "digest", "poll"
	Subject string // what it was about, in that work's words
	Channel string // name of the newsletter or channel; "" for none
	Problem string
	Hint    string
	Tries   int       // that failed, in a row
	Since   time.Time // the first of them
	Next    time.Time // when it is tried again
}
