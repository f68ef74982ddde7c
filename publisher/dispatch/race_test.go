//go:build race

package dispatch_test

// many is a large audience; the race detector makes SQLite forty times slower.
const many = 4_000

// exact: whether times say anything. With the detector the processor is the limit.
const exact = false
