-- +goose Up

-- Letters to the owner: each is claimed before it is sent, and sent once.
CREATE TABLE notices (
  kind       TEXT NOT NULL,
  about      TEXT NOT NULL,
  claimed_at BIGINT NOT NULL,
  sent_at    BIGINT NOT NULL, -- 0: under way, or its sender died
  PRIMARY KEY (kind, about)
) ${KEYED};
