//go:build race

package dispatch_test

// many is a large audience; the race detector makes SQLite forty times slower.
const many = 4_000
