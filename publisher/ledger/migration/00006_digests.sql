-- +goose Up

-- The articles of an issue that carries several, in their order. An issue of one
-- article has no rows here.
CREATE TABLE issue_articles (
  issue    TEXT NOT NULL REFERENCES issues (id),
  ordinal  BIGINT NOT NULL,
  article  TEXT NOT NULL,
  PRIMARY KEY (issue, ordinal)
) ${KEYED};
CREATE INDEX issue_articles_of ON issue_articles (article);
