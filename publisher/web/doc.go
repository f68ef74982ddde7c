// Package web answers over HTTP: readers who want to leave or to choose their lists,
// anyone who opens the web copy of an issue, the owner who looks at a preview, and
// programs that hand articles in (api.go, openapi.yaml). It keeps no state and decides
// nothing about mail; what it shows and changes goes through the small interfaces that
// its Config takes.
//
// GET and HEAD change nothing, ever: mail scanners open every link. What changes
// something is a POST, and the token in its path is all the authority it needs
// (RFC 8058 wants no cookie, no login and no redirect).
package web
