-- +goose Up

-- How many mails each sender's domain has begun on a day, where that is limited.
CREATE TABLE rations (
  domain TEXT NOT NULL,
  day_at BIGINT NOT NULL, -- when it began
  mails  BIGINT NOT NULL,
  PRIMARY KEY (domain, day_at)
) ${KEYED};
