-- Rows that the ACD computed itself, beside those of the hub: the latest revision.
CREATE TABLE acd_rows (
    source         TEXT    NOT NULL,
    report         TEXT    NOT NULL,
    interval_start INTEGER NOT NULL,
    key            TEXT    NOT NULL,
    revision       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    file           TEXT    NOT NULL, -- what told this revision
    told           INTEGER NOT NULL, -- as of when it was last told the same
    body           TEXT    NOT NULL,
    PRIMARY KEY (source, report, interval_start, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE acd_row_history (
    source         TEXT    NOT NULL,
    report         TEXT    NOT NULL,
    interval_start INTEGER NOT NULL,
    key            TEXT    NOT NULL,
    revision       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    file           TEXT    NOT NULL,
    told           INTEGER NOT NULL,
    body           TEXT    NOT NULL,
    PRIMARY KEY (source, report, interval_start, key, revision)
) STRICT, WITHOUT ROWID;
