-- What waits: when a lot is released, what holds it, who stopped or approved what, and
-- what the scheduler must not forget. Moments are unix milliseconds, 0 for none.
-- +goose Up

ALTER TABLE lots ADD COLUMN release_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE lots ADD COLUMN held TEXT NOT NULL DEFAULT ''; -- a publisher.Hold
ALTER TABLE lots ADD COLUMN needed BIGINT NOT NULL DEFAULT 0; -- approvals
ALTER TABLE lots ADD COLUMN cancelled_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX lots_waiting ON lots (open, release_at);

-- An empty issue or channel stands for all of them.
CREATE TABLE stops (
  issue      TEXT NOT NULL,
  channel    TEXT NOT NULL,
  who        TEXT NOT NULL,
  stopped_at BIGINT NOT NULL,
  PRIMARY KEY (issue, channel)
) ${KEYED};

-- hash is over all renderings of the channel: another text wants other approvals.
CREATE TABLE approvals (
  issue       TEXT NOT NULL,
  channel     TEXT NOT NULL,
  hash        TEXT NOT NULL,
  who         TEXT NOT NULL,
  approved_at BIGINT NOT NULL,
  PRIMARY KEY (issue, channel, hash, who)
) ${KEYED};

CREATE TABLE schedules (
  id          TEXT PRIMARY KEY,
  spec        TEXT NOT NULL,
  next_run_at BIGINT NOT NULL,
  last_run_at BIGINT NOT NULL
) ${KEYED};

CREATE TABLE arrivals (
  article      TEXT NOT NULL,
  source       TEXT NOT NULL,
  hash         TEXT NOT NULL, -- of the text that was routed last
  arrived_at   BIGINT NOT NULL,
  published_at BIGINT NOT NULL,
  routed_at    BIGINT NOT NULL,
  PRIMARY KEY (article, source)
) ${KEYED};
CREATE INDEX arrivals_unrouted ON arrivals (routed_at, arrived_at);

-- Articles that wait for a newsletter's next digest, and those that one took.
CREATE TABLE pool (
  newsletter TEXT NOT NULL,
  article    TEXT NOT NULL,
  since      BIGINT NOT NULL,
  issue      TEXT NOT NULL, -- '' while it waits
  PRIMARY KEY (newsletter, article)
) ${KEYED};
CREATE INDEX pool_open ON pool (newsletter, issue, since);

CREATE TABLE marks (
  newsletter TEXT PRIMARY KEY,
  up_to      BIGINT NOT NULL,
  issue      TEXT NOT NULL
) ${KEYED};

-- What accepted posts cost, in micro-dollars.
CREATE TABLE costs (
  lot      BIGINT NOT NULL,
  id       BIGINT NOT NULL,
  channel  TEXT NOT NULL,
  micros   BIGINT NOT NULL,
  spent_at BIGINT NOT NULL,
  PRIMARY KEY (lot, id)
) ${KEYED};
CREATE INDEX costs_spent ON costs (channel, spent_at);

-- How long a network wants to be left alone.
CREATE TABLE paces (
  channel TEXT PRIMARY KEY,
  until   BIGINT NOT NULL
) ${KEYED};
