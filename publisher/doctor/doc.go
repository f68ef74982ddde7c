// Package doctor looks at everything outside the program that has to be right before
// mails and posts arrive: the servers' logins, what DNS says about the senders (SPF,
// DKIM, DMARC, MX) and about the server's address, the address that readers reach,
// and the accounts. For each it says what is the matter and what to do.
//
// It changes nothing, sends no mail and makes no post. It asks DNS through the
// resolver that it is given, and knows servers and accounts only as functions.
package doctor
