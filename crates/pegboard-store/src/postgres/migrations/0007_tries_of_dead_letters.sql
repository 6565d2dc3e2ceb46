-- How often a dead letter was tried, the reading included, and when last.
ALTER TABLE dead_letters ADD COLUMN tries bigint NOT NULL DEFAULT 1;
ALTER TABLE dead_letters ADD COLUMN tried bigint;
