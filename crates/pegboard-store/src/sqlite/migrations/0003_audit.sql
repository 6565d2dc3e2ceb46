-- Who did what. Only ever added to: an entry is chained to the one before by its hash, and goes, the oldest first, when it
-- is 400 days older than the newest.
CREATE TABLE audit (
    number   INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    by       TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    via      TEXT    NOT NULL,
    origin   TEXT,
    action   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    before   TEXT,            -- JSON
    after    TEXT,            -- JSON
    previous BLOB    NOT NULL,
    hash     BLOB    NOT NULL
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN old.number <> (SELECT min(number) FROM audit)
  OR old.at >= (SELECT at FROM audit ORDER BY number DESC LIMIT 1) - 34560000000
BEGIN SELECT raise(ABORT, 'the audit log keeps its entries for 400 days'); END;
