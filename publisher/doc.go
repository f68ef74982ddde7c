// Package publisher holds crieur's nouns and contracts: what an article, an
// issue, a rendering, a post, a mail, a delivery and a receipt are, and what a
// network and a mailer promise. It imports only the standard library and does
// no I/O; the packages below it do the work, and none of them is imported here.
//
// The way of an article:
//
//	source → Article → Issue → render → Rendering → plan → Delivery → dispatch → Receipt
package publisher
