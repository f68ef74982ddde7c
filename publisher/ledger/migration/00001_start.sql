-- One text for both engines; ${…} is what they say differently (see dialect in migrate.go).
-- Moments are unix milliseconds, 0 for none. States are publisher.State's numbers.
-- +goose Up

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) ${KEYED};

CREATE TABLE articles (
  id       TEXT PRIMARY KEY,
  hash     TEXT NOT NULL,
  content  TEXT NOT NULL, -- JSON
  saved_at BIGINT NOT NULL
);

CREATE TABLE issues (
  id         TEXT PRIMARY KEY,
  newsletter TEXT NOT NULL,
  article    TEXT NOT NULL,
  title      TEXT NOT NULL,
  hash       TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX issues_created ON issues (created_at);

CREATE TABLE renderings (
  issue      TEXT NOT NULL REFERENCES issues (id),
  channel    TEXT NOT NULL,
  language   TEXT NOT NULL,
  ordinal    BIGINT NOT NULL, -- the first one is for readers whose language has none
  subject    TEXT NOT NULL,
  preheader  TEXT NOT NULL,
  html       TEXT NOT NULL,
  text       TEXT NOT NULL,
  nonce      TEXT NOT NULL,
  parts      TEXT NOT NULL, -- JSON
  hash       TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (issue, channel, language)
);

CREATE TABLE media (
  hash TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  data ${BYTES} NOT NULL
);

CREATE TABLE lists (
  n    ${PK},
  name TEXT NOT NULL UNIQUE
);

-- hash is the salted hash of the address: people are looked up by it, and it is
-- all that is kept of those who were erased.
CREATE TABLE subscribers (
  id         ${PK},
  hash       TEXT NOT NULL UNIQUE,
  email      TEXT NOT NULL,
  name       TEXT NOT NULL,
  language   TEXT NOT NULL,
  token      TEXT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL
);

CREATE TABLE subscriptions (
  list       BIGINT NOT NULL,
  subscriber BIGINT NOT NULL,
  status     SMALLINT NOT NULL,
  consent    TEXT NOT NULL,
  since      BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (list, subscriber)
) ${KEYED};

-- What a subscription said before it was changed: the proof of an earlier consent.
CREATE TABLE past_subscriptions (
  n          ${PK},
  list       BIGINT NOT NULL,
  subscriber BIGINT NOT NULL,
  status     SMALLINT NOT NULL,
  consent    TEXT NOT NULL,
  since      BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);
CREATE INDEX past_subscriptions_of ON past_subscriptions (subscriber);

CREATE TABLE suppressions (
  hash       TEXT PRIMARY KEY,
  reason     TEXT NOT NULL,
  created_at BIGINT NOT NULL
) ${KEYED};

-- Someone who comes back gets their number again, so that no issue reaches them twice.
CREATE TABLE departed (
  hash       TEXT PRIMARY KEY,
  subscriber BIGINT NOT NULL
) ${KEYED};

CREATE TABLE lots (
  n          ${PK},
  issue      TEXT NOT NULL REFERENCES issues (id),
  channel    TEXT NOT NULL,
  network    TEXT NOT NULL,
  list       BIGINT NOT NULL, -- 0 for posts
  domain     TEXT NOT NULL,
  parts      BIGINT NOT NULL,
  size       BIGINT NOT NULL,
  open       SMALLINT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (issue, channel)
);

-- A row per reader and issue: every byte here counts a million times. attempts is
-- the fence: an outcome is taken only for the attempt that the row stands at.
CREATE TABLE deliveries (
  lot        BIGINT NOT NULL,
  id         BIGINT NOT NULL,
  state      SMALLINT NOT NULL,
  attempts   SMALLINT NOT NULL,
  updated_at BIGINT NOT NULL,
  due_at     BIGINT NOT NULL, -- deferred: not before; leased: until
  receipt    TEXT NOT NULL,
  PRIMARY KEY (lot, id)
) ${LEDGER};

CREATE TABLE attempts (
  lot        BIGINT NOT NULL,
  id         BIGINT NOT NULL,
  n          SMALLINT NOT NULL,
  state      SMALLINT NOT NULL,
  kind       SMALLINT NOT NULL,
  code       BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at   BIGINT NOT NULL,
  problem    TEXT NOT NULL,
  PRIMARY KEY (lot, id, n)
) ${KEYED};

CREATE TABLE tokens (
  channel  TEXT PRIMARY KEY,
  data     ${BYTES} NOT NULL,
  saved_at BIGINT NOT NULL
);
