-- +goose Up

-- What came back about mails that had been accepted. A delivery has one row for
-- each kind of report: a second report of the same kind changes nothing.
CREATE TABLE returns (
  lot    BIGINT NOT NULL, -- 0: of no known mail
  reader BIGINT NOT NULL,
  kind   SMALLINT NOT NULL, -- publisher.ReturnKind
  counts SMALLINT NOT NULL, -- 1: adds to what suppresses the address
  class  TEXT NOT NULL,
  code   BIGINT NOT NULL,
  status TEXT NOT NULL,
  words  TEXT NOT NULL,
  source TEXT NOT NULL,
  raw    TEXT NOT NULL, -- the report, cut where it is long
  at     BIGINT NOT NULL,
  PRIMARY KEY (lot, reader, kind)
);
CREATE INDEX returns_of ON returns (reader);
