// Package sandbox answers every channel inside the program: an SMTP server and the
// APIs of Mastodon, Bluesky and X, all on loopback, and a page that shows what
// arrived. It is as strict as the real servers, or stricter, and fails on demand.
//
// It does not deliver, relay or federate anything, and it imports none of the
// packages that talk to it: what it knows of a network it knows from that network's
// own documents, so that a mistake of crieur's is not made twice.
package sandbox
