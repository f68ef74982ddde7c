package bounce_test

import (
	"testing"

	"crieur/publisher/mail/bounce"
)

// What people write is no report, whatever numbers and words stand in it: it would be
// deleted, and after three of them its writer is not written to any more.
func TestLettersAreNoReports(t *testing.T) {
	for name, message := range map[string]string{
		"absence that does not say so":   "Return-Path: <>\nFrom: Mary <mary@example.org>\nSubject: Today's article\n\nHi, I'm out. Call ext. 512, or 06 12 450 551.\n",
		"role account with an address":   "Return-Path: <staff@example.org>\nFrom: Staff <staff@example.org>\nSubject: Re: L'article\n\nMerci ! Nous habitons 450 rue des Roseaux.\n",
		"postmaster with many users":     "Return-Path: <postmaster@example.org>\nFrom: postmaster@example.org\nSubject: question\n\nWe have 500 users here, how do they subscribe?\n",
		"a report that is passed on":     "Return-Path: <jean@example.org>\nFrom: Jean <jean@example.org>\nSubject: Fwd: Undelivered Mail Returned to Sender\n\nWhat is this? 550 5.1.1 user unknown\n",
		"an answer to a report, encoded": "From: Jean <jean@example.org>\nSubject: =?utf-8?q?TR_=3A_=C3=89chec_de_remise?=\n\n550 5.1.1\n",
	} {
		if r := bounce.Parse([]byte(message), noon); len(r.Returns) != 0 || r.Machine {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
