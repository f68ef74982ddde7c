// Package calendar holds the logic of time: when something recurs (Schedule), which
// moments a channel has free (Slot), from when on an article may go out (Wish), and
// what becomes of work that comes late (Late).
//
// It is arithmetic alone: it reads no clock, starts nothing and keeps nothing. The
// current moment, what is taken already and the time zone are handed in, and the
// same arguments give the same answer.
//
// Times of day are wall-clock times in the zone. A time that the clock skips when it
// is put forward stands for the first moment after the gap; a time that it shows
// twice when it is put back stands for the first of the two. Distances between
// moments are elapsed time.
package calendar
