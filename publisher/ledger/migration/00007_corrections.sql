-- +goose Up

CREATE TABLE errata (
  newsletter TEXT NOT NULL,
  article    TEXT NOT NULL,
  hash       TEXT NOT NULL, -- of the corrected article
  title      TEXT NOT NULL,
  url        TEXT NOT NULL,
  sent_at    BIGINT NOT NULL,
  text       TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  issue      TEXT NOT NULL, -- that carries it; '' while it waits
  PRIMARY KEY (newsletter, article, hash)
) ${KEYED};
CREATE INDEX errata_open ON errata (newsletter, issue, created_at);
