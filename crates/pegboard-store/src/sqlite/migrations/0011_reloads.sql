-- Days whose rows are made anew: what was asked for, and how far it is.
CREATE TABLE reloads (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    source   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    asked    TEXT    NOT NULL, -- JSON
    progress TEXT    NOT NULL  -- JSON
) STRICT;
CREATE INDEX reloads_source ON reloads (source, id);

-- The day of a source that is being reloaded. Once it is swapped, the rows that were set aside stand for those of the same key.
CREATE TABLE reload_days (
    source  TEXT    PRIMARY KEY,
    reload  INTEGER NOT NULL,
    low     INTEGER NOT NULL,
    high    INTEGER NOT NULL,
    swapped INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was set aside: the next revisions of rows of that day.
CREATE TABLE reload_rows (
    source         TEXT    NOT NULL,
    report         TEXT    NOT NULL,
    interval_start INTEGER NOT NULL,
    key            TEXT    NOT NULL,
    revision       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    body           TEXT,
    PRIMARY KEY (source, report, interval_start, key)
) STRICT, WITHOUT ROWID;
