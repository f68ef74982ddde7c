// Package bounce knows what comes back about mails: the addresses that it comes back
// to, each of which names one delivery and is signed, and the reports themselves, from
// RFC 3464 and RFC 5965 to the plain words of servers that follow neither. It stores
// nothing, fetches nothing and decides about no reader: see app.
package bounce
