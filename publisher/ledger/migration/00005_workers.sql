-- +goose Up

-- Who works on this store. A row whose moment is long past is a dead process's.
CREATE TABLE workers (
  id         TEXT PRIMARY KEY,
  host       TEXT NOT NULL,
  pid        BIGINT NOT NULL,
  roles      TEXT NOT NULL, -- with commas
  version    TEXT NOT NULL,
  problem    TEXT NOT NULL, -- what its owner should know; '': all is well
  started_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL
) ${KEYED};
