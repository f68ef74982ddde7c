-- Feeds and their entries: what was seen, and what waits to be taken.
-- States are publisher.EntryState's numbers.
-- +goose Up

CREATE TABLE feeds (
  name    TEXT PRIMARY KEY,
  version BIGINT NOT NULL, -- a poll is stored only on top of what it had read
  content TEXT NOT NULL    -- JSON
) ${KEYED};

CREATE TABLE feed_entries (
  feed       TEXT NOT NULL,
  id         TEXT NOT NULL,
  state      SMALLINT NOT NULL,
  title      TEXT NOT NULL,
  link       TEXT NOT NULL,
  stated_at  BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  digest     TEXT NOT NULL,
  reason     TEXT NOT NULL,
  article_id TEXT NOT NULL,
  article    TEXT NOT NULL, -- JSON; '' once it is of no further use
  PRIMARY KEY (feed, id)
);
CREATE INDEX feed_entries_state ON feed_entries (feed, state);

-- The marks by which an entry is recognised, under another address or title too.
CREATE TABLE feed_keys (
  feed  TEXT NOT NULL,
  mark  TEXT NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (feed, mark, entry)
) ${KEYED};
CREATE INDEX feed_keys_entry ON feed_keys (feed, entry);

CREATE TABLE feed_subscriptions (
  feed    TEXT PRIMARY KEY,
  version BIGINT NOT NULL,
  content TEXT NOT NULL -- JSON
) ${KEYED};
