// Package mail turns a letter and a reader into the bytes of one message, and
// hands messages to SMTP servers over kept connections.
//
// What all readers of a letter share is built and encoded once (Compile); a
// reader's own values are escaped for the place they stand in and spliced between
// the finished pieces. A message is finished before the server hears of it, since
// whatever fails after DATA leaves a truncated mail behind.
//
// The package renders no template, chooses no recipient, keeps no state across
// restarts and does not retry, save on a fresh connection when a kept one turned
// out dead before any of the message was sent.
package mail
