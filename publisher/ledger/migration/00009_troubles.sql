-- What crieur could not do by itself, and when it tries again. A row goes once the
-- thing is done. Moments are unix milliseconds.
-- +goose Up

CREATE TABLE troubles (
  duty    TEXT NOT NULL, -- which sort of work
  subject TEXT NOT NULL, -- what it was about, in that work's words
  channel TEXT NOT NULL, -- newsletter or channel; '' for none
  problem TEXT NOT NULL,
  hint    TEXT NOT NULL,
  tries   BIGINT NOT NULL,
  since   BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  PRIMARY KEY (duty, subject, channel)
) ${KEYED};

-- Which feeds have something that waits is asked every few seconds.
CREATE INDEX feed_entries_waiting ON feed_entries (state, feed, seen_at);
