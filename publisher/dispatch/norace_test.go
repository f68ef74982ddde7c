//go:build !race

package dispatch_test

// many is a large audience.
const many = 100_000

// exact: whether times say anything.
const exact = true
