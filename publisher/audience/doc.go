// Package audience takes readers in and lets them go: it reads lists of them from
// CSV files, checks addresses, makes the tokens that stand in every link of a
// reader's mails, and changes subscriptions on the reader's or the owner's word,
// with a record of consent. It stores nothing itself (see Store), sends nothing,
// and knows nothing of HTTP.
package audience
